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
                if row.pair.id in rows:
                    raise ValueError(f"id {row.pair.id!r} is used twice; ids must be unique")
            except ValueError as problem:
                raise TaskError(f"{path} line {number}: {problem}") from None
            rows[row.pair.id] = row
        if len(rows) == before:
            raise TaskError(f"{path} holds no question")
    return tuple(rows.values())
