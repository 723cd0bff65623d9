"""Case studies are chosen by rule, and part where the actions do."""

from __future__ import annotations

from collections.abc import Callable

from autoact.core.records import QAPair, Scored, Step
from autoact.eval.cases import cases, parting

Play = Callable[..., Scored]
PAIRS = [QAPair(name, "?", "x") for name in "abcdef"]
LIMA, PERU, DONE = Step("t", "Retrieve", "Lima"), Step("t", "Retrieve", "Peru"), Step("t", "Finish", "x")


def test_they_part_at_the_first_action_that_differs_whatever_was_thought() -> None:
    assert parting([LIMA, PERU], [Step("other words", "Retrieve", "Lima"), DONE]) == 1
    assert parting([LIMA], [PERU]) == 0
    assert parting([LIMA, PERU, DONE], [LIMA]) == 1
    assert parting([LIMA], [LIMA]) == 1


def test_the_largest_differences_come_first_then_the_shortest(play: Play) -> None:
    ours = [play("a", 0.5), play("b", 1, LIMA, DONE), play("c", 1, DONE), play("d", 0), play("e", 1), play("f", 0.2)]
    theirs = [play("a", 0), play("b", 0), play("c", 0), play("d", 1), play("e", 1), play("f", 0.5)]
    chosen = cases(ours, theirs, PAIRS, count=2)
    assert [case.pair.id for case in chosen] == ["c", "b", "d", "f"]
    assert [case.gap > 0 for case in chosen] == [True, True, False, False]


def test_ties_keep_the_benchmarks_order(play: Play) -> None:
    ours, theirs = [play(name, 1) for name in "fedcba"], [play(name, 0) for name in "abcdef"]
    assert [case.pair.id for case in cases(ours, theirs, PAIRS, count=3)] == ["a", "b", "c"]


def test_only_the_first_play_is_looked_at(play: Play) -> None:
    ours, theirs = [play("a", 0), play("a", 1, epoch=1)], [play("a", 0), play("a", 0, epoch=1)]
    assert cases(ours, theirs, PAIRS, count=1) == ()
