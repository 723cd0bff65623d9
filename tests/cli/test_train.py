"""`autoact train`: an adapter from a file, teams from a run, and one line for whatever is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from autoact.core.records import Example, Message, Team, to_json
from autoact.core.store import Store, write_json
from autoact.core.task import load_task

Call = Callable[..., Result]
SEED = Path(__file__).parents[2] / "examples" / "atlas" / "seed"
CLI = "from autoact.cli.main import app; app()"
SETTINGS = ("--set", "epochs=1", "--set", "learning_rate=1e-3")


def example(name: str = "a", role: str = "plan", **changes: Any) -> Example:
    chat = (Message("user", "Question: Capital of Peru?"), Message("assistant", "Lima", learn=True))
    return Example(name, role, **{"messages": chat, **changes})


def file_of(path: Path, *examples: Example) -> Path:
    Store(path, Example).append(*examples)
    return path


def refused(result: Result) -> str:
    """The one line of a refused command."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line.removeprefix("autoact: ")


# ── from a file ──


def test_a_file_of_examples_becomes_an_adapter(call: Call, tmp_path: Path) -> None:
    path = file_of(tmp_path / "mine.jsonl", example(), example("b", held_out=True))
    result = call("train", path, "--base", SEED, "--out", tmp_path / "out", *SETTINGS, "--json")
    told = json.loads(result.stdout)
    assert Path(told["path"]).name.startswith("plan-")
    assert (Path(told["path"]) / "adapter_model.safetensors").is_file()
    assert (told["role"], told["rows"], told["dropped"]) == ("plan", 1, 0)
    assert told["loss"] > 0
    assert told["tokens"] > 2


def test_of_several_roles_one_is_chosen(call: Call, tmp_path: Path) -> None:
    path = file_of(tmp_path / "mine.jsonl", example(), example("b", "tool:Retrieve"))
    where = ("train", path, "--base", SEED, "--out", tmp_path / "out")
    assert "examples of several roles (plan, tool:Retrieve); choose one by --role" in refused(call(*where))
    line = call(*where, "--role", "tool:Retrieve", *SETTINGS).stdout
    assert "tool-Retrieve-" in line
    assert ": 1 rows, " in line


def test_common_settings_have_options_of_their_own(call: Call, tmp_path: Path) -> None:
    path = file_of(tmp_path / "mine.jsonl", example(), example("b", held_out=True))
    where = ("train", path, "--base", SEED, "--out", tmp_path / "out", "--set", "lora_targets=all-linear")
    told = json.loads(call(*where, "--rank", "2", "--lr", "1e-3", "--epochs", "2", "--json").stdout)
    settings = json.loads((Path(told["path"]) / "adapter_config.json").read_text())
    assert settings["r"] == 2
    assert "up_proj" in settings["target_modules"]
    assert [point["step"] for point in told["curve"]["steps"]] == [1, 2]
    assert [point["learning_rate"] for point in told["curve"]["steps"]] == [0.0, 1e-3]


def test_the_same_command_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    path = file_of(tmp_path / "mine.jsonl", *(example(str(number)) for number in range(4)))
    where = ("train", path, "--base", SEED, "--set", "batch_size=1", "--set", "checkpoint_steps=1", "--lr", "1e-3")

    def begun(name: str) -> subprocess.Popen[str]:
        # All in processes of their own: another number of torch's threads makes other last digits.
        command = [sys.executable, "-c", CLI, *map(str, where), "--out", str(tmp_path / name), "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    whole = json.loads(begun("whole").communicate()[0])
    draft = tmp_path / "out" / ".plan.part"
    with begun("out") as process:
        while not (draft / "checkpoint-3" / "whole.json").exists():
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
    assert draft.exists()
    told = json.loads(begun("out").communicate()[0])
    assert Path(told["path"]).name == Path(whole["path"]).name


BAD_FILES: list[tuple[tuple[Example, ...], str]] = [
    ((), "holds no examples of any role; there are none"),
    ((example(held_out=True),), "has nothing to train on: no example"),
    ((example(messages=(Message("user", "Hi"), Message("assistant", "Hi"))),), "has nothing to train on: no example"),
    ((example(messages=(Message("robot", "Hi"),)),), "line 1 is no example: 'robot' is no role of a message"),
    ((example(messages=(Message("user", "Hi", learn=True),)),), "a turn of the user is marked to learn"),
    (
        (example(messages=(Message("assistant", "Hi", learn=True, given=2),)),),
        "given is 2, and the turn to learn has 2",
    ),
    ((example(messages=(Message("assistant", "Hi", learn=True),)),), "line 1 is no example: the assistant speaks"),
    ((example(role="../../plan"),), "'../../plan' is no name for a role"),
]


@pytest.mark.parametrize(("examples", "says"), BAD_FILES)
def test_a_file_without_examples_to_learn_from_is_refused(
    examples: tuple[Example, ...], says: str, call: Call, tmp_path: Path
) -> None:
    path = file_of(tmp_path / "mine.jsonl", *examples)
    path.touch()
    assert says in refused(call("train", path, "--base", SEED, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_line_that_is_no_example_is_named(call: Call, tmp_path: Path) -> None:
    path = file_of(tmp_path / "mine.jsonl", example())
    path.write_text(path.read_text() + '{"question": "Why?"}\n')
    line = refused(call("train", path, "--base", SEED, "--out", tmp_path / "out"))
    assert "mine.jsonl line 2 is no example: unknown field 'question'" in line


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--out", "out"), "--base is missing"),
        (("--base", SEED), "--out is missing"),
        (("--base", SEED, "--out", "mine.jsonl"), "--out mine.jsonl is a file; choose a folder"),
        (("--base", "none/", "--out", "out"), "none/ does not exist"),
        (("--base", SEED, "--out", "out", "--role", "tool"), "holds no examples of tool; there are plan"),
        (("--base", SEED, "--out", "out", "--set", "epochs=many"), "--set epochs is wrong"),
        (("--base", SEED, "--out", "out", "--set", "colour=1"), "--set colour is no field"),
        (("--base", SEED, "--out", "out", "--set", "samples=3"), "--set samples says nothing of how an adapter is"),
        (("--base", SEED, "--out", "out", "--rank", "0"), "--set lora_rank is wrong"),
        (("--base", SEED, "--out", "out", "--set", "report_to=pigeon"), "learn.report_to: pigeon is unknown"),
        (("--base", SEED, "--out", "out", "--set", "lora_targets=[nose]"), "has no module called nose"),
        (("--base", SEED, "--out", "out", "--teams", "fireact"), "mine.jsonl is a file, and --teams does not go"),
    ],
)
def test_a_wrong_option_for_a_file_is_refused(
    options: tuple[str, ...], says: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file_of(Path("mine.jsonl"), example())
    assert says in refused(call("train", "mine.jsonl", *options))


# ── from a run ──


@pytest.fixture
def run(task_file: Callable[..., Path], tmp_path: Path) -> Path:
    """A run folder that is finished, and in which nothing was kept."""
    task, folder = load_task(task_file({"base": str(SEED)})), tmp_path / "run"
    write_json(folder / "task.json", {"file": str(task.file), "task": task.model_dump(mode="json")})
    write_json(folder / "team.json", to_json(Team(str(SEED), "0", {}, ("Retrieve",), "Toy")))
    return folder


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--teams is empty; choose from all, one-agent"),
        (("--teams", "chess"), "--teams chess is no team; choose from all, one-agent"),
        (("--teams", "student"), "--teams student and --from RUN go together"),
        (("--teams", "student", "--from", "nowhere"), "nowhere/task.json does not exist"),
        (("--teams", "trajectories-5"), "has 0 kept trajectories to train on; 5 cannot be drawn"),
        (("--teams", "fireact", "--set", "epochs=1"), "is a run, and --set does not go with it"),
        (("--teams", "fireact", "--base", "x"), "is a run, and --base does not go with it"),
        (("--teams", "fireact", "--lr", "1e-4"), "is a run, and --lr does not go with it"),
    ],
)
def test_a_wrong_option_for_a_run_is_refused(options: tuple[str, ...], says: str, call: Call, run: Path) -> None:
    assert says in refused(call("train", run, *options))


def test_a_run_that_is_not_finished_trains_no_team(call: Call, run: Path) -> None:
    (run / "team.json").unlink()
    assert "is not finished; run the same `autoact learn` command again" in refused(
        call("train", run, "--teams", "fireact")
    )


def test_what_is_neither_a_run_nor_a_file_is_named(call: Call, tmp_path: Path) -> None:
    assert "nowhere does not exist; give a run folder or a JSONL file" in refused(call("train", tmp_path / "nowhere"))


def test_a_team_that_is_there_is_shown(call: Call, run: Path) -> None:
    folder = run / "teams" / "fireact"
    write_json(folder / "team.json", to_json(Team(str(SEED), "0", {"plan": "adapters/fireact-1"}, (), "Toy")))
    adapter = {"path": "adapters/fireact-1", "rows": 3, "tokens": 90, "loss": 0.25, "seconds": 2.0}
    write_json(folder / "adapters.json", {"fireact": adapter})
    result = call("train", run, "--teams", "fireact")
    assert result.stderr == "fireact is trained already\n"
    assert "fireact   adapters/fireact-1      3       90   0.2500         2" in result.stdout
    (told,) = json.loads(call("train", run, "--teams", "fireact", "--json").stdout)["teams"]
    assert (told["name"], told["adapters"]) == ("fireact", {"fireact": adapter})
