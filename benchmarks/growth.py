"""Time and resident memory against the number of questions played: 100, 1,000, 10,000 and 100,000.

    python benchmarks/growth.py [--questions 100 1000 …] [--json FILE]

An instant scripted model answers at once, so that what grows is ours: the jobs, the records, the store. Questions and
records are on disk. Each size runs in a process of its own; memory is sampled at every tenth of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from rich.console import Console
from rich.table import Table

from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored
from autoact.core.store import Store
from autoact.graph import group_planning
from autoact.graph.context import Context
from autoact.graph.run import Batch, play_into
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.corpus import Corpus, Page
from autoact.tools.retrieve import retrieve_tool

SIZES = (100, 1000, 10_000, 100_000)
WORKERS = 32
SETTINGS = Context(reflect=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a run was when its memory was looked at."""

    played: int
    seconds: float
    cpu: float
    megabytes: float


class Sampling(Silent):
    """Looks at the process at every tenth of the questions."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._began = time.perf_counter()

    def advance(self, done: int, total: int, note: str = "") -> None:
        del note
        if done % max(1, total // 10) == 0:
            seconds = time.perf_counter() - self._began
            self.samples.append(Sample(done, round(seconds, 2), round(time.process_time(), 2), resident()))


def resident() -> float:
    """Resident megabytes of this process now."""
    status = Path("/proc/self/status").read_text("utf-8")
    return next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmRSS"))


class Forgetful(ScriptedChatModel):
    """Keeps no list of its calls."""

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        said = await super()._agenerate(*args, **kwargs)
        self.calls.clear()
        return said


def reply(messages: list[BaseMessage]) -> str:
    """Finish at once, with the answer that every question has."""
    return "sol" if str(messages[-1].text).startswith("Input") else "Thought: It is the sol.\nAction: Finish"


def play(count: int, folder: Path) -> list[Sample]:
    """Play so many questions as `autoact learn` and `autoact eval` do, records on disk."""
    pairs = Store(folder / "questions.jsonl", QAPair)
    for number in range(count):
        pairs.append(QAPair(f"q{number}", f"What is the currency of place {number}?", "sol"))
    tools = [retrieve_tool(Corpus([Page("Peru", "Peru is a country.")]))]
    graph = group_planning(Forgetful(replies=reply), tools, "Answer questions about countries.")
    batch = Batch(pairs.pick(pair.id for pair in pairs), 1, 0, "growth", SETTINGS, WORKERS)
    sampling = Sampling()
    play_into(Store(folder / "trajectories.jsonl", Scored), graph.compile, batch, sampling)
    return sampling.samples


def in_a_process(count: int) -> list[dict[str, Any]]:
    """The samples of one size."""
    command = [sys.executable, __file__, "--alone", str(count)]
    samples: list[dict[str, Any]] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return samples


def table_of(sizes: dict[int, list[dict[str, Any]]]) -> Table:
    """One line a size; then the curve of the largest."""
    table = Table("questions", "seconds", "CPU ms a question", "MB at the start", "MB at the end", "kB a question")
    for count, samples in sizes.items():
        table.add_row(*_row(count, samples[0], samples[-1]))
    table.add_section()
    largest = sizes[max(sizes)]
    for before, after in pairwise(largest):
        table.add_row(*_row(after["played"], before, after))
    return table


def _row(count: int, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    played = after["played"] - before["played"]
    return [
        f"{count:,}",
        f"{after['seconds']:.1f}",
        f"{(after['cpu'] - before['cpu']) / played * 1000:.2f}",
        f"{before['megabytes']:.0f}",
        f"{after['megabytes']:.0f}",
        f"{(after['megabytes'] - before['megabytes']) / played * 1000:.2f}",
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--questions", type=int, nargs="+", default=SIZES)
    options.add_argument("--json", type=Path, help="also write the samples here")
    options.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.alone:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps([asdict(sample) for sample in play(given.alone, Path(folder))]))
        return
    sizes = {count: in_a_process(count) for count in given.questions}
    Console().print(table_of(sizes))
    if given.json:
        given.json.write_text(json.dumps(sizes, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
