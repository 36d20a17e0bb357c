"""The launcher's heap: whatever it forks shares its pages, for as long as it does not write to them.

What a forked process makes for itself it makes wherever a place is free; in a heap as a program's start leaves it that
is a page here and a page there, and each one is its own from then on.  So no place is left free but in pools that are
new: there all of it lies together.
"""

from __future__ import annotations

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# CPython's allocator: pools of 16 KB, each of blocks of one size, up to 512 bytes (Objects/obmalloc.c).
POOL = 1 << 14
STEP, LARGEST_BLOCK = 16, 512
_POOL_HEADER = 64
_BYTES_HEADER = 33
# How many of each size are made at most: where an interpreter does this otherwise nothing is gained.
_MOST = 1000


def settle() -> list[object]:
    """Let nothing made so far be freed, looked at by the collector, or have a free place beside it.

    Gives what fills those places: they are free again when it is.
    """
    gc.collect()
    # The collector would touch, and so copy, every page.
    gc.freeze()
    gc.disable()
    return list(_fillers())


def _fillers() -> Iterator[object]:
    """Objects of every size, each until two are the first of their pool."""
    yield from _until_new_pool(object)
    yield from _until_new_pool(lambda: float(POOL))
    for size in range(3 * STEP, LARGEST_BLOCK + 1, STEP):
        yield from _until_new_pool(lambda: bytes(size - _BYTES_HEADER))  # noqa: B023  it is called before the next


def _until_new_pool(make: Callable[[], object]) -> Iterator[object]:
    last = 0
    for _ in range(_MOST):
        made = make()
        yield made
        # An old pool's first block may have been free, but hardly the one after it too, and as the next.
        if last % POOL < _POOL_HEADER and 0 < id(made) - last <= LARGEST_BLOCK:
            return
        last = id(made)
