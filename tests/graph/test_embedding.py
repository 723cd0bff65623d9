"""docs/embedding.md, run: every program of the page, and what stands behind `→` is what it gives."""

from __future__ import annotations

import ast
import io
import os
import re
import runpy
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text("utf-8")
TEAM, *SECTIONS = re.split("^(?=## )", PAGE, flags=re.MULTILINE)
BY_TITLE = {section.splitlines()[0].removeprefix("## "): section for section in SECTIONS}
POSTGRES = "Postgres"
SHOWN = "# → "


def blocks(section: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def checked(code: str) -> str:
    """The code, with each line that shows its value made a check of it."""
    return ast.unparse(ast.fix_missing_locations(Checks(code).visit(ast.parse(code))))


class Checks(ast.NodeTransformer):
    """Turns `value  # → shown` into `assert repr(value) == shown`."""

    def __init__(self, code: str) -> None:
        tokens = tokenize.generate_tokens(io.StringIO(code).readline)
        comments = [token for token in tokens if token.type == tokenize.COMMENT and token.string.startswith(SHOWN)]
        self.shown = {token.start[0]: token.string.removeprefix(SHOWN) for token in comments}

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        shown = self.shown.get(node.end_lineno or 0)
        if shown is None:
            return node
        value = ast.unparse(node.value)
        return ast.parse(f"assert (given := repr({value})) == {shown!r}, {value!r} + ' gives ' + given").body[0]


def run(section: str, folder: Path, **environment: str) -> None:
    """The section's blocks after the team's, in order; one that begins with the name of a file in a process."""
    (team,) = blocks(TEAM)
    names: dict[str, Any] = {}
    exec(team, names)
    for block in blocks(section):
        if program := re.match(r"# (\w+\.py)\n", block):
            (folder / program[1]).write_text(f"{team}\n{checked(block)}", "utf-8")
            command = [sys.executable, "-W", "error", program[1]]
            ran = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)
            assert ran.returncode == 0, ran.stderr
            assert not ran.stderr
        else:
            exec(checked(block), names)


def test_what_a_line_gives_is_compared_with_what_the_page_shows() -> None:
    exec(checked("1 + 1  # → 2"))
    with pytest.raises(AssertionError, match="gives 2"):
        exec(checked("(1 +\n 1)  # → 3"))


def test_the_page_shows_what_each_of_its_sections_gives() -> None:
    shown = {title: section.count(SHOWN) for title, section in BY_TITLE.items()}
    assert len(shown) == 9
    assert all(shown.values())


@pytest.mark.parametrize("title", [title for title in BY_TITLE if title != POSTGRES])
def test_the_programs_of_the_page_give_what_it_shows(title: str, tmp_path: Path) -> None:
    run(BY_TITLE[title], tmp_path, LANGGRAPH_STRICT_MSGPACK="true")


@pytest.mark.long
def test_the_programs_for_postgres_give_what_the_page_shows(tmp_path: Path) -> None:
    with runpy.run_path(str(Path(__file__).parents[1] / "postgres.py"))["server"]() as url:
        run(BY_TITLE[POSTGRES], tmp_path, LANGGRAPH_STRICT_MSGPACK="true", DATABASE=url)
