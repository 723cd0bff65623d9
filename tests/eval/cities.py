"""An evaluation by an instant scripted model, as a program, for the tests that kill it and for measurements.

python cities.py RUN QUESTIONS SECONDS_A_REPLY      writes one line a model call to RUN/calls.txt
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_core.messages import BaseMessage

from autoact.core.progress import Silent
from autoact.core.records import QAPair, Team, to_json
from autoact.core.store import write_json
from autoact.core.task import check_task
from autoact.eval.benchmark import Benchmark
from autoact.eval.evaluate import Options, evaluate_methods
from autoact.eval.methods import METHODS, Method
from autoact.eval.playing import GraphOf
from autoact.eval.trial_folder import Trial
from autoact.graph.group import group_planning
from autoact.graph.run_folder import RunFolder, open_run
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.library import build_tools

AUTOACT = next(method for method in METHODS if method.id == "autoact")


def cities_run(folder: Path) -> RunFolder:
    """A finished run, written by hand."""
    data = {
        "name": "Cities",
        "description": "Say what the capital of a country is.",
        "model": "openai:cities",
        "tools": ["Calculator"],
        "examples": [{"question": "What is the capital of Japan?", "answer": "Tokyo"}],
        "learn": {"workers": 4},
    }
    task = check_task(data, folder / "task.yaml")
    write_json(folder / "task.json", {"file": str(task.file), "task": task.model_dump(mode="json")})
    write_json(folder / "team.json", to_json(Team("none", "0", {}, ("Calculator",), "Cities")))
    return open_run(folder)


def cities(count: int) -> Benchmark:
    """So many questions, each with an answer of its own."""
    return Benchmark(
        "cities", "", tuple(QAPair(f"q{i}", f"Capital of land {i}?", f"city {i}") for i in range(count)), "c"
    )


def team(folder: Path, seconds: float) -> ScriptedChatModel:
    """Knows every capital, and writes down each time that it is asked."""

    def reply(messages: list[BaseMessage]) -> str:
        time.sleep(seconds)
        asked, last = str(messages[1].text), str(messages[-1].text)
        with (folder / "calls.txt").open("a") as calls:
            calls.write(json.dumps([asked, last]) + "\n")
        if last == "Is this answer right?":
            return "Thought: it is.\nVerdict: right"
        if last == "Input for Finish:":
            return "city " + asked.rpartition("land ")[2].rstrip("?")
        return "Thought: I know.\nAction: Finish"

    return ScriptedChatModel(replies=reply)


def evaluate_cities(folder: Path, count: int, seconds: float) -> None:
    """Evaluate, or go on."""

    @contextmanager
    def graphs(_method: Method, _run: RunFolder, _trial: Trial) -> Iterator[GraphOf]:
        planner = group_planning(team(folder, seconds), build_tools((), None), "Answer.").compile()
        yield lambda _: planner

    evaluate_methods(cities_run(folder), cities(count), [AUTOACT], Silent(), Options(epochs=2), graphs)


if __name__ == "__main__":
    evaluate_cities(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
