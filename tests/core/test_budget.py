"""What stages spend, when they must stop, and what is left of it after a kill."""

from __future__ import annotations

from math import inf
from pathlib import Path
from time import monotonic

import pytest

from autoact.core.budget import Meter, Spending, Spent, cost_of
from autoact.core.errors import RunError
from autoact.core.learning import Budget
from autoact.core.progress import Silent


def meter(**limits: float) -> Meter:
    return Meter("play", Budget.model_validate(limits))


def test_a_stage_without_a_budget_never_stops() -> None:
    free = Meter()
    free.add(tokens=10**12, requests=10**12)
    assert (free.stop(), free.exhausted) == (False, "")


@pytest.mark.parametrize(("unit", "spent"), [("tokens", 100), ("requests", 7)])
def test_a_limit_stops_the_stage_when_it_is_reached(unit: str, spent: int) -> None:
    play = meter(**{unit: spent})
    play.add(**{unit: spent - 1})
    assert not play.stop()
    play.add(**{unit: 1})
    assert (play.stop(), play.exhausted) == (True, f"{spent} {unit}")


def test_time_runs_by_itself_from_what_was_spent_before() -> None:
    assert not meter(seconds=600).stop()
    late = Meter("play", Budget(seconds=600), Spent(seconds=600))
    assert (late.stop(), late.exhausted) == (True, "600 seconds")


def test_a_part_of_a_budget_is_spent_before_the_whole() -> None:
    play = meter(requests=30)
    play.add(requests=10)
    assert (play.stop(1 / 3), play.stop(2 / 3), play.exhausted) == (True, False, "")


def test_a_process_of_its_own_is_told_when_a_part_of_what_is_left_is_spent() -> None:
    begun = Meter("play", Budget(seconds=600), Spent(seconds=200))
    assert begun.until() - monotonic() == pytest.approx(400, abs=1)
    assert begun.until(1 / 2) - monotonic() == pytest.approx(100, abs=1)
    assert Meter("play").until() == inf


def test_large_limits_are_written_out() -> None:
    play = meter(tokens=12_000_000)
    play.add(tokens=12_000_000)
    assert play.exhausted == "12000000 tokens"


def test_records_on_disk_count_where_the_notes_know_of_less() -> None:
    play = meter(requests=5)
    play.add(requests=3, tokens=30)
    play.at_least(requests=5, tokens=20)
    assert (play.spent.requests, play.spent.tokens) == (5, 30)


def test_what_a_stage_spent_is_gone_on_from(tmp_path: Path) -> None:
    for _ in range(2):
        with Spending(tmp_path / "spent.json").stage("play", Silent()) as play:
            play.add(requests=2, tokens=5)
    assert Spending(tmp_path / "spent.json").spent("play") == Spent(0.0, 10, 4)


def test_what_was_spent_before_an_error_is_noted_and_the_stage_is_not_over(tmp_path: Path) -> None:
    def cut() -> None:
        with Spending(tmp_path / "spent.json", {"play": Budget(requests=1)}).stage("play", Silent()) as play:
            play.add(requests=2)
            assert play.stop()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut()
    assert Spending(tmp_path / "spent.json").spent("play") == Spent(requests=2)


def test_a_stage_that_its_budget_ended_stays_closed_though_the_budget_is_raised(tmp_path: Path) -> None:
    with Spending(tmp_path / "spent.json", {"play": Budget(requests=2)}).stage("play", Silent()) as play:
        play.add(requests=2)
        assert play.stop()
    with Spending(tmp_path / "spent.json", {"play": Budget(requests=99)}).stage("play", Silent()) as again:
        assert (again.stop(), again.exhausted, again.closed) == (True, "2 requests", "2 requests")


def test_a_stage_that_needed_all_of_its_budget_is_not_closed(tmp_path: Path) -> None:
    with Spending(tmp_path / "spent.json", {"play": Budget(requests=2)}).stage("play", Silent()) as play:
        assert not play.stop()
        play.add(requests=2)
    assert Spending(tmp_path / "spent.json").spent("play").closed == ""


def test_a_later_round_may_have_the_budget_of_the_first(tmp_path: Path) -> None:
    spending = Spending(tmp_path / "spent.json", {"play": Budget(requests=2)})
    for name in ("play", "play 01"):
        with spending.stage(name, Silent(), budget="play") as play:
            assert not play.stop()
            play.add(requests=2)
            assert play.stop()
    assert set(spending.seconds) == {"play", "play 01"}


@pytest.mark.parametrize("text", ["[]", '{"play": 3}', '{"play": {"seconds": "long"}}'])
def test_notes_that_are_none_are_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "spent.json").write_text(text)
    with pytest.raises(RunError, match=r"spent\.json does not say what was spent"):
        Spending(tmp_path / "spent.json")


def test_notes_are_made_while_the_stage_runs_but_not_of_every_play() -> None:
    for every, noted in ((0.0, [3, 4]), (60.0, [])):
        seen: list[Spent] = []
        play = Meter(note=seen.append, every=every)
        play.add(requests=3)
        play.add(requests=1)
        assert [spent.requests for spent in seen] == noted
        play.end()
        assert seen[-1].requests == 4


def test_the_cost_of_plays_is_that_of_all_roles() -> None:
    usage = {
        "plan": {"calls": 2, "input_tokens": 10, "output_tokens": 3},
        "tool": {"calls": 1, "input_tokens": 4, "output_tokens": 1, "shortened": 1},
    }
    assert cost_of(usage, usage) == {"tokens": 36, "requests": 6}
    assert cost_of() == {"tokens": 0, "requests": 0}
