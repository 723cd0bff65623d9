"""Python's collector, told to wait: with many questions in flight it walks the same living objects over and over.

    with seldom_collected():
        asyncio.run(…)          # a third less CPU with a thousand questions in flight, a sixth with 256

It holds for the process; what was set before is set again at the end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects before those of them that are left are looked through; Python has 700.
YOUNG = 50_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Leave what is there already alone, and look at what is new less often."""
    first, *others = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(first, YOUNG) if first else 0, *others)
    try:
        yield
    finally:
        gc.set_threshold(first, *others)
        gc.unfreeze()
