"""A model that keeps the form of a turn says the same when it is held to it; one that does not is made to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoact.core.task import load_task, read_questions
from autoact.graph.chameleon import chameleon
from autoact.graph.cot import cot
from autoact.graph.group import graph_of
from autoact.graph.react import react
from autoact.graph.rewoo import rewoo
from autoact.graph.run_folder import corpus_of, settings_of
from autoact.graph.setup import Setup
from autoact.models.load import close_model, load_model
from autoact.tools.library import build_tools

ATLAS = Path(__file__).parents[2] / "examples" / "atlas"


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    """Atlas's seed model in all three roles."""
    task = load_task(ATLAS / "task.yaml")
    model = load_model(task.model_spec())
    yield Setup(model, task.description, build_tools(task.tools, corpus_of(task)), settings_of(task))
    close_model(model)


@pytest.fixture(scope="module")
def graph(setup: Setup) -> Any:
    return graph_of(setup).compile()


def test_what_is_well_formed_by_itself_is_not_changed(graph: Any) -> None:
    for pair in read_questions(ATLAS / "dev.jsonl")[:4]:
        free, held = (graph.invoke({"question": pair.question}, context={"constrain": on}) for on in (False, True))
        assert free["steps"] == held["steps"]


def test_a_name_that_is_no_tool_cannot_be_said(graph: Any) -> None:
    known = {"Search", "Retrieve", "Lookup", "Finish", "Reflect"}
    held, loose = (
        {tool for seed in range(3, 9) for tool in _tools_named(graph, seed, constrain=on)} for on in (True, False)
    )
    assert held <= known | {""}  # a turn that is cut short names nothing
    assert not loose <= known


def _tools_named(graph: Any, seed: int, *, constrain: bool) -> Iterator[str]:
    hot = {"temperature": 2.0, "max_tokens": 80, "max_steps": 4, "seed": seed, "constrain": constrain}
    for step in graph.invoke({"question": "Which?"}, context=hot)["steps"]:
        yield step["tool"]


@pytest.mark.parametrize(
    ("build", "begins"), [(react, "Thought: "), (cot, "Thought: "), (chameleon, "Modules: "), (rewoo, "Plan: ")]
)
def test_the_first_turn_of_other_methods_is_held_too(setup: Setup, build: Any, begins: str) -> None:
    graph = build(setup).compile()
    held, loose = ([_first_turn(graph, seed, constrain=on) for seed in range(5, 9)] for on in (True, False))
    assert all(text.startswith(begins) for text in held)
    assert not all(text.startswith(begins) for text in loose)


def _first_turn(graph: Any, seed: int, *, constrain: bool) -> str:
    hot = {"temperature": 2.0, "max_tokens": 8, "max_steps": 1, "seed": seed, "constrain": constrain}
    parts = list(graph.stream({"question": "Which?"}, context=hot, stream_mode="messages"))
    first = parts[0][1]["langgraph_node"]
    return "".join(part.text for part, about in parts if about["langgraph_node"] == first).lstrip()
