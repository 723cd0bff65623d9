"""A model that keeps the form of a turn says the same when it is held to it; one that does not is made to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoact.core.task import load_task, read_questions
from autoact.graph.group import group_planning
from autoact.graph.run_folder import corpus_of, settings_of
from autoact.models.load import close_model, load_model
from autoact.tools.library import build_tools

ATLAS = Path(__file__).parents[2] / "examples" / "atlas"


@pytest.fixture(scope="module")
def graph() -> Iterator[Any]:
    """Atlas's seed model in all three roles."""
    task = load_task(ATLAS / "task.yaml")
    model = load_model(task.model_spec())
    yield group_planning(model, build_tools(task.tools, corpus_of(task)), task.description, settings_of(task)).compile()
    close_model(model)


def test_what_is_well_formed_by_itself_is_not_changed(graph: Any) -> None:
    for pair in read_questions(ATLAS / "dev.jsonl")[:4]:
        free, held = (graph.invoke({"question": pair.question}, context={"constrain": on}) for on in (False, True))
        assert free["steps"] == held["steps"]


def test_a_name_that_is_no_tool_cannot_be_said(graph: Any) -> None:
    hot = {"temperature": 2.0, "max_tokens": 80, "max_steps": 4, "seed": 3}
    question = {"question": "Which?"}
    known = {"Search", "Retrieve", "Lookup", "Finish", "Reflect"}
    held = {step["tool"] for step in graph.invoke(question, context=hot | {"constrain": True})["steps"]}
    loose = {step["tool"] for step in graph.invoke(question, context=hot)["steps"]}
    assert held <= known | {""}  # a turn that is cut short names nothing
    assert not loose <= known
