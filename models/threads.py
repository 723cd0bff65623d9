"""How many threads torch computes with in the engine's own thread; nobody else's number is changed.

    compute_with(threads_for(size=1_000_000))       # one

A small model's step is made of operations, at each of which two threads wait for each other, and beside other work
for each other's place on a core as well. torch's own setting is the whole process's; OpenMP's, below it, is a thread's.
"""

from __future__ import annotations

import ctypes
import os

# Weights of which a step's arithmetic takes about as long as its operations (docs/performance.md).
SMALL = 10_000_000


def threads_for(size: int) -> int | None:
    """One for a model of few weights; None, which leaves it to torch, for others and where OMP_NUM_THREADS is set."""
    return 1 if size < SMALL and "OMP_NUM_THREADS" not in os.environ else None


def compute_with(count: int | None) -> None:
    """Have torch compute with so many threads when it is called from this one; None is as torch has it.

    Raises ValueError below 1. Where torch does not compute with OpenMP, all is as torch has it.
    """
    import torch

    if count is None:
        return
    if count < 1:
        raise ValueError(f"torch cannot compute with {count} threads")
    # What a thread asks first of torch sets its number to the process's.
    torch.get_num_threads()
    openmp = ctypes.CDLL(None)
    if hasattr(openmp, "omp_set_num_threads"):
        openmp.omp_set_num_threads(count)
