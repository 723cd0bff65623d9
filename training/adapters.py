"""Several adapters on one base, which is loaded once; each is noted as it ends, and a kill costs some steps at most.

trained = train_adapters({"plan": examples, …}, base, config, run, run / "rounds" / "00" / "adapters.json", progress)
trained["plan"]["path"]        # "adapters/plan-3fa9c1d2e4b5", in the run folder
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoact.core.learning import LearnConfig
from autoact.core.progress import Progress
from autoact.core.records import Example, to_json
from autoact.core.store import read_json, write_json
from autoact.training.base_model import Base, load_base
from autoact.training.launch import train_on_gpus
from autoact.training.sft import train_adapter


def train_adapters(
    examples: Mapping[str, Sequence[Example]],
    base: str,
    config: LearnConfig,
    run: Path,
    record: Path,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Name → how its adapter was trained, and where it is; what `record` says is there is not trained again.

    With `config.deepspeed` each is trained on all GPUs of this machine.
    """
    done: dict[str, dict[str, Any]] = read_json(record) if record.exists() else {}
    loaded: Base | None = None
    for number, (name, items) in enumerate(examples.items()):
        if not items:
            progress.say(f"{name}: there is no example to learn from, so the base speaks in this role")
        elif name not in done:

            def step(at: int, total: int, loss: float, name: str = name, number: int = number) -> None:
                progress.advance(100 * number + 100 * at // total, 100 * len(examples), f"{name}: loss {loss:.3f}")

            if config.deepspeed:
                adapter = train_on_gpus(folder_name(name), base, items, config, run / "adapters", step)
            else:
                loaded = loaded or load_base(base, config.quantize)
                adapter = train_adapter(folder_name(name), loaded, items, config, run / "adapters", step)
            done[name] = to_json(adapter) | {"path": str(adapter.path.relative_to(run))}
            write_json(record, done)
            done = read_json(record)
            if adapter.note:
                progress.say(f"{name}: {adapter.note}")
    return done


def folder_name(name: str) -> str:
    """An adapter's name in those of files: `tool:Retrieve` is tool-Retrieve."""
    return name.replace(":", "-")
