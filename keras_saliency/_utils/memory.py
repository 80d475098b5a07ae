"""What a process does with the memory of arrays that are gone."""

import functools

import numpy as np

# Twice as much of free memory is then kept. The most that counts is 32 MiB.
_SIZE = 2**24


@functools.cache
def keep_freed() -> None:
    """Keep up to 32 MiB of freed memory for the arrays that come next.

    The C library of Linux gives the memory of large arrays back to the system,
    and asking for it anew, page by page, takes longer than most of what is done
    with a map. It ceases to when a larger array was freed: one is, that no page
    was ever asked for. Elsewhere this does nothing.
    """
    np.empty(_SIZE, np.uint8)
