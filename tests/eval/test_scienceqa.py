"""ScienceQA is read band by band; a letter becomes its choice, and a picture is its caption and text.

`AUTOACT_DATA=… pytest tests/eval/test_scienceqa.py` reads the real files as well as the lines of our own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from autoact.core.errors import TaskError
from autoact.core.records import QAPair
from autoact.core.reward import choice_index, reward_of
from autoact.eval.benchmark import load_benchmark
from autoact.graph.run_folder import RunFolder

YOUNG = {
    "id": "17",
    "question": "Which is harder?\nContext: Look at both.\nOne is soft.",
    "choices": ["wool ", "a stone"],
    "answer": "B",
    "has_image": True,
    "caption": "Two things.",
    "ocr": "wool",
    "grade": 2,
    "subject": "natural science",
}
OLD = {"id": "18", "question": "Which letter is a vowel?", "choices": ["B", "A"], "answer": "B", "grade": 12}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "scienceqa"
    folder.mkdir(parents=True)
    (folder / "grade1-4.jsonl").write_text(json.dumps(YOUNG), "utf-8")
    (folder / "grade9-12.jsonl").write_text(json.dumps(OLD), "utf-8")
    return tmp_path / "data"


def test_a_context_is_told_from_its_question_and_a_letter_becomes_its_choice(run: RunFolder, data: Path) -> None:
    young, old = load_benchmark("scienceqa", run.task, data=data).pairs
    assert young == QAPair(
        "17",
        "Which is harder?",
        "a stone",
        ("wool", "a stone"),
        "Look at both.\nOne is soft.",
        caption="Two things.",
        ocr="wool",
        level="G1-4",
    )
    assert (old.level, old.context) == ("G9-12", "")


def test_an_answer_is_right_by_text_even_where_the_choices_are_letters(run: RunFolder, data: Path) -> None:
    young, old = load_benchmark("scienceqa", run.task, data=data).pairs
    assert [reward_of(said, young).value for said in ("B", "a stone", "A", "")] == [1, 1, 0, 0]
    assert (old.answer, choice_index(old.answer, old.choices)) == ("A", 1)


def test_a_band_that_is_missing_is_said_and_a_band_is_a_split(run: RunFolder, data: Path) -> None:
    benchmark = load_benchmark("scienceqa", run.task, data=data)
    assert benchmark.published
    assert benchmark.notes == ("G1-4: 1, G5-8: none, G9-12: 1 – the paper has 120 of each",)
    assert [pair.id for pair in load_benchmark("scienceqa", run.task, "G9-12", data=data).pairs] == ["18"]


BAD_LINES = [
    ({**YOUNG, "answer": "C"}, "line 1: the answer 'C' is no letter of its 2 choices"),
    ({**YOUNG, "answer": "a stone"}, "line 1: the answer 'a stone' is no letter of its 2 choices"),
    ({**YOUNG, "answer": 1}, "line 1: field 'answer' has a value of the wrong type"),
    ({**YOUNG, "choices": []}, "line 1: the answer 'B' is no letter of its 0 choices"),
    ({**YOUNG, "choices": ["", "a stone"]}, "line 1: a choice is empty"),
    ({**YOUNG, "grade": 13}, "line 1: the grade 13 is no number from 1 to 12"),
    ({**YOUNG, "question": "\nContext: alone"}, "line 1: question and answer must not be empty"),
]


@pytest.mark.parametrize(("line", "says"), BAD_LINES)
def test_a_bad_line_is_named(line: object, says: str, run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(line), "utf-8")
    with pytest.raises(TaskError, match=f"bad.jsonl {says}"):
        load_benchmark("scienceqa", run.task, data=path)


FOLDERS = ["data", *([os.environ["AUTOACT_DATA"]] if "AUTOACT_DATA" in os.environ else [])]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_gold_answer_is_graded_right(folder: str, run: RunFolder, data: Path) -> None:
    for pair in load_benchmark("scienceqa", run.task, data=data.parent / folder).pairs:
        assert reward_of(pair.answer, pair).value == 1
        assert "Context:" not in pair.question
