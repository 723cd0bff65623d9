"""TableVerbalizer: a table → a sentence per row, by rule and without a model.

    name,capital
    Peru,Lima            →  Row 1: name is Peru; capital is Lima.

The table is CSV (comma, semicolon or tab), Markdown, or JSON: a list of objects, a list of lists whose first holds the
names, or an object of columns. Numbers, units and dates are left as they are written.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from autoact.tools.memory import Output, library_tool, remember

DEFINITION = "turns a table into sentences, one per row."
USAGE = "a table alone: CSV, Markdown, or JSON rows."
NEEDS = "nothing"
LONGEST = 100_000
LONGEST_CELL = 200
LONGEST_TEXT = 3600
MOST_COLUMNS = 100
_RULE = frozenset("|:+- \t")
_PIPE = re.compile(r"(?<!\\)\|")


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
    text = text.strip().replace("\x00", " ")
    table = _of_json(text) if text.startswith(("[", "{")) else _of_lines(text)
    if not any(name.strip() for name in table.names):
        raise ToolException("There is no table: give CSV, Markdown or JSON, with the names of the columns first.")
    if len(table.names) > MOST_COLUMNS:
        raise ToolException(f"The table has too many columns: {len(table.names)}, at most {MOST_COLUMNS}.")
    return table


def verbalize(table: Table, limit: int) -> str:
    """A sentence per row, as many as fit."""
    rows = iter(table.rows)
    sentences: list[str] = []
    left = LONGEST_TEXT
    for number, row in enumerate(islice(rows, limit), start=1):
        sentence = f"Row {number}: {_sentence(table.names, row)}."
        left -= len(sentence) + 1
        if left < 0:
            return "\n".join([*sentences, "The rows after these are left out."])
        sentences.append(sentence)
    if not sentences:
        raise ToolException(f"The table has no row under {', '.join(table.names)[:LONGEST_CELL]}.")
    return "\n".join([*sentences, *(["The rows after these are left out."] if next(rows, None) is not None else [])])


def _sentence(names: Sequence[str], row: Sequence[Any]) -> str:
    cells = [_cell(value) for value in islice(row, MOST_COLUMNS)]
    labels = [*names, *(f"column {i + 1}" for i in range(len(names), len(cells)))]
    told = [
        f"{label or 'the column without a name'} is {cell}" for label, cell in zip(labels, cells, strict=False) if cell
    ]
    return "; ".join(told) or "all cells are empty"


def _of_json(text: str) -> Table:
    try:
        data = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as problem:
        raise ToolException(f"The table is not JSON: {str(problem)[:200]}") from None
    if isinstance(data, dict):
        columns = {name: values for name, values in data.items() if isinstance(values, list)}
        if not columns:  # one row
            return Table(list(data), [list(data.values())])
        length = max(len(values) for values in columns.values())
        return Table(list(columns), ([v[i] if i < len(v) else "" for v in columns.values()] for i in range(length)))
    if all(isinstance(row, dict) for row in data):
        names = list(dict.fromkeys(name for row in data for name in row))
        return Table(names, ([row.get(name, "") for name in names] for row in data))
    if all(isinstance(row, list) for row in data):
        return Table([_cell(name) for name in data[0]], data[1:])
    raise ToolException("The table is JSON, but neither a list of objects nor a list of lists.")


def _of_lines(text: str) -> Table:
    lines = text.splitlines(keepends=True)
    first = lines[0] if lines else ""
    if "|" in first:
        rows = (_of_markdown(line) for line in text.splitlines() if not _RULE.issuperset(line))
        return Table([_cell(name) for name in next(rows, [])], rows)
    mark = max(",;\t", key=first.count)
    return _checked(csv.reader(lines, delimiter=mark, skipinitialspace=True))


def _checked(rows: Iterator[list[str]]) -> Table:
    try:
        first, *rest = [row for row in rows if row] or [[]]
    except csv.Error as problem:
        raise ToolException(f"The table is not CSV: {problem}") from None
    return Table([_cell(name) for name in first], rest)


def _of_markdown(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.replace("\\|", "|") for cell in _PIPE.split(inner)]


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        value = {True: "yes", False: "no", None: ""}[value]
    text = " ".join(str(value)[: 2 * LONGEST_CELL].split())
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
