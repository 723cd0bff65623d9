"""Every word that a model reads is in a template, and every template is read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.prompts.template import fill

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = {path.stem for path in (ROOT / "prompts" / "templates").iterdir()}


def filled_in(source: str) -> set[str]:
    """The names that a module's text calls `fill` or `brief.say` with."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    named = [call.args[0] for call in calls if ast.unparse(call.func) in {"fill", "brief.say"}]
    return {str(name.value) for name in named if isinstance(name, ast.Constant)}


def test_every_template_is_used_and_every_used_one_exists() -> None:
    rooms = [path.parent for path in ROOT.glob("*/__init__.py")]
    sources = [file.read_text() for room in rooms for file in room.rglob("*.py")]
    assert set().union(*map(filled_in, sources)) == TEMPLATES


@pytest.mark.parametrize("values", [{}, {"observation": "x", "tool": "y"}, {"tool": "y"}])
def test_a_missing_or_an_extra_blank_is_an_error(values: dict[str, str]) -> None:
    with pytest.raises(KeyError, match=r"template observation has the blanks \['observation'\]"):
        fill("observation", **values)


def test_a_template_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        fill("nope")


@given(st.text())
def test_a_value_is_put_in_as_it_is(text: str) -> None:
    assert fill("observation", observation=text) == f"Observation: {text}"


def test_braces_in_a_value_open_no_blank() -> None:
    assert fill("plan_turn", thought="{tool} {0} {", tool="Search") == "Thought: {tool} {0} {\nAction: Search"
