"""Preferences from kept and failed plays: the same chat, and the better turn chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoact.agents import plan, reflect, tool
from autoact.core.learning import LearnConfig
from autoact.core.records import Preference, QAPair, Reward, Scored, Step, ToolCard, Trajectory
from autoact.core.store import Store
from autoact.models.chat_format import as_chat
from autoact.prompts.render import Brief
from autoact.training.examples import is_held_out, save
from autoact.training.pairs import PER_QUESTION, role_pairs

BRIEF = Brief("Say who the mayor is.", (ToolCard("Retrieve", "Opens a page.", "a title"), ToolCard("Finish", "", "")))
CONFIG = LearnConfig(held_out=0.3)
OPEN = Step("I open Ash.", "Retrieve", "Ash", "Ash is a town. Its mayor is Ada.")
RIGHT = Step("It is said.", "Finish", "Ada")
YES, NO = Step("I read it.", "Reflect", "right"), Step("I doubt it.", "Reflect", "wrong")


def a_question(held_out: bool = False, after: int = 0) -> QAPair:
    """A question that is, or is not, held out."""
    numbers = (n for n in range(after, 1000) if is_held_out(f"q{n}", CONFIG.held_out, CONFIG.seed) == held_out)
    return QAPair(f"q{next(numbers)}", "Who is the mayor of Ash?", "Ada")


Q = a_question()


def play(*steps: Step, sample: int = 0, question: QAPair = Q, **changes: Any) -> Scored:
    answer = next((step.argument for step in reversed(steps) if step.tool == "Finish"), "")
    made = Trajectory(f"{question.id}/{sample}", question.id, steps, answer, "answered", **changes)
    return Scored(made, Reward(float(answer == question.answer), answer == question.answer))


def pairs_of(*plays: Scored, questions: tuple[QAPair, ...] = (Q,), kept: Any = None) -> dict[str, list[Preference]]:
    fine = [s for s in plays if s.reward.value == 1] if kept is None else kept
    return role_pairs(BRIEF, questions, plays, fine, CONFIG)


def chat(pair: Preference) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in pair.prompt]


def test_plans_that_part_make_a_pair_after_the_chat_that_the_plan_agent_is_sent() -> None:
    guess = Step("I guess.", "Finish", "Ada")
    failed = play(OPEN, replace(guess, argument="Bob"), NO, sample=1)
    [pair] = pairs_of(play(OPEN, RIGHT, YES), failed)["plan"]
    assert chat(pair) == as_chat(plan.ask(BRIEF, Q.shown(), [OPEN]))
    assert pair.chosen == "Thought: It is said.\nAction: Finish"
    assert pair.rejected == "Thought: I guess.\nAction: Finish"
    assert pair.id == f"{Q.id}/1/{len(pair.prompt)}"


def test_inputs_that_part_make_a_pair_after_the_chat_that_the_tool_agent_is_sent() -> None:
    failed = play(replace(OPEN, argument="Oak", observation="Oak is a town."), RIGHT, YES, sample=1)
    failed = replace(failed, trajectory=replace(failed.trajectory, answer="Bob"))
    made = pairs_of(play(OPEN, RIGHT, YES), failed)
    [pair] = made["tool"]
    assert chat(pair) == as_chat(tool.ask(BRIEF, Q.shown(), [], OPEN.thought, "Retrieve"))
    assert (pair.chosen, pair.rejected) == ("Ash", "Oak")
    assert made["plan"] == []


def test_a_plan_after_a_doubt_is_paired_after_the_request_to_try_again() -> None:
    wrong = replace(RIGHT, argument="Bob")
    again = Step("I give up.", "Finish", "Bob")
    [pair] = pairs_of(play(OPEN, wrong, NO, RIGHT, YES), play(OPEN, wrong, NO, again, NO, sample=1))["plan"]
    assert chat(pair) == as_chat(plan.ask(BRIEF, Q.shown(), [OPEN, wrong, NO]))


def test_observations_that_part_are_nobodys_doing() -> None:
    failed = play(replace(OPEN, observation="The page is gone."), Step("So what.", "Finish", "Bob"), sample=1)
    made = pairs_of(play(OPEN, RIGHT), failed)
    assert made["plan"] == made["tool"] == []


def test_a_failed_play_is_set_against_the_kept_one_that_it_went_along_with_for_longest() -> None:
    far = play(replace(OPEN, thought="Where to?"), RIGHT, YES)
    near = play(OPEN, RIGHT, YES, sample=1)
    [pair] = pairs_of(far, near, play(OPEN, Step("I guess.", "Finish", "Bob"), sample=2))["plan"]
    assert pair.chosen == "Thought: It is said.\nAction: Finish"
    assert OPEN.observation in pair.prompt[-1].content


def test_a_turn_that_another_play_of_reward_one_took_as_well_is_not_rejected() -> None:
    kept, also = play(replace(OPEN, thought="Where to?"), RIGHT), play(OPEN, RIGHT, sample=1)
    failed = play(OPEN, Step("I guess.", "Finish", "Bob"), sample=2)
    assert len(pairs_of(kept, failed, kept=[kept])["plan"]) == 1
    assert pairs_of(kept, also, failed, kept=[kept])["plan"] == []


def test_a_play_that_failed_by_a_models_failure_or_on_a_shortened_prompt_is_no_evidence() -> None:
    kept, guess = play(OPEN, RIGHT, YES), Step("I guess.", "Finish", "Bob")
    short = play(OPEN, guess, sample=1, usage={"plan": {"shortened": 1}})
    broken = play(OPEN, guess, sample=2)
    broken = replace(broken, trajectory=replace(broken.trajectory, status="error"))
    assert pairs_of(kept, short, broken) == pairs_of(kept)


def test_a_false_verdict_is_set_against_a_true_one_after_the_same_chat() -> None:
    wrong = replace(RIGHT, argument="Bob")
    made = pairs_of(play(OPEN, wrong, YES), play(OPEN, wrong, NO, sample=1), play(OPEN, RIGHT, YES, sample=2))
    pair = made["reflect"][-1]
    assert chat(pair) == as_chat(reflect.ask(BRIEF, Q.shown(), [OPEN, wrong]))
    assert pair.chosen == "Thought: I doubt it.\nVerdict: wrong"
    assert pair.rejected == "Thought: I read it.\nVerdict: right"


def test_a_false_verdict_that_stands_alone_is_set_against_itself_with_the_truth() -> None:
    made = pairs_of(play(OPEN, replace(RIGHT, argument="Bob"), YES), play(OPEN, RIGHT, YES, sample=1))
    assert made["reflect"][-1].chosen == "Thought: I read it.\nVerdict: wrong"
    assert made["reflect"][-1].rejected == "Thought: I read it.\nVerdict: right"


def test_right_and_wrong_are_chosen_equally_often_or_not_at_all() -> None:
    false = [play(OPEN, Step(f"Guess {n}.", "Finish", f"Bob {n}"), YES, sample=n) for n in range(3)]
    made = pairs_of(*false, play(OPEN, RIGHT, YES, sample=3))["reflect"]
    assert [pair.chosen.splitlines()[-1] for pair in made] == ["Verdict: right", "Verdict: wrong"]
    assert pairs_of(*false)["reflect"] == []


def test_a_reply_without_a_verdict_is_left_alone() -> None:
    said_nothing = play(OPEN, replace(RIGHT, argument="Bob"), replace(YES, argument="", ok=False))
    assert pairs_of(said_nothing, play(OPEN, RIGHT, YES, sample=1))["reflect"] == []


def test_held_out_questions_and_ones_that_are_not_given_bring_nothing() -> None:
    hidden = a_question(held_out=True)
    guess = Step("I guess.", "Finish", "Bob")
    plays = [play(OPEN, RIGHT, YES, question=hidden), play(OPEN, guess, YES, sample=1, question=hidden)]
    none: dict[str, list[Preference]] = {"plan": [], "tool": [], "reflect": []}
    assert pairs_of(*plays, questions=(hidden,)) == none
    assert pairs_of(*plays, questions=()) == none


def test_one_question_brings_no_more_than_so_many_pairs_and_none_twice() -> None:
    failed = [play(OPEN, Step(f"Guess {n // 2}.", "Finish", "Bob"), sample=n + 1) for n in range(40)]
    made = pairs_of(play(OPEN, RIGHT), *failed)["plan"]
    assert len(made) == len({pair.rejected for pair in made}) == PER_QUESTION


def test_an_answer_that_verification_replaced_says_what_failed() -> None:
    plays = play(OPEN, RIGHT, YES), play(OPEN, Step("I guess.", "Finish", "Bob"), YES, sample=1)
    [pair] = pairs_of(*plays, questions=(replace(Q, answer="Bob"),), kept=[plays[1]])["plan"]
    assert pair.chosen == "Thought: I guess.\nAction: Finish"


@pytest.mark.parametrize("seed", [0, 1])
def test_pairs_are_the_same_each_time_and_on_disk(tmp_path: Any, seed: int) -> None:
    more = [a_question(after=number) for number in range(20, 400, 20)]
    plays = [play(OPEN, Step("G.", "Finish", a), YES, sample=n, question=q) for q in more for n, a in enumerate("xy")]
    plays += [play(OPEN, RIGHT, YES, sample=2, question=q) for q in more]
    config = CONFIG.model_copy(update={"seed": seed})
    first, again = (role_pairs(BRIEF, more, plays, [], config)["reflect"] for _ in range(2))
    assert first == again
    assert len({pair.id for pair in first}) == len(first) > 0
    save(tmp_path / "reflect.pairs.jsonl", Preference, first)
    assert list(Store(tmp_path / "reflect.pairs.jsonl", Preference)) == first
