"""Short texts that tell one state of data from another."""

import json
import zlib
from collections.abc import Iterable


def of_names(names: Iterable[str]) -> str:
    """Return a checksum of names and their order, 8 hexadecimal digits."""
    return f"{zlib.crc32(json.dumps(list(names)).encode()):08x}"
