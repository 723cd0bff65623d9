"""Each command with good and bad input; whatever is wrong is one line that names it, and exit code 2."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import Result

from autoact.cli.learn import overrides_of
from autoact.core.errors import UserError
from autoact.core.records import QAPair, Reward, Scored, Step, Team, Trajectory, to_json
from autoact.core.store import Store, write_json
from autoact.core.task import load_task
from autoact.eval.methods import METHODS
from autoact.examples.atlas.atlas import FOLDER
from autoact.examples.copy import NAMES, copy_example
from autoact.training.self_instruct import Round
from tests.models.endpoints.loopback import Answer, Loopback, completion, http

Call = Callable[..., Result]
TaskFile = Callable[[Mapping[str, Any]], Path]


def refused(result: Result) -> str:
    """The one line of a refused command."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("autoact: ")
    return line.removeprefix("autoact: ")


# ── learn ──

BAD_TASKS: list[tuple[dict[str, Any], str]] = [
    ({"description": None}, "description is missing; add it"),
    ({"tools": ["Retrieve", "Teleport"]}, "Teleport is not in the library; choose from Search, Retrieve"),
    ({"corpus": None}, "corpus: is missing, and Retrieve reads it"),
    ({"corpus": "nowhere.jsonl"}, "corpus: "),
    ({"learn": {"epochs": "many"}}, "learn.epochs is wrong"),
    ({"model": "seed"}, "'seed' is not a model: write provider:name"),
    ({"model": "openai:x", "base": ""}, "base: is needed to train on"),
    ({"colour": "red"}, "colour is wrong"),
]


@pytest.mark.parametrize(("fields", "says"), BAD_TASKS)
def test_a_bad_task_is_refused_by_field(
    fields: dict[str, Any], says: str, call: Call, task_file: TaskFile, tmp_path: Path
) -> None:
    path = task_file({"base": "none", **fields})
    assert says in refused(call("learn", path, "--out", tmp_path / "run"))


def test_a_task_file_that_is_not_there_is_named(call: Call, tmp_path: Path) -> None:
    assert "nowhere.yaml cannot be read" in refused(call("learn", tmp_path / "nowhere.yaml", "--out", tmp_path))


def test_settings_are_yaml_and_numbers_are_numbers() -> None:
    settings = ["learning_rate=1e-4", "epochs=3", "lora_targets=[q_proj, k_proj]", "temperature=0.5"]
    assert overrides_of(settings) == {
        "learning_rate": 1e-4,
        "epochs": 3,
        "lora_targets": ["q_proj", "k_proj"],
        "temperature": 0.5,
    }


@pytest.mark.parametrize("setting", ["epochs", "nonsense=3", "epochs=[", "=3"])
def test_a_bad_setting_is_refused(setting: str, call: Call, task_file: TaskFile, tmp_path: Path) -> None:
    line = refused(call("learn", task_file({}), "--out", tmp_path / "run", "--set", setting))
    assert line.startswith("--set ")
    with pytest.raises(UserError):
        overrides_of([setting])


def test_a_setting_of_the_wrong_type_is_refused(call: Call, task_file: TaskFile, tmp_path: Path) -> None:
    line = refused(call("learn", task_file({}), "--out", tmp_path / "run", "--set", "epochs=many"))
    assert "learn.epochs is wrong" in line


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (http(200, "<html>busy</html>"), "the model openai:e answered with something that is no embeddings"),
        (http(200, {"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}), "gave vectors of different lengths (1, 2)"),
    ],
)
def test_an_embeddings_server_that_gives_none_is_one_line(
    said: Answer, line: str, call: Call, task_file: TaskFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = "Question: Which city do ministers of Japan sit in?\nAnswer: Tokyo"
    server = Loopback(lambda body: said if "input" in body else completion(written))
    Thread(target=server.run, daemon=True).start()
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    learn = {"embeddings": "openai:e", "questions": 5}
    task = task_file({"model": "openai:m", "endpoint": server.url, "base": str(FOLDER / "seed"), "learn": learn})
    result = call("learn", task, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert line in result.stderr.splitlines()[-1]
    server.close()
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # its client has no end


# ── ask, eval, show on folders that are no finished run ──


@pytest.mark.parametrize("words", [("ask", "RUN", "Why?"), ("eval", "RUN"), ("show", "RUN")])
def test_a_folder_that_is_no_run_is_named(words: tuple[str, ...], call: Call, tmp_path: Path) -> None:
    line = refused(call(*(tmp_path if word == "RUN" else word for word in words)))
    assert line == f"{tmp_path}/task.json does not exist; is {tmp_path} a run folder of `autoact learn`?"


@pytest.fixture
def unfinished(task_file: TaskFile, tmp_path: Path) -> Path:
    """A run that was stopped after synthesis and filtering."""
    run = tmp_path / "run"
    task = load_task(task_file({"learn": {"questions": 5, "samples": 1}}))
    write_json(run / "task.json", {"file": str(task.file), "task": task.model_dump(mode="json")})
    pairs = tuple(QAPair(f"q{i}", f"Where is [red]{i}\x1b[2J?", "here") for i in range(2))
    Store(run / "instruct.jsonl", Round).append(Round("0", pairs, malformed=1, duplicate=2, excluded=3))
    Store(run / "questions.jsonl", QAPair).append(*pairs)
    write_json(run / "tools.json", {"tools": ["Retrieve"], "replies": [], "fallback": False})
    records = [
        Scored(
            Trajectory(f"{pair.id}/0", pair.id, (Step("t", "Finish", answer),), answer, "answered"),
            Reward(float(answer == "here"), answer == "here"),
        )
        for pair, answer in zip(pairs, ("here", "there"), strict=True)
    ]
    Store(run / "rounds" / "00" / "trajectories.jsonl", Scored).append(*records)
    Store(run / "rounds" / "00" / "kept.jsonl", Scored).append(records[0])
    return run


@pytest.fixture
def finished(unfinished: Path) -> Path:
    """A run whose files are all there, though its model is none."""
    write_json(unfinished / "team.json", to_json(Team("none", "0", {}, ("Retrieve",), "Toy")))
    losses = {role: {"base": 1.0, "plan": 0.5, "tool": float("nan")} for role in ("plan", "tool")}
    write_json(unfinished / "report.json", {"held_out_losses": losses})
    return unfinished


def test_an_unfinished_run_is_not_asked_and_not_measured(call: Call, unfinished: Path) -> None:
    assert "is not finished" in refused(call("ask", unfinished, "Why?"))
    assert "is not finished" in refused(call("eval", unfinished))


BAD_EVALUATIONS = [
    (("--methods", "alchemy"), "--methods alchemy is no method; choose from all, autoact, zero-shot"),
    (("--methods", "fireact"), "the run has no team fireact; train it first: autoact train RUN --teams fireact"),
    (("--benchmark", "nope"), "--benchmark nope is no benchmark of this run and no file"),
    (("--split", "train"), "--split train is no split of Toy; there is dev"),
]


@pytest.mark.parametrize(("words", "says"), BAD_EVALUATIONS)
def test_a_bad_evaluation_is_refused(words: tuple[str, str], says: str, call: Call, finished: Path) -> None:
    assert says in refused(call("eval", finished, *words))


def test_a_model_that_does_not_load_is_one_line_and_no_figure(call: Call, finished: Path) -> None:
    result = call("eval", finished, "--methods", "zero-shot", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("autoact: ")


@pytest.mark.parametrize("words", [("--epochs", "0"), ("--temperature", "3"), ("--limit", "0")])
def test_numbers_out_of_range_are_refused(words: tuple[str, str], call: Call, finished: Path) -> None:
    assert call("eval", finished, *words).exit_code == 2


def test_methods_are_listed_without_a_run(call: Call) -> None:
    listed = json.loads(call("eval", "--list-methods", "--json").stdout)["methods"]
    assert [method["id"] for method in listed] == [method.id for method in METHODS]
    assert "autoact" in call("eval", "--list-methods").stdout
    assert refused(call("eval")).startswith("RUN is missing")


@pytest.mark.parametrize("words", [("--data", "x" * 300, "--benchmark", "hotpotqa"), ("--benchmark", "x" * 300)])
def test_a_name_too_long_for_a_file_is_a_line(words: tuple[str, ...], call: Call, finished: Path) -> None:
    assert refused(call("eval", finished, *words))


def test_an_empty_question_and_a_single_choice_are_refused(call: Call, finished: Path) -> None:
    assert "question is empty" in refused(call("ask", finished, "  "))
    assert "at least twice" in refused(call("ask", finished, "Which?", "--choices", "gas"))


# ── tools ──


def test_the_library_is_listed_with_what_each_tool_needs(call: Call) -> None:
    listed = json.loads(call("tools", "--json").stdout)["tools"]
    needs = {tool["name"]: tool["needs"] for tool in listed}
    assert needs["Retrieve"] == "a corpus"
    assert needs["Lookup"] == "a page that another tool opened"
    assert needs["Calculator"] == "nothing"
    assert all(tool["definition"] and tool["usage"] for tool in listed)


def test_the_tools_of_a_task_are_those_it_offers(call: Call, task_file: TaskFile) -> None:
    listed = json.loads(call("tools", task_file({}), "--json").stdout)["tools"]
    assert [tool["name"] for tool in listed] == ["Retrieve", "Lookup"]
    assert "Retrieve" in call("tools", task_file({})).stdout


def test_an_unknown_tool_of_a_task_is_named(call: Call, task_file: TaskFile) -> None:
    assert "Teleport is not in the library" in refused(call("tools", task_file({"tools": ["Teleport"]})))


# ── example ──


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_written_out_whole_and_never_over_another(call: Call, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    result = call("example", name, folder)
    assert result.exit_code == 0
    assert {"task.yaml", "corpus.jsonl", "dev.jsonl", "test.jsonl"} <= {path.name for path in folder.iterdir()}
    assert not list(folder.glob("*.py"))
    assert f"autoact learn {folder}/task.yaml" in result.stdout
    (folder / "corpus.jsonl").unlink()
    assert "is there already" in refused(call("example", name, folder))
    assert not (folder / "corpus.jsonl").exists()


def test_an_unknown_example_lists_what_there_is(call: Call, tmp_path: Path) -> None:
    assert refused(call("example", "nope", tmp_path)) == "there is no example 'nope'; choose from atlas, atlas_choice"


def test_what_an_example_shares_with_another_is_written_beside_its_task(tmp_path: Path) -> None:
    copy_example("atlas_choice", tmp_path)
    task = load_task(tmp_path / "task.yaml")
    assert task.base_path() == str(tmp_path / "seed")
    assert (tmp_path / "seed" / "model.safetensors").read_bytes() == (FOLDER / "seed/model.safetensors").read_bytes()
    assert (tmp_path / task.corpus).read_bytes() == (FOLDER / "corpus.jsonl").read_bytes()


def test_the_copy_is_byte_for_byte_the_packages(tmp_path: Path) -> None:
    from importlib import resources

    source = resources.files("autoact.examples") / "atlas"
    for path in copy_example("atlas", tmp_path):
        assert path.read_bytes() == source.joinpath(path.relative_to(tmp_path).as_posix()).read_bytes()
