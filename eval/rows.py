"""The lines of a benchmark's files: a question with its answer, and the paragraphs it is asked over, if it has some.

read_rows([Path("mine.jsonl")], own_row)     # {"question": …, "answer": …[, "choices": […]]} a line
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.errors import TaskError
from autoact.core.records import QAPair
from autoact.core.reward import reward_of
from autoact.core.task import check_choices, qa_pair, read_lines
from autoact.tools.corpus import Page


@dataclass(frozen=True, slots=True)
class Row:
    """A question and what its tools may search; no paragraphs stand for the task's own corpus."""

    pair: QAPair
    paragraphs: tuple[Page, ...] = ()


Reader = Callable[[Mapping[str, Any], str], Row]  # a JSON object and an id in case it has none; raises ValueError


def own_row(data: Mapping[str, Any], default_id: str) -> Row:
    """A line in our own form, extra fields ignored."""
    pair = qa_pair(data, default_id, "benchmark")
    check_choices(pair)
    return Row(pair)


def check_pair(pair: QAPair) -> None:
    """Raises ValueError for a question that cannot be named or that no answer gets right."""
    if not pair.id.strip() or not pair.id.isprintable():
        raise ValueError(f"the id {pair.id!r:.60} is empty or cannot be shown; give printable characters")
    if not all(choice.strip() for choice in pair.choices):
        raise ValueError("a choice is empty")
    if reward_of(pair.answer, pair).value != 1:
        raise ValueError(f"no answer would be right, not even {pair.answer!r:.60} itself; give one of words or numbers")


def read_rows(files: Sequence[Path], reader: Reader) -> tuple[Row, ...]:
    """The rows of JSONL files. Raises TaskError naming the file and the line."""
    rows: dict[str, Row] = {}
    for path in files:
        before = len(rows)
        for number, data in read_lines(path):
            try:
                if not isinstance(data, dict):
                    raise ValueError("must be an object with question and answer")
                row = reader(data, f"{path.stem}-{number}")
                check_pair(row.pair)
                if row.pair.id in rows:
                    raise ValueError(f"id {row.pair.id!r} is used twice; ids must be unique")
            except ValueError as problem:
                raise TaskError(f"{path} line {number}: {problem}") from None
            rows[row.pair.id] = row
        if len(rows) == before:
            raise TaskError(f"{path} holds no question")
    return tuple(rows.values())
