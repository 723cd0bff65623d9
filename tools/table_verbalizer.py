"""TableVerbalizer: a table → a sentence per row, by rule and without a model.

    name,capital
    Peru,Lima            →  Row 1: name is Peru; capital is Lima.

The table is CSV (comma, semicolon or tab), Markdown, or JSON: a list of objects, a list of lists whose first holds the
names, or an object of columns, where a value that is no list holds for every row. Numbers, units and dates are left as
they are written. Not covered: a text with commas is read as CSV.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from autoact.tools.memory import Output, library_tool, remember

DEFINITION = "turns a table into sentences, one per row."
USAGE = "a table alone: CSV, Markdown, or JSON rows."
LONGEST = 100_000
LONGEST_CELL = 200
LONGEST_TEXT = 3600
MOST_COLUMNS = 100
DEEPEST = 3
CUT = "The rows after these are left out."
NO_TABLE = "There is no table: give CSV, Markdown or JSON, with the names of the columns first."
_RULE = re.compile(r"[|:+ \t]*-[|:+ \t-]*")
_PIPE = re.compile(r"(?<!\\)\|")
# A lone column with such a name is a sentence, a page, or a line.
_NO_NAME = re.compile(r"<.*|.*[.!?:]|-*", re.DOTALL)


class Settings(BaseModel):
    """What `toolbox: {TableVerbalizer: …}` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(100, gt=0, le=1000, description="Rows put into words at most.")


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the columns, and the cells row by row (as many as there are, not always as many as names)."""

    names: Sequence[str]
    rows: Iterable[Sequence[Any]]


def missing(_settings: Settings) -> str:
    """Empty: nothing is lacking."""
    return ""


def live(_settings: Settings) -> str:
    """Empty: nothing reaches the network."""
    return ""


def table_verbalizer_tool(settings: Settings, _folder: Path) -> BaseTool:
    """Tables in words."""

    def run(table: str) -> Output:
        text = verbalize(read_table(table), settings.rows)
        return Output(text, remember(text))

    return library_tool("TableVerbalizer", DEFINITION, USAGE, run)


def read_table(text: str) -> Table:
    """The table that a text is. Raises ToolException when it is none."""
    if len(text) > LONGEST:
        raise ToolException(f"The table is too long: {len(text):,} characters, at most {LONGEST:,}.")
    text = _bare(text)
    table = _of_json(text) if text.lstrip().startswith(("[", "{")) else _of_lines(text)
    if not any(table.names) or (len(table.names) == 1 and _NO_NAME.fullmatch(table.names[0])):
        raise ToolException(NO_TABLE)
    if len(table.names) > MOST_COLUMNS:
        raise ToolException(f"The table has too many columns: {len(table.names)}, at most {MOST_COLUMNS}.")
    return table


def verbalize(table: Table, limit: int) -> str:
    """A sentence per row, as many as fit; of a first row that does not fit, how it begins."""
    rows = iter(table.rows)
    labels = _labels(table.names)
    sentences: list[str] = []
    left = LONGEST_TEXT
    for number, row in enumerate(islice(rows, limit), start=1):
        sentence = f"Row {number}: {_sentence(labels, row)}."
        if len(sentence) >= left and sentences:
            return "\n".join([*sentences, CUT])
        sentences.append(_cut(sentence, left))
        left -= len(sentence) + 1
    if not sentences:
        raise ToolException(f"The table has no row under {_cut(', '.join(labels[: len(table.names)]), LONGEST_CELL)}.")
    return "\n".join([*sentences, *([CUT] if next(rows, None) is not None else [])])


def _labels(names: Sequence[str]) -> list[str]:
    """A name for each column that a row can have, no two of them the same."""
    labels: dict[str, None] = {}
    for i in range(MOST_COLUMNS):
        plain = label = (names[i] if i < len(names) else "") or f"column {i + 1}"
        count = 1
        while label in labels:
            count += 1
            label = f"{plain} ({count})"
        labels[label] = None
    return list(labels)


def _sentence(labels: Sequence[str], row: Sequence[Any]) -> str:
    told = [f"{label} is {cell}" for label, value in zip(labels, row, strict=False) if (cell := _cell(value))]
    told += ["the cells after these are left out"] if len(row) > len(labels) else []
    return "; ".join(told) or "all cells are empty"


def _bare(text: str) -> str:
    """The text alone: without a byte order mark, and without the code fence that a model may put around a table."""
    text = text.replace("\x00", " ").strip("\ufeff \r\n")  # a tab may be an empty cell
    if text.startswith("```"):
        text = text.partition("\n")[2].rstrip("`").strip()
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _of_json(text: str) -> Table:
    try:
        data = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as problem:
        raise ToolException(f"The table is not JSON: {str(problem)[:200]}") from None
    if isinstance(data, dict):
        return _of_columns(data)
    if all(isinstance(row, dict) for row in data):
        names = list(dict.fromkeys(name for row in data for name in row))
        return Table([_cell(name) for name in names], ([row.get(name) for name in names] for row in data))
    if all(isinstance(row, list) for row in data):
        return Table([_cell(name) for name in data[0]], data[1:])
    raise ToolException("The table is JSON, but neither a list of objects nor a list of lists.")


def _of_columns(data: dict[str, Any]) -> Table:
    """Lists are columns and the rest holds for every row; without a list the object is one row."""
    names = [_cell(name) for name in data]
    lengths = [len(values) for values in data.values() if isinstance(values, list)]
    return Table(names, ([_at(values, i) for values in data.values()] for i in range(max(lengths, default=1))))


def _at(values: Any, row: int) -> Any:
    if not isinstance(values, list):
        return values
    return values[row] if row < len(values) else None


def _of_lines(text: str) -> Table:
    lines = text.split("\n")
    rule = next((i for i, line in enumerate(lines) if i and "|" in lines[i - 1] and _RULE.fullmatch(line)), 0)
    if rule:  # what stands before a Markdown table is no part of it
        return _of_markdown([lines[rule - 1], *lines[rule + 1 :]])
    mark = max(",|;\t", key=lines[0].count)
    if mark == "|" or lines[0].startswith("|"):
        return _of_markdown(lines)
    try:
        rows = csv.reader(io.StringIO(text), delimiter=mark, skipinitialspace=True)
        first, *rest = [row for row in rows if row] or [[]]
    except csv.Error as problem:
        raise ToolException(f"The table is not CSV: {problem}") from None
    return Table([_cell(name) for name in first], rest)


def _of_markdown(lines: Iterable[str]) -> Table:
    drawn = (line for line in lines if line.strip() and not ("--" in line and _RULE.fullmatch(line)))
    names, *rows = [_between_pipes(line) for line in drawn] or [[]]
    return Table([_cell(name) for name in names], rows)


def _between_pipes(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.replace("\\|", "|") for cell in _PIPE.split(inner)]


def _cell(value: Any) -> str:
    return _cut(" ".join(_words(value, DEEPEST).split()), LONGEST_CELL)


def _words(value: Any, depth: int) -> str:
    """A value in words; what is nested is listed, as deep as can still be read."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, (list, dict)) and not depth:
        return "…"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_words(part, depth - 1)}" for name, part in value.items())
    return ", ".join(_words(part, depth - 1) for part in value) if isinstance(value, list) else str(value)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
