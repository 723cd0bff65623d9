"""Group planning by three adapters, 64 episodes at once: tokens prefilled against each once, and CPU against no reuse.

    python benchmarks/episodes.py [--run RUN] [--widen 1] [--episodes 64] [--repeat 3] [--threads 1] [--json FILE]

The episodes are Atlas's test questions. "Each once" counts the different prompt prefixes that an adapter was sent:
what an engine computes that computes no token of a prompt twice for one adapter. `--widen` makes the model's
feed-forward layers so many times as wide by units that are zero: the same is said, by the arithmetic of a larger model.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atlas_team import TOOLS, adapters_of, widened
from engine import settle
from rich.console import Console
from rich.table import Table

from autoact.core.records import QAPair, Trajectory
from autoact.core.store import Store
from autoact.examples.atlas.atlas import FOLDER
from autoact.graph import group_planning
from autoact.graph.context import Context
from autoact.graph.run import jobs_for, play
from autoact.graph.watch import Watch
from autoact.models.engine import Completion, Engine, Request
from autoact.models.local import LocalChatModel
from autoact.tools.library import build_tools

SETTINGS = Context(max_steps=12, max_tokens=64)


@dataclass(frozen=True, slots=True)
class Measure:
    """One play of all episodes; tokens by adapter."""

    kept: bool
    episodes: int
    seconds: float
    cpu: float
    sent: dict[str, int]
    prefilled: dict[str, int]
    once: dict[str, int]


class Noting(Engine):
    """Notes what each adapter is sent."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.noted: dict[str, list[tuple[int, ...]]] = {}

    def submit(self, request: Request, on_text: Callable[[str], None] | None = None) -> Future[Completion]:
        self.noted.setdefault(str(request.adapter), []).append(tuple(request.ids))
        return super().submit(request, on_text)


def prefixes(prompts: Iterable[tuple[int, ...]]) -> int:
    """How many different prefixes some prompts have."""
    count, before = 0, tuple[int, ...]()
    for prompt in sorted(prompts):
        shared = next(
            (at for at, (old, new) in enumerate(zip(before, prompt, strict=False)) if old != new), len(before)
        )
        count, before = count + len(prompt) - shared, prompt
    return count


def played(model: Path, adapters: dict[str, Path], pairs: Sequence[QAPair], **settings: Any) -> Measure:
    """All episodes at once, on a fresh engine."""
    import torch

    with closing(Noting(str(model), adapters, threads=torch.get_num_threads(), **settings)) as engine:
        models = {role: LocalChatModel(engine=engine, adapter=role, model_name=role) for role in adapters}
        tools = build_tools(TOOLS, FOLDER / "corpus.jsonl")
        graph = group_planning(models, tools, "Answer questions about the countries of Earth.", SETTINGS).compile()
        ended: list[Trajectory] = []
        wall, cpu = time.perf_counter(), time.process_time()
        play(graph, jobs_for(pairs, 1, 0, "benchmark"), SETTINGS, len(pairs), Watch(ended.append))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        spent = engine.profile()["spent"]
        return Measure(
            kept=settings.get("prefix_bytes") != 0,
            episodes=len(ended),
            seconds=wall,
            cpu=cpu,
            sent={role: sum(map(len, prompts)) for role, prompts in engine.noted.items()},
            prefilled={role: spent[role]["prefilled"] for role in engine.noted},
            once={role: prefixes(prompts) for role, prompts in engine.noted.items()},
        )


def tables_of(measured: Sequence[Measure]) -> list[Table]:
    """CPU with and without reuse; then the tokens of the median run."""
    time_table = Table("", "seconds", "CPU ms an episode")
    for name, kept in (("kept", True), ("nothing kept", False)):
        alike = [one for one in measured if one.kept is kept]
        seconds, cpu = (statistics.median(getattr(one, field) for one in alike) for field in ("seconds", "cpu"))
        time_table.add_row(name, f"{seconds:.1f}", f"{cpu / alike[0].episodes * 1000:.0f}")
    token_table = Table("adapter", "sent", "each once", "prefilled", "over each once")
    reused = sorted((one for one in measured if one.kept), key=lambda one: sum(one.prefilled.values()))
    typical = reused[len(reused) // 2]
    for role, once in typical.once.items():
        prefilled = typical.prefilled[role]
        token_table.add_row(role, f"{typical.sent[role]:,}", f"{once:,}", f"{prefilled:,}", f"{prefilled / once:.2f}")
    return [time_table, token_table]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--run", type=Path, help="a run of `autoact learn` on Atlas, for its adapters")
    options.add_argument("--widen", type=int, default=1, help="how many times as wide its feed-forward layers are")
    options.add_argument("--episodes", type=int, default=64)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--threads", type=int, default=1, help="of torch; two that wait for each other cost both")
    options.add_argument("--json", type=Path, help="also write the measures here")
    given = options.parse_args()
    settle(given.threads)
    pairs = random.Random(0).sample(list(Store(FOLDER / "test.jsonl", QAPair)), given.episodes)
    with tempfile.TemporaryDirectory() as folder:
        model = widened(Path(folder) / "model", given.widen)
        adapters = adapters_of(given.run, Path(folder), model)
        measured = [
            played(model, adapters, pairs, **settings)
            for _ in range(given.repeat)
            for settings in ({}, {"prefix_bytes": 0})
        ]
    for table in tables_of(measured):
        Console().print(table)
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in measured], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
