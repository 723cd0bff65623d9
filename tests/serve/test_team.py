"""What callers may set: whatever is stricter than the team's own settings, by the names that the team has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autoact.core.errors import UserError
from autoact.graph.context import Context
from autoact.serve.team import ServedTeam

TeamWith = Callable[[Context], ServedTeam]
OWN = Context(max_steps=8, tool_timeout=5, tools=("Calculator",), approve_tools=("Calculator",))


@pytest.mark.parametrize(
    "given",
    [
        Context(),
        Context(max_steps=3, tool_timeout=1, temperature=1.5, seed=7, reflect=False),
        Context(approve_tools=("Calculator", "Finish")),
        Context(tools=("Calculator",), plan_model="reflect", task_prompt="Add, please."),
    ],
)
def test_a_caller_may_be_stricter(team_with: TeamWith, given: Context) -> None:
    team_with(OWN).check(given)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (Context(max_steps=9), "max_steps"),
        (Context(max_reflections=3), "max_reflections"),
        (Context(max_tokens=257), "max_tokens"),
        (Context(tool_timeout=6), "tool_timeout"),
        (Context(observation_tokens=1001), "observation_tokens"),
        (Context(tools=()), "tools"),
        (Context(tools=("Calculator", "Wait")), "tools"),
    ],
)
def test_a_caller_may_not_be_looser(team_with: TeamWith, given: Context, named: str) -> None:
    with pytest.raises(UserError, match=rf"settings\.{named}: must not be looser than this team's own"):
        team_with(OWN).check(given)


@pytest.mark.parametrize(
    "given", [Context(plan_model="openai:gpt"), Context(tools=("os.system",)), Context(approve_tools=("x",))]
)
def test_a_name_that_is_not_the_teams_is_refused(team_with: TeamWith, given: Context) -> None:
    with pytest.raises(UserError, match="is not one of this team's"):
        team_with(Context()).check(given)
