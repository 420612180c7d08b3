"""What a step frees, the next one finds: malloc keeps large blocks, unless the user has said otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

TWICE = """
import ctypes, resource
from zoo.core.process import keep_freed_memory

keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes, libc.memset.argtypes = [ctypes.c_void_p], [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
size = 64 * 2**20
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(size)
    libc.memset(block, 1, size)
    libc.free(block)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**environment: str) -> tuple[int, int]:
    """Pages that the system had to give for a block of 64 MiB, and for the next one after that was freed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "GLIBC_"))}
    said = subprocess.run(
        [sys.executable, "-c", TWICE], env={**clean, **environment}, capture_output=True, text=True, check=True
    )
    first, second = map(int, said.stdout.split())
    return first, second


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such switch")


def test_a_freed_block_is_used_again() -> None:
    first, second = faults()
    assert first >= 32  # pages of at most 2 MiB
    assert second == 0


def test_what_the_user_says_of_malloc_stands() -> None:
    first, second = faults(MALLOC_MMAP_THRESHOLD_=str(2**20))
    assert second >= first // 2
