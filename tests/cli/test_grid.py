"""`autoact grid`: the three commands in one, again and again, and one line for whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

from autoact.core.records import Team, to_json
from autoact.core.store import write_json
from autoact.core.task import load_task
from autoact.models.weights import model_hash

Call = Callable[..., Result]
ATLAS = Path(__file__).parents[2] / "examples" / "atlas"
GRID = {
    "title": "Mine",
    "paper": "none",
    "methods": ["zero-shot", "autoact"],
    "sizes": [1000],
    "against": "zero-shot",
    "epochs": 2,
    "temperature": 0.5,
}
SMALL = ("questions=40", "samples=2", "min_kept=1", "epochs=1")


def grid_file(folder: Path, **changes: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**GRID, **changes}))
    return path


def contents(run: Path) -> dict[Path, bytes]:
    """Every record, adapter and log; a play made again would have other times in it."""
    kinds = (".jsonl", ".safetensors", ".eval")
    return {path: path.read_bytes() for path in run.rglob("*") if path.suffix in kinds}


def refused(result: Result) -> str:
    """The one line of a refused command."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line.removeprefix("autoact: ")


@pytest.fixture
def task(task_file: Callable[..., Path]) -> Path:
    return task_file({"model": f"transformers:{ATLAS / 'seed'}", "learn": {"max_steps": 2, "max_tokens": 16}})


@pytest.fixture
def learned(task: Path, tmp_path: Path) -> Path:
    """A finished run of the task, in which nothing was kept, so that the base speaks in every role."""
    known, run = load_task(task), tmp_path / "run"
    data = {"fingerprint": known.fingerprint(), "file": str(known.file), "task": known.model_dump(mode="json")}
    write_json(run / "task.json", data)
    base = known.base_path()
    write_json(run / "team.json", to_json(Team(base, model_hash(base), {}, ("Retrieve",), "Toy")))
    return run


def test_a_learned_run_is_evaluated_once_as_the_grid_says(
    call: Call, task: Path, learned: Path, tmp_path: Path
) -> None:
    words = ("grid", grid_file(tmp_path), task, "--out", learned, "--json")
    first = call(*words)
    report, before = json.loads(first.stdout), contents(learned)
    assert [entry["method"] for entry in report["methods"]] == ["zero-shot", "autoact"]
    assert (report["epochs"], report["against"], report["questions"]) == (2, "zero-shot", 1)
    assert "sizes 1000 are left out" in first.stderr
    assert call(*words).stdout == first.stdout
    assert contents(learned) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--benchmark", "chess"), "--benchmark chess is no benchmark of this run and no file"),
        (("--split", "chess"), "--split chess is no split of Toy"),
        (("--from", "nowhere"), "nowhere/task.json does not exist"),
        (("--set", "epochs"), "--set epochs is not NAME=VALUE"),
        (("--set", "epochs=many"), "learn.epochs is wrong"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_learned(
    options: tuple[str, ...], says: str, call: Call, task: Path, tmp_path: Path
) -> None:
    assert says in refused(call("grid", grid_file(tmp_path), task, "--out", tmp_path / "run", *options))
    assert not (tmp_path / "run").exists()


def test_an_unknown_grid_says_which_there_are(call: Call, task: Path, tmp_path: Path) -> None:
    line = refused(call("grid", "table9", task, "--out", tmp_path / "run"))
    assert line == "table9 is no grid; give one of fig3, fig4, table2, table3, or a YAML file"


@pytest.mark.long
def test_from_a_task_file_a_grid_is_learned_trained_and_played(call: Call, tmp_path: Path) -> None:
    mine = grid_file(tmp_path, methods=["zero-shot", "tool-agents"], sizes=[1, 1000], shots=1, epochs=1)
    settings = [word for setting in SMALL for word in ("--set", setting)]
    words = ("grid", mine, ATLAS / "task.yaml", "--out", tmp_path / "run", "--limit", 2, *settings, "--json")
    report = json.loads(call(*words).stdout)
    assert [entry["method"] for entry in report["methods"]] == ["zero-shot", "tool-agents", "trajectories-1"]
    before = contents(tmp_path / "run")
    assert call(*words).exit_code == 0
    assert contents(tmp_path / "run") == before
