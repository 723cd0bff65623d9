"""One adapter trained by several processes, as torchrun starts them: all do the same, each with its share of a batch.

torchrun --nproc-per-node 8 --no-python autoact train plan.jsonl --base … --out … --set deepspeed=zero3

The first of them writes to the disk, the others wait for it; all read the same files, so several machines need a
shared folder. Nothing here says how the work is divided: that is torch's DDP, or DeepSpeed by one of our files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.errors import ModelError, RunError
from autoact.core.text import line_of

FILES = Path(__file__).with_name("deepspeed")


@dataclass(frozen=True, slots=True)
class World:
    """How many processes train together, which of them this is, and which of those on its machine."""

    size: int
    rank: int
    local_rank: int

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0


def world() -> World:
    """The world that torchrun tells of, or one process alone."""
    return World(*(int(os.environ.get(name, alone)) for name, alone in _TOLD.items()))


_TOLD = {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}


def launched() -> bool:
    """Whether torchrun started this process."""
    return "WORLD_SIZE" in os.environ


def deepspeed_file(name: str) -> str | None:
    """The DeepSpeed file that learn.deepspeed names: one of ours or a path; None for none. Raises ModelError."""
    if not name:
        return None
    ours = FILES / f"{name}.json"
    path = ours if ours.is_file() else Path(name)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FILES.glob("*.json")))
        raise ModelError(f"learn.deepspeed: {name} is none of {known}, and no file")
    return str(path)


def stage_of(path: str) -> int:
    """The stage of ZeRO that a DeepSpeed file sets: 3 spreads the weights too. Raises ModelError."""
    try:
        return int(json.loads(Path(path).read_text("utf-8")).get("zero_optimization", {}).get("stage", 0))
    except (ValueError, TypeError, AttributeError) as problem:
        raise ModelError(f"learn.deepspeed: {path} is no DeepSpeed file: {line_of(problem)}") from None


def share(batch_size: int) -> int:
    """This process's part of a batch. Raises RunError when the processes cannot share it evenly."""
    size = world().size
    if batch_size % size:
        raise RunError(f"learn.batch_size ({batch_size}) has to be a multiple of the {size} processes that train")
    return batch_size // size


def join(deepspeed: str) -> None:
    """Meet the other processes, each on a GPU of its own where there are GPUs. Raises ModelError."""
    if not launched():
        if deepspeed:
            raise ModelError(
                "learn.deepspeed needs torchrun: torchrun --nproc-per-node GPUS --no-python autoact train …"
            )
        return
    import torch

    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(world().local_rank)
    if torch.distributed.is_initialized():
        return
    backend = "nccl" if on_gpu else "gloo"
    if deepspeed:
        os.environ.setdefault("DS_ACCELERATOR", "cuda" if on_gpu else "cpu")
        from deepspeed import init_distributed

        init_distributed(dist_backend=backend)
    else:
        torch.distributed.init_process_group(backend)


def sharding(deepspeed: str) -> Any:
    """What has to be alive while a model loads for its weights to be spread over the processes at once (ZeRO-3)."""
    if not deepspeed:
        return None
    import torch
    from transformers import TrainingArguments

    on_cpu = not torch.cuda.is_available()
    return TrainingArguments(
        output_dir=os.devnull, deepspeed=deepspeed_file(deepspeed), use_cpu=on_cpu, bf16=not on_cpu, report_to="none"
    )


def meet() -> None:
    """Wait until every process is here."""
    if world().size > 1:
        import torch

        torch.distributed.barrier()


@contextmanager
def leader_first() -> Iterator[None]:
    """The process that writes runs the block alone, then the others do; all leave it together."""
    if not world().leads:
        meet()
    yield
    if world().leads:
        meet()
    meet()
