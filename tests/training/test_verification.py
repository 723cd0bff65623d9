"""Which written answers hold, by what the plays of their questions say."""

from __future__ import annotations

import pytest

from autoact.core.learning import LearnConfig
from autoact.core.records import QAPair, Reward, Scored, Status, Step, Trajectory, from_json, to_json
from autoact.training.verification import Verified, chance, counts, lower_bound, truths, verify

READ = Step("t", "Retrieve", "Peru", "Peru is a country.")
ASKED = QAPair("q", "What is the currency of Peru?", "sol")
CLOSED = QAPair("q", "Is Lima in Peru?", "yes")
CHOICE = QAPair("q", "What is ice?", "B", choices=("gas", "solid", "fluid", "plasma"))


def play(answer: str, *steps: Step, question: str = "q", status: Status = "answered") -> Scored:
    trajectory = Trajectory(
        f"{question}/x", question, (*(steps or (READ,)), Step("t", "Finish", answer)), answer, status
    )
    return Scored(trajectory, Reward(0, False))


def verdict(pair: QAPair, *answers: str, verify_by: int = 2, replace: bool = True, samples: int = 8) -> Verified:
    config = LearnConfig(verify=verify_by, replace_answers=replace, samples=samples)
    (found,) = verify(config, [pair], [play(answer) for answer in answers])
    return found


def test_an_answer_that_enough_plays_come_to_is_confirmed_however_they_spell_it() -> None:
    found = verdict(ASKED, "the sol", "Sol.", "peso")
    assert (found.verdict, found.answer, found.votes) == ("confirmed", "sol", {"sol": 2, "peso": 1})
    assert found.confidence == pytest.approx(2 / 3, abs=0.001)
    assert found.lower == pytest.approx(0.208, abs=0.001)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["sol", "peso"], ("unanswerable", "sol")),
        ([], ("unanswerable", "sol")),
        (["Inti", "inti", "inti", "sol", "sol"], ("replaced", "inti")),
        (["inti", "inti", "sol", "sol"], ("confirmed", "sol")),
        (["inti", "inti", "peso", "peso"], ("disputed", "sol")),
        (["inti", "inti", "peso", "peso", "peso"], ("replaced", "peso")),
    ],
)
def test_another_answer_that_more_plays_come_to_replaces_it(answers: list[str], outcome: tuple[str, str]) -> None:
    found = verdict(ASKED, *answers)
    assert (found.verdict, found.answer, found.written) == (*outcome, "sol")


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["inti"] * 3 + ["sol"] * 2, "confirmed"),
        (["inti"] * 3 + ["sol"], "disputed"),
        (["inti", "sol"], "unanswerable"),
    ],
)
def test_unless_answers_may_be_replaced_a_written_one_needs_its_plays_and_no_more(
    answers: list[str], outcome: str
) -> None:
    assert verdict(ASKED, *answers, replace=False).verdict == outcome


@pytest.mark.parametrize("pair", [ASKED, CLOSED])
def test_without_verification_and_with_one_sample_answers_stay_as_written(pair: QAPair) -> None:
    for found in (verdict(pair, "no", "no", verify_by=0), verdict(pair, "no", samples=1)):
        assert (found.verdict, found.answer, found.holds) == ("unchecked", pair.answer, True)


def test_more_plays_than_there_are_samples_are_not_asked_for() -> None:
    assert verdict(ASKED, "sol", "sol", verify_by=5, samples=2).verdict == "confirmed"


@pytest.mark.parametrize(
    "played",
    [
        play("sol", Step("t", "Retrieve", "Peru", "No page.", ok=False)),
        play("sol", Step("t", "Reflect", "wrong", "told")),
        play("sol", Step("t", "Retrieve", "Peru", "(no output)")),
        play("sol", status="halted"),
        play("sol", status="error"),
        play(""),
        play("..."),
        play("sol", question="another"),
    ],
)
def test_a_play_counts_only_when_it_ended_with_an_answer_and_a_tool_told_it_something(played: Scored) -> None:
    config = LearnConfig(verify=1)
    (found,) = verify(config, [ASKED], [played])
    assert (found.verdict, found.votes) == ("unanswerable", {})


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["yes", "yes"], "confirmed"),
        (["yes"], "lucky"),
        (["yes", "yes", "yes", "no"], "lucky"),
        (["yes", "yes", "yes", "yes", "no"], "confirmed"),
        (["no", "no"], "replaced"),
        (["no", "no", "no", "yes"], "lucky"),
    ],
)
def test_yes_and_no_must_be_agreed_on_beyond_luck(answers: list[str], outcome: str) -> None:
    assert verdict(CLOSED, *answers, verify_by=1).verdict == outcome


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["(B)", "solid"], "confirmed"),
        (["B"], "lucky"),
        (["B", "B", "A", "A"], "lucky"),
        (["B", "B", "A"], "confirmed"),
    ],
)
def test_choices_are_counted_by_what_they_name_and_must_be_beyond_luck_too(answers: list[str], outcome: str) -> None:
    assert verdict(CHOICE, *answers, verify_by=1).verdict == outcome


@pytest.mark.parametrize(
    ("observations", "outcome"),
    [
        (["Ice is a solid."], "confirmed"),
        (["Steam is a gas.", "Ice is a solid.", "Snow falls."], "confirmed"),
        (["Ice is a solid.", "Steam is a gas."], "lucky"),
        (["A solid is no gas."], "lucky"),
        (["Solidarity."], "lucky"),
    ],
)
def test_a_choice_that_a_tool_told_at_last_and_alone_is_not_luck(observations: list[str], outcome: str) -> None:
    steps = [Step("t", "Retrieve", text, text) for text in observations]
    (found,) = verify(LearnConfig(samples=4), [CHOICE], [play("B", *steps), play("A"), play("C")])
    assert found.verdict == outcome


def test_a_choice_that_a_failed_tool_names_is_luck() -> None:
    failed = Step("t", "Retrieve", "ice", "No page solid.", ok=False)
    (found,) = verify(LearnConfig(samples=4), [CHOICE], [play("B", READ, failed)])
    assert found.verdict == "lucky"


def test_a_choice_that_replaces_another_is_given_by_its_text() -> None:
    found = verdict(CHOICE, "(C)", "C", "fluid")
    assert (found.verdict, found.answer, found.votes) == ("replaced", "fluid", {"fluid": 3})


def test_the_truths_are_the_questions_that_hold_with_the_answer_that_does() -> None:
    other, third = QAPair("r", "Q?", "old"), QAPair("s", "Q?", "old")
    plays = [play("sol"), play("sol"), play("new", question="r"), play("new", question="r")]
    verified = verify(LearnConfig(verify=2, samples=2, replace_answers=True), [ASKED, other, third], plays)
    assert [(pair.id, pair.answer) for pair in truths([ASKED, other, third], verified)] == [("q", "sol"), ("r", "new")]
    assert counts(verified) == {"confirmed": 1, "replaced": 1, "unanswerable": 1}


def test_what_is_verified_is_a_record() -> None:
    found = verdict(ASKED, "sol", "sol", "inti")
    assert from_json(Verified, to_json(found)) == found


def test_the_chance_of_guessing_is_a_binomial_tail_and_the_lower_bound_wilsons() -> None:
    assert chance(3, 4, 2) == pytest.approx(5 / 16)
    assert chance(2, 2, 4) == pytest.approx(1 / 16)
    assert lower_bound(8, 10) == pytest.approx(0.490, abs=0.001)
    assert lower_bound(0, 0) == 0
