"""ScienceQA (Lu et al. 2022) in the paper's form: 3 × 120 questions by grade band.

    {"id": …, "question": "Which …?\\nContext: Read …", "choices": ["gas", "solid"], "answer": "B", "grade": 4,
     "caption": …, "ocr": …}

The letter becomes the choice's text, the context a field of its own. A picture is its caption and the text read off it;
questions from the hub have neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autoact.core.task import qa_pair
from autoact.eval.hub import Hub
from autoact.eval.published import Published
from autoact.eval.rows import Row

BANDS = {"G1-4": range(1, 5), "G5-8": range(5, 9), "G9-12": range(9, 13)}
CONTEXT = "\nContext:"


def scienceqa_row(data: Mapping[str, Any], default_id: str) -> Row:
    """A line of ScienceQA. Raises ValueError."""
    pair = qa_pair({**data, "level": band_of(data.get("grade"))}, default_id, "benchmark")
    if not pair.level:
        raise ValueError(f"the grade {data.get('grade')!r:.40} is no number from 1 to 12")
    question, _, context = pair.question.partition(CONTEXT)
    if not question.strip():
        raise ValueError("question and answer must not be empty")
    choices = tuple(choice.strip() for choice in pair.choices)
    answer = _named(pair.answer, choices)
    context = context.strip() or pair.context
    return Row(replace(pair, question=question.strip(), context=context, choices=choices, answer=answer))


def band_of(grade: Any) -> str:
    """The grade band of 4 or "grade4"; empty for what is no grade."""
    number = str(grade).removeprefix("grade")
    return next((band for band, grades in BANDS.items() if number.isdecimal() and int(number) in grades), "")


def _named(letter: str, choices: tuple[str, ...]) -> str:
    """The choice that a letter stands for."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(choices)]
    if len(letter) != 1 or letter not in letters:
        raise ValueError(f"the answer {letter!r:.40} is no letter of its {len(choices)} choices")
    return choices[letters.index(letter)]


def from_hub(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A row of the hub as a line: it has no id, its hint is the context, and its answer the choice's number."""
    question = f"{row['question']}{CONTEXT} {row['hint']}" if row["hint"] else row["question"]
    letter = chr(ord("A") + row["answer"])
    return {"id": name, "question": question, "choices": row["choices"], "answer": letter, "grade": row["grade"]}


SCIENCEQA = Published(
    name="scienceqa",
    files={band: f"grade{band.removeprefix('G')}.jsonl" for band in BANDS},
    size=120,
    reader=scienceqa_row,
    hub=Hub(
        repo="derek-thomas/ScienceQA",
        config="default",
        splits=dict.fromkeys(BANDS, "test"),
        columns=("question", "hint", "choices", "answer", "grade"),
        column="grade",
        level_of=band_of,
        to_line=from_hub,
    ),
)
