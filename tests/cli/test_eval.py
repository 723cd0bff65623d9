"""`autoact eval`: what cannot be played is one line and exit 2, before any model is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from autoact.cli.eval import left_out, played_by
from autoact.core.records import Team, to_json
from autoact.core.store import write_json
from autoact.core.task import Task, load_task
from autoact.eval.benchmark import load_benchmark
from autoact.eval.methods import choose_methods
from autoact.eval.trial_folder import trial_of
from autoact.graph.run_folder import RunFolder, open_run

Call = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, task_file: Callable[[Mapping[str, Any]], Path]) -> Path:
    """A finished run whose model is not there: to load it would fail."""
    file = task_file({})
    task = load_task(file)
    folder = tmp_path / "run"
    write_json(folder / "task.json", {"file": str(file), "task": task.model_dump(mode="json")})
    write_json(folder / "team.json", to_json(Team("none", "0", {}, ("Retrieve",), "Toy")))
    return folder


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--methods", "alchemy"], "--methods alchemy is no method; choose from all, autoact"),
        (["--methods", "fireact"], "has no team fireact; train it first: autoact train RUN --teams fireact"),
        (["--benchmark", "nothing"], "nothing is no benchmark of this run and no file"),
        (["--split", "exam"], "--split exam is no split of Toy"),
        (["--data", "here"], "--data is for --benchmark hotpotqa and scienceqa"),
        (["--corpus", "own"], "--corpus own is for a benchmark with paragraphs"),
        (["--shard", "5/4"], "--shard 5/4 is no part"),
        (["--methods", "autoact", "--against", "react"], "--against react is not played; name it in --methods autoact"),
        (["--methods", "react", "--shots", "none.jsonl"], "none.jsonl"),
        (["--methods", "react"], "give a file of demonstrations with --shots"),
        (["--model", "openai:x"], "--model openai:x plays methods that are not trained, and autoact is; leave it out"),
    ],
)
def test_a_fault_is_one_line_before_any_model_is_asked(call: Call, run: Path, words: list[str], line: str) -> None:
    result = call("eval", run, *words)
    assert result.exit_code == 2
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(run.glob("eval/*/*.jsonl"))


def test_a_question_that_was_learned_from_is_refused(call: Call, run: Path) -> None:
    (run / "questions.jsonl").write_text('{"id": "q", "question": "capital of peru", "answer": "Lima"}\n', "utf-8")
    result = call("eval", run, "--methods", "autoact")
    assert result.exit_code == 2
    assert "1 of 1 questions of toy were learned from (1 in the synthetic questions)" in result.stderr


def test_methods_are_listed_with_what_they_need(call: Call) -> None:
    listed = json.loads(call("eval", "--list-methods", "--json").stdout)["methods"]
    assert {"id": "fireact", "team": "fireact", "paper": "FireAct"}.items() <= {
        name: value for method in listed if method["id"] == "fireact" for name, value in method.items()
    }.items()


def test_what_all_leaves_out_is_said_with_the_command_that_trains_it() -> None:
    assert left_out(choose_methods("all", ("fireact",))).endswith(
        "no-filtering, tool-agents (autoact train RUN --teams one-agent,no-filtering,tool-agents)"
    )


def test_no_run_is_one_line(call: Call) -> None:
    result = call("eval")
    assert (result.exit_code, result.stderr) == (
        2,
        "autoact: RUN is missing; give the run folder, as in: autoact eval runs/atlas\n",
    )


def test_another_model_plays_untrained_methods_in_a_trial_of_its_own(run: Path) -> None:
    opened = open_run(run, "http://127.0.0.1:9/v1")
    other = played_by("openai:large", opened, choose_methods("zero-shot,cot", ()))
    assert (other.task.model_spec(), other.task.endpoint) == ("openai:large", "http://127.0.0.1:9/v1")
    benchmark = load_benchmark("Toy", opened.task)
    folders = {trial_of(each, benchmark).folder for each in (replace(opened, task=replaced(opened)), other)}
    assert len(folders) == 2


def replaced(run: RunFolder) -> Task:
    """The task with a META-AGENT that needs no weights here."""
    return run.task.model_copy(update={"model": "openai:small"})
