"""What goes to the screen. Text from models, tools and files is shown, never obeyed.

    plain("\\x1b[2J[red]hi")       # '\\\\x1b[2J[red]hi': the escape is spelt out, markup stays text

Answers and JSON go to stdout, everything else to stderr. A pipe gets no colour and is not cut at 80 columns.
"""

from __future__ import annotations

import json
import os
import sys
from io import TextIOWrapper
from math import isfinite
from typing import TYPE_CHECKING, Any

from autoact.core.text import spelt_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 120
TOOL_COLUMNS = (">calls", ">refused", ">failed", ">timeouts", ">p50 ms", ">p95 ms")


def plain(text: str) -> str:
    """The text with every character that could steer a terminal spelt out."""
    return spelt_out(text)


def spell_unprintable() -> None:
    """A character that stdout's encoding lacks is spelt out, as stderr does, and is no error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def one_line(text: str) -> str:
    """The text as a single harmless line."""
    return plain(" ".join(text.split()))


def safe(text: str, style: str = "") -> Text:
    """The text for rich, its markup not read."""
    from rich.text import Text

    return Text(plain(text), style=style)


def console(stderr: bool = False) -> Console:
    """A rich console; as wide as the terminal, or wide enough for a table where there is none."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def table(title: str, *columns: str) -> Table:
    """An empty table; numbers are right-aligned by a column name that begins with `>`."""
    from rich import box
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    for column in columns:
        made.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return made


def print_json(value: Any) -> None:
    """One JSON object on stdout, in ASCII, so that no text in it can steer a terminal; nan becomes null."""
    print(json.dumps(_finite(value), indent=1))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def tool_calls_table(calls: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """By method and tool: calls, those that were refused, failed or took too long, and milliseconds."""
    made = table("Tool calls", *(["method"] if any(calls) else []), "tool", *TOOL_COLUMNS)
    for method, tools in calls.items():
        for name, counts in tools.items():
            times = (f"{counts[p] * 1000:.1f}" if p in counts else "–" for p in ("p50", "p95"))
            numbers = (str(counts[column]) for column in ("calls", "refused", "failed", "timeouts"))
            made.add_row(*([method] if any(calls) else []), safe(name), *numbers, *times)
    return made
