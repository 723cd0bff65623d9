"""A task file is checked whole before anything runs; what is wrong is named on one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoact.core.errors import TaskError
from autoact.core.records import QAPair
from autoact.core.task import load_task, read_lines, read_questions

GOOD: dict[str, Any] = {
    "name": "Atlas",
    "description": "Answer questions about countries.",
    "model": "openai:meta",
    "tools": ["Retrieve", "Lookup"],
    "examples": [{"question": "What is the currency of Peru?", "answer": "sol"}],
}


def written(folder: Path, data: Any) -> Path:
    path = folder / "task.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return path


def refusal(path: Path, overrides: dict[str, Any] | None = None) -> str:
    with pytest.raises(TaskError) as caught:
        load_task(path, overrides)
    said = str(caught.value)
    assert "\n" not in said
    assert str(path) in said
    return said


def test_examples_are_told_apart_whatever_ids_they_were_copied_with(tmp_path: Path) -> None:
    copied = [{"id": name, "question": "q", "answer": "a"} for name in ("1", "1", "")]
    task = load_task(written(tmp_path, {**GOOD, "examples": copied}))
    assert [pair.id for pair in task.seeds()] == ["example-0", "example-1", "example-2"]


def test_a_good_task_is_read_with_its_defaults(tmp_path: Path) -> None:
    task = load_task(written(tmp_path, GOOD))
    assert (task.name, task.tools, task.corpus, task.learn.lora_rank) == (
        "Atlas",
        ("Retrieve", "Lookup"),
        "",
        8,
    )
    assert task.seeds() == (QAPair("example-0", "What is the currency of Peru?", "sol", origin="example"),)
    assert task.path("x.jsonl") == tmp_path.resolve() / "x.jsonl"


def test_a_learn_section_whose_every_line_is_commented_out_is_the_defaults(tmp_path: Path) -> None:
    assert load_task(written(tmp_path, {**GOOD, "learn": None})) == load_task(written(tmp_path, GOOD))


@pytest.mark.parametrize("field", ["name", "description", "model", "tools", "examples"])
def test_a_field_that_is_needed_is_asked_for(tmp_path: Path, field: str) -> None:
    without = {name: value for name, value in GOOD.items() if name != field}
    assert f"{field} is missing; add it" in refusal(written(tmp_path, without))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"toools": []}, "toools"),
        ({"name": 5}, "name"),
        ({"name": "  "}, "name"),
        ({"description": ""}, "description"),
        ({"endpoint": None}, "endpoint"),
        ({"tools": "Retrieve"}, "tools"),
        ({"tools": []}, "tools"),
        ({"tools": [1]}, "tools.0"),
        ({"tools": ["Search", "Search"]}, "Search is listed twice"),
        ({"examples": []}, "examples"),
        ({"examples": {}}, "examples"),
        ({"examples": ["q"]}, "examples.0"),
        ({"examples": [{"question": "q"}]}, "examples: field 'answer' is missing"),
        ({"examples": [{"question": "q", "answer": 5}]}, "wrong type: 5; put a text in quotes"),
        ({"examples": [{"question": "q", "answer": " "}]}, "examples: question and answer must not be empty"),
        ({"examples": [{"question": "q", "answer": "a", "choices": "x"}]}, "examples: field 'choices'"),
        ({"examples": [{"question": "q", "answer": "\ud800"}]}, "examples: "),
        ({"corpus": "missing.jsonl"}, "corpus: "),
        ({"corpus": "."}, "corpus: "),
        ({"exclude": ["missing.jsonl"]}, "exclude: "),
        ({"benchmarks": {"dev": "missing.jsonl"}}, "benchmarks.dev: "),
        ({"benchmarks": ["dev"]}, "benchmarks"),
        ({"toolbox": []}, "toolbox"),
        ({"toolbox": {"Retrieve": 5}}, "toolbox.Retrieve"),
        ({"toolbox": {"Retrive": {}}}, "toolbox is wrong: Value error, Retrive is not listed in tools; add it there"),
        ({"offline": "yes"}, "offline"),
        ({"cassette": None}, "cassette"),
        ({"learn": 5}, "learn"),
        ({"learn": {"epoch": 5}}, "learn.epoch"),
        ({"learn": {"questions": 0}}, "learn.questions"),
        ({"learn": {"questions": "many"}}, "learn.questions"),
        ({"learn": {"questions": 1.5}}, "learn.questions"),
        ({"learn": {"seed": -1}}, "learn.seed"),
        ({"learn": {"seed": True}}, "learn.seed"),
        ({"learn": {"temperature": 2.1}}, "learn.temperature"),
        ({"learn": {"temperature": float("nan")}}, "learn.temperature"),
        ({"learn": {"held_out": 1}}, "learn.held_out"),
        ({"learn": {"held_out": 0}}, "learn.held_out"),
        ({"learn": {"lora_targets": 5}}, "learn.lora_targets"),
    ],
)
def test_a_field_that_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], names: str) -> None:
    assert names in refusal(written(tmp_path, GOOD | change))


@pytest.mark.parametrize("text", ["a: b: c", "\x00", "[" * 5000, "name: 2020-13-45", "&a [*b]", "- 1", "", "5"])
def test_what_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "YAML" in refusal(written(tmp_path, text))


def test_a_task_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "nope.yaml")
    assert "cannot be read" in refusal(tmp_path)


def test_a_task_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_bytes("name: Pérou".encode("latin-1"))
    assert "not YAML" in refusal(tmp_path / "task.yaml")


def test_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD | {"learn": {"seed": 1, "epochs": 2}})
    learn = load_task(path, {"seed": 7}).learn
    assert (learn.seed, learn.epochs) == (7, 2)
    assert load_task(written(tmp_path, GOOD), {"seed": 7}).learn.seed == 7


@pytest.mark.parametrize("learn", [5, [1], "text"])
def test_an_override_does_not_hide_a_wrong_section(tmp_path: Path, learn: Any) -> None:
    assert "learn is wrong" in refusal(written(tmp_path, GOOD | {"learn": learn}), {"seed": 1})


def test_an_override_that_is_wrong_is_named(tmp_path: Path) -> None:
    assert "learn.seed is wrong" in refusal(written(tmp_path, GOOD), {"seed": -1})


def test_a_model_beside_the_task_file_is_made_absolute(tmp_path: Path) -> None:
    (tmp_path / "seed").mkdir()
    task = load_task(written(tmp_path, GOOD | {"model": "transformers:seed"}))
    assert task.model_spec() == f"transformers:{tmp_path.resolve() / 'seed'}"
    assert task.base_path() == str(tmp_path.resolve() / "seed")


def test_a_hub_name_and_an_explicit_base_are_left_as_they_are(tmp_path: Path) -> None:
    assert load_task(written(tmp_path, GOOD | {"model": "transformers:org/m"})).base_path() == "org/m"
    assert load_task(written(tmp_path, GOOD | {"base": "org/b"})).base_path() == "org/b"


def test_a_served_model_without_a_base_cannot_be_trained_on(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="base: is needed"):
        load_task(written(tmp_path, GOOD)).base_path()


def test_a_fingerprint_follows_what_the_task_says_and_not_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one = load_task(written(tmp_path, GOOD)).fingerprint()
    assert one == load_task(written(tmp_path / "other", GOOD)).fingerprint()
    assert one != load_task(written(tmp_path, GOOD), {"seed": 1}).fingerprint()


def test_a_fingerprint_follows_the_settings_of_tools_and_the_files_they_name(tmp_path: Path) -> None:
    (tmp_path / "geo.ttl").write_text("one")
    toolbox = {"Retrieve": {"backend": "mediawiki"}, "Lookup": {"deep": [{"file": "geo.ttl"}, "\0", "x" * 5000]}}
    plain, first = (load_task(written(tmp_path, GOOD | {"toolbox": box})).fingerprint() for box in ({}, toolbox))
    assert plain == load_task(written(tmp_path, GOOD)).fingerprint() != first
    (tmp_path / "geo.ttl").write_text("two")
    assert load_task(written(tmp_path, GOOD | {"toolbox": toolbox})).fingerprint() != first


def test_a_fingerprint_heeds_not_whether_tools_are_recorded_or_replayed(tmp_path: Path) -> None:
    live = load_task(written(tmp_path, GOOD)).fingerprint()
    assert live == load_task(written(tmp_path, GOOD | {"offline": True, "cassette": "c.sqlite"})).fingerprint()


def test_questions_are_read_with_their_extra_fields_ignored(tmp_path: Path) -> None:
    lines = [{"id": "a", "question": "q", "answer": "x", "type": "bridge"}, {"question": "r", "answer": "y"}]
    path = tmp_path / "dev.jsonl"
    path.write_text("\r\n\r\n".join(json.dumps(line) for line in lines), encoding="utf-8-sig")
    assert read_questions(path) == [QAPair("a", "q", "x"), QAPair("dev-3", "r", "y")]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("{", "line 2 is not JSON"),
        ("[" * 100_000, "line 2 is not JSON"),
        ('{"question": "\\ud800", "answer": "a"}', "line 2 is not JSON"),
        ("[1]", "line 2: must be an object"),
        ('{"question": "q"}', "line 2: field 'answer' is missing"),
        ('{"question": "", "answer": "a"}', "line 2: question and answer must not be empty"),
        ('{"question": "q", "answer": 5}', "line 2: field 'answer'"),
        ('{"id": "1", "question": "q", "answer": "a"}', "line 2: id '1' is used twice"),
        ('{"id": "", "question": "q", "answer": "a"}', "line 2: id must not be empty"),
    ],
)
def test_a_line_of_questions_that_is_wrong_is_named(tmp_path: Path, line: str, names: str) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_text('{"id": "1", "question": "q", "answer": "a"}\n' + line + "\n")
    with pytest.raises(TaskError, match=names):
        read_questions(path)


def test_a_file_without_questions_or_in_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n \n")
    with pytest.raises(TaskError, match="holds no question"):
        read_questions(tmp_path / "empty.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9")
    with pytest.raises(TaskError, match="cannot be read"):
        list(read_lines(tmp_path / "latin.jsonl"))


def test_a_character_outside_the_basic_plane_may_be_escaped(tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text('{"question": "\\ud83d\\ude42", "answer": "\\u00e9"}')
    assert [(pair.question, pair.answer) for pair in read_questions(tmp_path / "dev.jsonl")] == [("🙂", "é")]


def test_a_preset_that_is_set_is_that_preset_and_not_its_name_alone(tmp_path: Path) -> None:
    path = written(tmp_path, {**GOOD, "learn": {"epochs": 2}})
    whole = load_task(path, preset="paper").learn
    assert load_task(path, {"preset": "paper"}).learn == whole != load_task(path).learn
    assert load_task(path, {"preset": "paper", "verify": 3}, preset="best").learn == whole.model_copy(
        update={"verify": 3}
    )
    with pytest.raises(TaskError, match=r"learn\.preset"):
        load_task(path, {"preset": ["paper"]})
