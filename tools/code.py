"""Code: a Python snippet → what it prints and the value of its last line, computed in a box.

toolbox:
  Code: {}                                # pydantic-monty: a small Python, started in a millisecond
  # or {backend: bubblewrap, seconds: 5}  # the Python of this environment with its packages, on Linux
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from autoact.core.text import line_of
from autoact.tools.bubblewrap import BOXES, lacks, run_boxed
from autoact.tools.memory import Output, library_tool
from autoact.tools.sandbox import Sandbox
from autoact.tools.threads import Threads

MODULES = (
    "math, re, json, datetime, random, collections, itertools, functools, decimal, csv, dataclasses, copy, bisect, "
    "hashlib, base64, unicodedata"
)
LACKS = (
    "all other modules (numpy and statistics too), files, network, input(), del, yield, import *, class inheritance, "
    "super(), comparison methods, @property and @staticmethod"
)
DEFINITION = "runs Python and shows what it prints and the value of its last line."
USAGE = f"Python code. Its modules: {MODULES}. It lacks {LACKS}."
USAGE_BOXED = (
    "Python code, with the standard library and {packages}. It has no network, no files but those in /tmp, and neither "
    "threads nor other processes."
)
LONGEST = 10_000
SHOWN = 3000
PACKAGES = ("numpy", "pandas", "scipy", "sympy")
_FENCE = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)


class Settings(BaseModel):
    """What `toolbox: {Code: …}` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["monty", "bubblewrap"] = Field("monty", description="What runs the code.")
    seconds: float = Field(1.0, gt=0, le=60, description="Seconds a snippet may take.")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a snippet printed, and the line with which it failed (empty: it did not)."""

    printed: str
    error: str


def missing(settings: Settings) -> str:
    """What the backend lacks to be used here; empty when nothing."""
    return lacks() if settings.backend == "bubblewrap" else ""


def live(_settings: Settings) -> str:
    """Empty: no code reaches the network."""
    return ""


def code_tool(settings: Settings, _folder: Path) -> BaseTool:
    """An interpreter; nothing it is given can touch files, network or this process."""
    if settings.backend == "bubblewrap":
        return _tool(lambda code: Ran(*run_boxed(code, settings.seconds)), _boxed_usage(), BOXES)
    sandbox = Sandbox(
        {
            "max_feed_duration_secs": settings.seconds,
            "max_memory": 50_000_000,
            "max_recursion_depth": 200,
            "max_suspensions": 100,  # an unknown name, module or file is one, and says so
        }
    )
    return _tool(lambda code: _in_monty(sandbox, code), USAGE)


def showing_last_value(code: str) -> str:
    """The code with its last line printed if that is an expression with a value; by the box, so that we never hold it.

    Code that this Python cannot read is left to the box to refuse.
    """
    code = code.replace("\r\n", "\n").replace("\r", "\n")  # as the parser counts lines
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return f"{code}\nNone"
    if not (body and isinstance(body[-1], ast.Expr)):
        return f"{code}\nNone"
    last = body[-1]
    lines = code.encode().split(b"\n")[: last.end_lineno]
    lines[-1] = lines[-1][: last.end_col_offset]  # a semicolon may follow
    line = lines[last.lineno - 1]
    lines[last.lineno - 1] = line[: last.col_offset] + b"_ = (" + line[last.col_offset :]
    text = b"\n".join(lines).decode()
    return f"{text}\n)\nif _ is not None:\n    print(f'{{_!r}}')\nNone"


def _tool(execute: Callable[[str], Ran], usage: str, places: Threads | None = None) -> BaseTool:
    def run(code: str) -> Output:
        fenced = _FENCE.fullmatch(code) if len(code) <= LONGEST else None
        code = fenced[1] if fenced else code
        if len(code) > LONGEST:
            raise ToolException(f"The code is too long: {len(code):,} characters, at most {LONGEST:,}.")
        ran = execute(showing_last_value(code.encode("utf-8", "replace").decode()))
        printed = ran.printed if len(ran.printed) <= SHOWN else f"{ran.printed[:SHOWN]}…\nThe rest is left out."
        if ran.error:
            raise ToolException(f"{printed}\n{ran.error}".strip())
        return Output(printed.rstrip() or "The code printed nothing and its last line has no value.", raw=printed)

    return library_tool("Code", DEFINITION, usage, run, slow=True, places=places)


def _in_monty(sandbox: Sandbox, code: str) -> Ran:
    from pydantic_monty import MontyError, MontyRuntimeError

    kept: list[str] = []

    def hear(text: str) -> None:
        if sum(map(len, kept)) <= SHOWN:
            kept.append(text)

    error = ""
    try:
        sandbox.run(code, hear)
    except MontyError as problem:
        frames = problem.traceback() if isinstance(problem, MontyRuntimeError) else []
        where = f"line {frames[-1].line}: " if frames else ""
        error = f"{where}{line_of(problem, 500)}"
    return Ran("".join(kept), error)


def _boxed_usage() -> str:
    from importlib.util import find_spec

    found = [name for name in PACKAGES if find_spec(name) is not None]
    return USAGE_BOXED.format(packages=", ".join(found) or "no package")
