"""Several adapters on one base: one after the other, the base loaded once; or side by side, each on a GPU of its own.

trained = train_adapters({"plan": examples, …}, base, config, run, run / "rounds" / "00" / "adapters.json", progress)
trained["plan"]["path"]        # "adapters/plan-3fa9c1d2e4b5", in the run folder

Each is noted as it ends, and a kill costs some steps at most. The adapters are the same either way.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

from autoact.core.budget import SECONDS_BETWEEN_NOTES, Meter
from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.progress import Progress
from autoact.core.records import Example, to_json
from autoact.core.store import read_json, write_json
from autoact.training.base_model import load_base
from autoact.training.launch import train_on_gpu, train_on_gpus
from autoact.training.sft import Adapter, train_adapter
from autoact.training.watching import Step


def train_adapters(
    examples: Mapping[str, Sequence[Example]],
    base: str,
    config: LearnConfig,
    run: Path,
    record: Path,
    progress: Progress,
    gpus: Sequence[str] | None = None,
    meter: Meter | None = None,
) -> dict[str, dict[str, Any]]:
    """Name → how its adapter was trained, and where it is; what `record` says is there is not trained again.

    With `config.deepspeed` each is trained on all GPUs of this machine, and not asked to stop; else, where there are
    several, each on one of `gpus`, the names of those that are visible. Of what `meter` allows, adapters that are
    trained one after the other have a part each; one that it leaves nothing for is not trained.
    """
    done = noted(record)
    taught = {name: items for name, items in examples.items() if not all(item.held_out for item in items)}
    todo = {name: items for name, items in taught.items() if name not in done}
    shares = Shares(progress, len(taught), len(taught) - len(todo))
    for name in (name for name in examples if name not in taught):
        progress.say(f"{name}: there is no example to learn from, so the base speaks in this role")
    for name, adapter in _trained(todo, base, config, run / "adapters", shares, gpus, meter or Meter()):
        done[name] = to_json(adapter) | {"path": str(adapter.path.relative_to(run))}
        write_json(record, done)
        done = noted(record)
        if adapter.note:
            progress.say(f"{name}: {adapter.note}")
    for name in todo.keys() - done.keys():
        progress.say(f"{name}: the budget left nothing to train it with, so the base speaks in this role")
    return done


def noted(record: Path) -> dict[str, dict[str, Any]]:
    """What a file says of the adapters that are trained, by name. Raises RunError when it says nothing of the kind."""
    done = read_json(record) if record.exists() else {}
    entries = done.values() if isinstance(done, dict) else [None]
    if not all(isinstance(entry, dict) and isinstance(entry.get("path"), str) for entry in entries):
        raise RunError(
            f"{record} does not say which adapters are trained; restore it, or delete it to train them again"
        )
    return {name: dict(entry) for name, entry in done.items()}


def _trained(
    todo: Mapping[str, Sequence[Example]],
    base: str,
    config: LearnConfig,
    out: Path,
    shares: Shares,
    gpus: Sequence[str] | None,
    meter: Meter,
) -> Iterator[tuple[str, Adapter]]:
    """The adapters by name, as they are done."""
    if not todo or meter.stop():
        return
    seen = visible_gpus() if gpus is None else gpus
    if len(seen) > 1 and not config.deepspeed:
        yield from _side_by_side(todo, base, config, out, shares, seen, meter)
        return
    loaded = None if config.deepspeed else load_base(base, config.quantize)
    for number, (name, items) in enumerate(todo.items(), start=1):
        stop = partial(meter.stop, shares.part(number))
        if stop():
            continue
        if loaded:
            yield name, train_adapter(folder_name(name), loaded, items, config, out, shares.of(name), stop)
        else:
            yield name, train_on_gpus(folder_name(name), base, items, config, out, shares.of(name))


def _side_by_side(
    todo: Mapping[str, Sequence[Example]],
    base: str,
    config: LearnConfig,
    out: Path,
    shares: Shares,
    gpus: Sequence[str],
    meter: Meter,
) -> Iterator[tuple[str, Adapter]]:
    """Each in a process of its own on the next GPU that is free; what others trained is kept when one fails."""
    free: queue.SimpleQueue[str] = queue.SimpleQueue()
    for gpu in gpus:
        free.put(gpu)

    def train(name: str, until: float) -> tuple[str, Adapter] | None:
        gpu = free.get()
        try:
            if monotonic() >= until:
                return None
            return name, train_on_gpu(gpu, folder_name(name), base, todo[name], config, out, shares.of(name), until)
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(len(gpus)) as pool:
        parts = {name: shares.part(number, len(gpus)) for number, name in enumerate(todo, start=1)}
        begun = {pool.submit(train, name, meter.until(part)) for name, part in parts.items()}
        failures = []
        while begun:
            ended, begun = wait(begun, SECONDS_BETWEEN_NOTES, FIRST_COMPLETED)
            meter.stop()  # noted while they train, as where one process does
            for future in ended:
                if problem := future.exception():
                    failures.append(problem)
                elif made := future.result():
                    yield made
        if failures:
            raise failures[0]


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by their names in CUDA_VISIBLE_DEVICES."""
    import torch

    count = torch.cuda.device_count()
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named[:count] or [str(number) for number in range(count)]


class Shares:
    """Tells of several trainings as of one stage; they may go on at once."""

    def __init__(self, progress: Progress, count: int, done: int) -> None:
        self._progress, self._count, self._done = progress, count, done
        self._parts: dict[str, int] = {}
        self._lock = threading.Lock()

    def part(self, number: int, at_once: int = 1) -> float:
        """What share of the stage is over when so many more trainings are, so many of them at once."""
        over, todo = self._done // at_once, self._count - self._done
        return (over + ceil(number / at_once)) / (over + ceil(todo / at_once))

    def of(self, name: str) -> Step:
        """What the training of a name is to call at each step."""

        def step(at: int, total: int, loss: float) -> None:
            with self._lock:
                self._parts[name] = 100 * at // total
                done = 100 * self._done + sum(self._parts.values())
                self._progress.advance(done, 100 * self._count, f"{name}: loss {loss:.3f}")

        return step


def folder_name(name: str) -> str:
    """An adapter's name in those of files: `tool:Retrieve` is tool-Retrieve."""
    return name.replace(":", "-")
