"""Memory of arrays that are gone is kept for those that come next."""

import platform
import subprocess
import sys

import pytest

CODE = """
import resource
import numpy as np
from keras_saliency._utils.memory import keep_freed

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        arrays = [np.ones(2**18) for _ in range(4)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
keep_freed()
faults()
print(first, faults())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="about one C library"
)
def test_freed_memory_is_kept():
    made = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    before, after = map(int, made.stdout.split())
    # 10 times 8 MiB in pages of 4 KiB, or of 2 MiB.
    assert before >= 30
    assert after < before / 3
