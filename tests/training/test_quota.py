"""How many questions one answer may have."""

from __future__ import annotations

from autoact.core.records import QAPair
from autoact.training.quota import Quota, answer_key


def pair(answer: str, *choices: str) -> QAPair:
    return QAPair("1", "Which?", answer, choices)


def kept(quota: Quota, answers: list[str]) -> int:
    """How many of the answers there is room for, in turn."""
    count = 0
    for each in map(pair, answers):
        if not quota.full(each):
            quota.add(each)
            count += 1
    return count


def quota_of(wanted: int, answers: int = 1000, share: float = 0.1) -> Quota:
    quota = Quota(share, wanted)
    quota.widen(pair(f"answer {number}") for number in range(answers))
    return quota


def test_an_answer_has_its_share_and_no_more() -> None:
    assert kept(quota_of(300), ["Lima"] * 50) == 30


def test_a_second_yes_is_kept_and_yes_may_have_half() -> None:
    assert kept(quota_of(300), ["yes"] * 200) == kept(quota_of(300), ["False."] * 200) == 150
    assert kept(quota_of(300), ["yes", "no"] * 200) == 300


def test_a_tiny_run_may_have_an_answer_twice() -> None:
    assert kept(quota_of(5), ["Lima"] * 5) == 2


def test_few_answers_may_have_more_each_but_not_all() -> None:
    quota = Quota(0.1, 300)
    quota.widen(map(pair, ["happy", "sad", "neither"]))
    assert kept(quota, ["happy"] * 300) == 150


def test_answers_that_were_dropped_in_an_earlier_round_leave_no_trace() -> None:
    one, gone_on_with = quota_of(300, answers=5), Quota(0.1, 300)
    for quota in (one, gone_on_with):
        quota.widen([pair("Lima")])
    assert one.limit(pair("Lima")) == gone_on_with.limit(pair("Lima"))


def test_a_place_among_the_choices_may_have_half_however_it_is_named() -> None:
    quota = quota_of(10)
    for answer in ("gas", "A", "(a)", "gas", "A. gas"):
        quota.add(pair(answer, "gas", "ice"))
    assert quota.full(pair("air", "air", "ice"))
    assert not quota.full(pair("B", "gas", "ice"))


def test_answers_are_the_same_but_for_case_articles_and_punctuation() -> None:
    assert answer_key(pair("The Amazon.")) == answer_key(pair("amazon"))
    assert answer_key(pair("A")) == "a"


def test_a_share_of_all_is_no_quota() -> None:
    assert kept(quota_of(300, share=1.0), ["Lima"] * 300) == 300
