"""Rows as text: what a planner reads of a query's result.

>>> print(rows_as_text(["name", "capital"], [["Peru", "Lima"]], more=True))
name | capital
Peru | Lima
The first row is shown; there are more.
"""

from collections.abc import Sequence
from typing import Any

LONGEST_CELL = 200
LONGEST_TEXT = 3600


def rows_as_text(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, more: bool) -> str:
    """A line per row under the names, as many as fit, and whether there are more."""
    lines = [" | ".join(_cell(name) for name in columns)[:LONGEST_TEXT]]
    if not rows:
        return f"{lines[0]}\nNo row matches."
    left = LONGEST_TEXT - len(lines[0])
    for row in rows:
        line = " | ".join(_cell(value) for value in row)
        left -= len(line) + 1
        if left < 0:
            break
        lines.append(line)
    shown = len(lines) - 1
    if more or shown < len(rows):
        lines.append(_cut(shown))
    return "\n".join(lines)


def _cut(shown: int) -> str:
    if not shown:
        return "The rows are too long to be shown; ask for fewer columns."
    return f"The first {'row is' if shown == 1 else f'{shown} rows are'} shown; there are more."


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
