"""What a question costs, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autoact.core.records import Scored, Step
from autoact.eval.costs import Latency, Spent, costs_of, latency, total_usage

Play = Callable[..., Scored]
STEPS = (Step("t", "Retrieve", "x", "o"), Step("t", "Finish", "a"), Step("t", "Reflect", "right"))


def test_rounds_calls_and_tokens_are_means_over_plays(play: Play) -> None:
    plan = {"plan": {"calls": 2, "input_tokens": 10, "output_tokens": 4}}
    both = {**plan, "reflect": {"calls": 1, "input_tokens": 7}}
    costs = costs_of([play("a", 1, *STEPS, usage=both), play("b", 0, *STEPS[:2], usage=plan)])
    assert (costs.rounds, costs.reflections, costs.calls, costs.tokens) == (2, 0.5, 2.5, 17.5)
    assert costs.roles == {"plan": Spent(2, 10, 4), "reflect": Spent(0.5, 3.5, 0)}
    assert costs.usage["plan"] == {"calls": 4, "input_tokens": 20, "output_tokens": 8}


def test_latency_is_of_the_plays_that_were_timed(play: Play) -> None:
    assert costs_of([play("a"), play("b", seconds=2.0), play("c", seconds=4.0)]).latency == Latency(3, 2, 4)
    assert costs_of([play("a")]).latency is None


def test_percentiles_are_values_that_occurred() -> None:
    assert latency([float(n) for n in range(100, 0, -1)]) == Latency(50.5, 50, 95)


def test_usage_is_summed_over_roles_that_differ() -> None:
    got = total_usage([{"plan": {"calls": 1}}, {}, {"plan": {"calls": 2, "x": 1}, "tool": {"calls": 1}}])
    assert got == {"plan": {"calls": 3, "x": 1}, "tool": {"calls": 1}}


def test_nothing_played_has_no_cost() -> None:
    with pytest.raises(ValueError, match="nothing was played"):
        costs_of([])
