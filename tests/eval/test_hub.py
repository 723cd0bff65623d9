"""Rows of the hub's shape become the same questions as files do; without a network, one line says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import TaskError
from autoact.eval.hotpotqa import HOTPOTQA
from autoact.eval.hub import draw
from autoact.eval.published import Published
from autoact.eval.rows import Row
from autoact.eval.scienceqa import SCIENCEQA


def hotpot(number: int) -> dict[str, Any]:
    return {
        "id": f"q{number}",
        "question": f"Question {number}?",
        "answer": "yes",
        "type": "bridge",
        "level": ("easy", "medium")[number % 2],
        "supporting_facts": {"title": ["Lima"], "sent_id": [0]},
        "context": {"title": ["Lima", "Cusco"], "sentences": [["Lima is big.", " It is dry."], ["Cusco is high."]]},
    }


def science(number: int) -> dict[str, Any]:
    return {
        "image": None,
        "question": f"Question {number}?",
        "choices": ["gas", "solid"],
        "answer": number % 2,
        "hint": "Read this." if number else "",
        "grade": f"grade{number % 12 + 1}",
        "solution": "It is solid.",
    }


def drawn(published: Published, rows: list[dict[str, Any]], level: str, size: int) -> list[Row]:
    from datasets import Dataset

    return draw(published.hub, published.reader, Dataset.from_list(rows), level, size)


def test_hotpotqa_has_titles_and_sentences_apart() -> None:
    row, *_ = drawn(HOTPOTQA, [hotpot(number) for number in range(4)], "medium", 1)
    assert row.pair.level == "medium"
    assert [(page.title, page.text) for page in row.paragraphs] == [
        ("Lima", "Lima is big. It is dry."),
        ("Cusco", "Cusco is high."),
    ]


def test_scienceqa_has_a_hint_a_number_for_an_answer_and_no_id() -> None:
    pairs = [row.pair for row in drawn(SCIENCEQA, [science(number) for number in range(12)], "G1-4", 4)]
    assert [pair.id for pair in pairs] == ["test-0", "test-1", "test-2", "test-3"]
    assert [pair.answer for pair in pairs] == ["gas", "solid", "gas", "solid"]
    assert [pair.context for pair in pairs] == ["", "Read this.", "Read this.", "Read this."]


def test_the_same_questions_are_drawn_each_time_and_others_for_another_level() -> None:
    rows = [hotpot(number) for number in range(60)]
    easy = [row.pair.id for row in drawn(HOTPOTQA, rows, "easy", 10)]
    assert easy == [row.pair.id for row in drawn(HOTPOTQA, rows, "easy", 10)]
    assert len(set(easy)) == 10
    assert not {row.pair.id for row in drawn(HOTPOTQA, rows, "medium", 10)} & set(easy)


def test_a_wrong_row_is_named() -> None:
    with pytest.raises(
        TaskError, match="derek-thomas/ScienceQA on the hub, row 1 of test: the answer 'D' is no letter"
    ):
        drawn(SCIENCEQA, [science(0), {**science(1), "answer": 3}], "G1-4", 2)


def test_without_a_network_one_line_says_what_to_do(tmp_path: Path) -> None:
    code = "from autoact.eval.hotpotqa import HOTPOTQA\nfrom autoact.eval.published import take\ntake(HOTPOTQA, None)"
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("autoact.core.errors.TaskError: hotpotqa/hotpot_qa cannot be read from the hub (")
    assert said.endswith("see to the network, or give --data the folder of its files")
