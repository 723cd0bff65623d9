"""A question is played step by step, and every turn is shown with who wrote it."""

from __future__ import annotations

import pytest

from autoact.cli.ask import print_step, turns_of, watch
from autoact.cli.display import console
from autoact.core.errors import EndpointError
from autoact.core.records import ROLES, Question, Step
from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.library import build_tools


def planner(plan: list[str], tool: list[str], reflect: list[str]) -> Planner:
    """A team of three scripted agents, each named after its role."""
    scripts = dict(zip(ROLES, (plan, tool, reflect), strict=True))
    models = {role: ScriptedChatModel(replies=said, model_name=f"{role}-1a2b") for role, said in scripts.items()}
    return group_planning(models, build_tools(("Calculator",), None), "Answer.").compile()


def test_steps_are_seen_as_they_end_and_name_who_wrote_them() -> None:
    team = planner(
        ["Thought: I count.\nAction: Calculator", "Thought: So 5.\nAction: Finish"],
        ["2+3", "5"],
        ["Thought: It is.\nVerdict: right"],
    )
    seen: list[Step] = []
    trajectory = watch(team, Question("2+3?"), Context(), seen.append)
    assert (trajectory.answer, trajectory.status) == ("5", "answered")
    assert trajectory.steps == tuple(seen)
    assert [dict(step.wrote) for step in seen] == [
        {"plan": "plan-1a2b", "tool": "tool-1a2b"},
        {"plan": "plan-1a2b", "tool": "tool-1a2b"},
        {"reflect": "reflect-1a2b"},
    ]


def test_a_failed_model_is_an_error() -> None:
    with pytest.raises(EndpointError, match="RuntimeError"):
        watch(planner([], [], []), Question("2+3?"), Context(), lambda _: None)


def test_a_step_is_printed_with_its_writers_and_hostile_text_is_harmless() -> None:
    wrote = {"plan": "plan-1a2b", "tool": "tool-3c4d"}
    screen = console()
    with screen.capture() as caught:
        print_step(screen, Step("I [bold]look", "Search", "Lima", "found \x1b]0;owned\x07", wrote=wrote))
    lines = [line.split() for line in caught.get().splitlines()]
    assert lines == [
        ["plan", "plan-1a2b", "I", "[bold]look", "→", "Search"],
        ["tool", "tool-3c4d", "Lima"],
        ["observation", "found", "\\x1b]0;owned\\x07"],
    ]


def test_turns_without_an_action_or_a_verdict_say_so() -> None:
    assert turns_of(Step("hm", "", "", "Write an action.")) == [
        ("plan", "hm → no action"),
        ("observation", "Write an action."),
    ]
    assert turns_of(Step("hm", "Reflect", "")) == [("reflect", "hm → no verdict")]
