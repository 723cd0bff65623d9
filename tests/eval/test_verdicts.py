"""Verdicts are held against the gold answer, first ones apart from all."""

from __future__ import annotations

from collections.abc import Callable

from autoact.core.records import QAPair, Scored, Step
from autoact.eval.verdicts import Judged, judged_by

Play = Callable[..., Scored]
PAIRS = [QAPair(name, "?", "Lima") for name in "abcd"]


def answer(text: str) -> Step:
    return Step("t", "Finish", text)


def verdict(word: str) -> Step:
    return Step("t", "Reflect", word, ok=bool(word))


def test_shares_are_those_worked_out_by_hand(play: Play) -> None:
    played = [
        play("a", 1, answer("Cusco"), verdict("wrong"), answer("Lima"), verdict("right")),  # caught, and mended
        play("b", 0, answer("Lima"), verdict("wrong"), answer("Cusco"), verdict("right")),  # a false alarm, and missed
        play("c", 0, answer("Cusco"), verdict("right")),
        play("d", 1, answer("Lima"), verdict("")),
    ]
    judged = judged_by(played, PAIRS)
    assert judged is not None
    assert judged.first == Judged(4, 2, 2, precision=0.5, recall=0.5, false_alarms=0.5, unreadable=1)
    assert judged.every == Judged(6, 3, 3, precision=0.5, recall=1 / 3, false_alarms=1 / 3, unreadable=1)


def test_a_share_of_nothing_is_none(play: Play) -> None:
    judged = judged_by([play("a", 1, answer("Lima"), verdict("right"))], PAIRS)
    assert judged is not None
    assert (judged.first.precision, judged.first.recall, judged.first.false_alarms) == (None, None, 0)


def test_a_partly_right_answer_is_wrong(play: Play) -> None:
    judged = judged_by([play("a", 0.67, answer("Lima city"), verdict("wrong"))], PAIRS)
    assert judged is not None
    assert judged.first.precision == 1


def test_a_verdict_on_no_answer_is_not_counted(play: Play) -> None:
    assert judged_by([play("a", 0, Step("t", "Retrieve", "x"), verdict("wrong"))], PAIRS) is None


def test_a_method_that_judges_nothing_has_no_reflection(play: Play) -> None:
    assert judged_by([play("a", 1, answer("Lima"))], PAIRS) is None
