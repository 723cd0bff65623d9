"""Each failed play is in the one class that the documented order gives it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autoact.core.records import Scored, Step
from autoact.eval import taxonomy
from autoact.eval.taxonomy import CLASSES, failures, fault_of, faults
from autoact.graph.acting import action
from autoact.graph.context import Context
from autoact.graph.review import Pending

Play = Callable[..., Scored]
READ = Step("t", "Retrieve", "Lima", "Lima is the capital of Peru.")
LOOKED = Step("t", "Lookup", "river", "Lookup found nothing.", ok=False)
ANSWER = Step("t", "Finish", "Cusco")
DOUBT = Step("t", "Reflect", "wrong")


def told(tool: str, argument: str = "x", *before: Step) -> Step:
    """The step that the graph makes of an action that no tool runs."""
    fields = {"Retrieve": {"title": "str"}, "Route": {"start": "str", "end": "str"}}
    pending = Pending("t", tool, argument)
    outcome = action(pending, Context(), ("Retrieve", "Route"), fields, before).outcome
    return Step("t", tool, argument, outcome.text, outcome.ok)


UNKNOWN = told("Goggle")
NAMELESS = told("")
UNREADABLE = told("Route", "from here to there")
LOOP = told("Retrieve", "Lima", READ, READ)

PLAYS = [
    ("error", (), {"status": "error", "answer": "", "error": "BadRequest"}),
    ("malformed action", (READ, NAMELESS), {"status": "halted", "answer": ""}),
    ("malformed action", (READ, UNREADABLE), {"status": "halted", "answer": ""}),
    ("unknown tool", (READ, UNKNOWN, ANSWER), {}),
    ("loop", (READ, READ, LOOP), {"status": "halted", "answer": ""}),
    ("loop", (LOOKED, READ, LOOKED), {"status": "halted", "answer": ""}),
    ("tool error", (READ, LOOKED, ANSWER, DOUBT), {"status": "unsure"}),
    ("tool error", (LOOKED,), {"status": "halted", "answer": ""}),
    ("over budget", (LOOKED, READ), {"status": "halted", "answer": ""}),
    ("over budget", (READ, ANSWER, DOUBT, READ), {"status": "halted", "answer": "Cusco"}),
    ("over budget", (), {"status": "halted", "answer": "", "error": "too long"}),
    ("no answer", (READ, ANSWER), {"answer": " "}),
    ("wrong answer", (READ, ANSWER), {}),
    ("wrong answer", (READ, READ, LOOP, ANSWER), {}),
]


@pytest.mark.parametrize(("name", "steps", "more"), PLAYS)
def test_a_failed_play_is_in_one_class(name: str, steps: tuple[Step, ...], more: dict[str, str], play: Play) -> None:
    counts = failures([play("q", 0.5, *steps, **more)])
    assert counts == {each: int(each == name) for each in CLASSES}


def test_a_right_play_is_no_failure_whatever_its_steps(play: Play) -> None:
    assert sum(failures([play("q", 1, UNKNOWN, LOOKED, ANSWER)]).values()) == 0


def test_the_faults_of_steps_are_counted_over_all_plays(play: Play) -> None:
    played = [play("a", 1, UNKNOWN, READ, ANSWER), play("b", 0, NAMELESS, LOOKED, LOOKED, LOOP, DOUBT)]
    assert faults(played) == {"malformed action": 1, "unknown tool": 1, "loop": 1, "tool error": 2}


def test_a_page_that_speaks_like_the_graph_is_no_fault() -> None:
    assert fault_of(Step("t", "Retrieve", "x", UNKNOWN.observation)) == ""
    assert fault_of(Step("t", "Retrieve", "x", UNKNOWN.observation, ok=False)) == "tool error"


def test_the_order_in_the_description_is_that_of_the_classes() -> None:
    told_of = [line.strip() for line in (taxonomy.__doc__ or "").splitlines()]
    listed = [name for line in told_of for name in CLASSES if line.startswith(f"{name}  ")]
    assert listed == list(CLASSES)
