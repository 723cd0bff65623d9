"""What an evaluation costs beside its models: an instant scripted model, with and without the harness.

    python benchmarks/harness.py [--questions 1000] [--json]

Each question takes a look at a page, a Finish and a verdict. Directly means graph/run.py's `play` without a store;
the evaluation plays the same on Inspect AI, appends and flushes every record, and writes the log. Milliseconds are of
CPU, samples a second of wall time: run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.messages import BaseMessage

from autoact.core.progress import Silent
from autoact.core.records import QAPair
from autoact.eval.benchmark import Benchmark
from autoact.eval.evaluate import evaluate
from autoact.eval.methods import METHODS
from autoact.eval.playing import GraphOf
from autoact.eval.trial_folder import Trial
from autoact.graph import group_planning
from autoact.graph.context import Context
from autoact.graph.run import jobs_for, play
from autoact.graph.watch import Watch
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.corpus import Corpus, Page
from autoact.tools.retrieve import retrieve_tool

WORKERS = 32
TURNS = {
    "Input for Retrieve:": "Peru",
    "Observation: Peru is a country. Its currency is the sol.": "Thought: It is the sol.\nAction: Finish",
    "Input for Finish:": "sol",
    "Is this answer right?": "Thought: The page says so.\nVerdict: right",
}


def reply(messages: list[BaseMessage]) -> str:
    """The next turn, told from the last."""
    return TURNS.get(str(messages[-1].text), "Thought: I open Peru.\nAction: Retrieve")


def team() -> Any:
    """Group planning by one model over one page."""
    tools = [retrieve_tool(Corpus([Page("Peru", "Peru is a country. Its currency is the sol.")]))]
    return group_planning(ScriptedChatModel(replies=reply), tools, "Answer questions about countries.").compile()


def trial_in(folder: Path, questions: int) -> Trial:
    """So many questions that differ in their number only."""
    pairs = tuple(QAPair(f"q{number}", f"Currency of Peru, {number}?", "sol") for number in range(questions))
    return Trial(Benchmark("peru", "", pairs, ""), pairs, 1, Context(), (), 0, WORKERS, folder, {})


@dataclass(frozen=True)
class Took:
    """Seconds that something took, and those of them that were computed in."""

    wall: float
    cpu: float


def took(work: Callable[[Trial], None], trial: Trial) -> Took:
    """What some work on a trial takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(trial)
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def directly(trial: Trial) -> None:
    """Play it through the graph alone."""
    jobs = list(jobs_for(trial.pairs, 1, 0, "eval"))
    play(team(), jobs, trial.context, WORKERS, Watch(lambda _: None))


def evaluated(trial: Trial) -> None:
    """Evaluate it, or what is left of that."""

    @contextmanager
    def graphs() -> Iterator[GraphOf]:
        graph = team()
        yield lambda _: graph

    evaluate(METHODS[0], graphs, trial, {}, Silent())


def measure(questions: int) -> dict[str, float]:
    """Every figure, in one run."""
    with TemporaryDirectory() as name:
        evaluated(trial_in(Path(name) / "warm", 10))  # the imports
        trial = trial_in(Path(name) / "trial", questions)
        direct, whole = took(directly, trial), took(evaluated, trial)
        log, records = trial.logs() / "autoact.eval", trial.records("autoact")
        sizes = {path: path.stat().st_size / questions * 1000 / 1e6 for path in (log, records)}
        again = took(evaluated, trial)
        log.unlink()
        remade = took(evaluated, trial)
    return {
        "ms a sample, the graph directly": direct.cpu / questions * 1000,
        "ms a sample, evaluated": whole.cpu / questions * 1000,
        "ms a sample, overhead": (whole.cpu - direct.cpu) / questions * 1000,
        "ms a sample, the log alone": remade.cpu / questions * 1000,
        "samples/s, the graph directly": questions / direct.wall,
        "samples/s, evaluated": questions / whole.wall,
        "seconds to run a finished one again": again.wall,
        "MB of log per 1000 samples": sizes[log],
        "MB of records per 1000 samples": sizes[records],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    figures = measure(given.questions)
    if given.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:40} {value:10.3f}")


if __name__ == "__main__":
    main()
