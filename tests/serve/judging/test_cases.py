"""What judges are shown is read from an evaluation; what cannot be judged is a line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoact.core.errors import UserError
from autoact.core.records import Reward, Scored, Step, Trajectory
from autoact.core.store import Store
from autoact.serve.judging.cases import drawn_poll, lettered, load_cases, trial_in

BOTH = ("autoact", "react")
COUNTRIES = ("peru", "cuba", "chad", "mali")


def test_a_run_that_holds_one_evaluation_stands_for_it(trial: Path) -> None:
    assert trial_in(trial) == trial
    assert trial_in(trial.parents[1]) == trial


def test_a_run_that_holds_more_names_them(trial: Path) -> None:
    shutil.copytree(trial, trial.with_name("toy-3c4d"))
    with pytest.raises(UserError, match=r"has 2 evaluations; give one of them: .*toy-1a2b, .*toy-3c4d"):
        trial_in(trial.parents[1])


def test_any_other_folder_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no evaluation: give a folder RUN/eval/…"):
        trial_in(tmp_path)


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        (("autoact", "nope"), "no trajectories of 'nope' in .*; it has autoact, react, zero-shot"),
        (("autoact", "../x"), "no trajectories of '../x'"),
        (("autoact", "questions"), "no trajectories of 'questions'"),
        (("autoact",), "name between 2 and 26 methods, each once"),
        (("autoact", "autoact"), "name between 2 and 26 methods, each once"),
    ],
)
def test_methods_that_cannot_be_compared_are_a_line(trial: Path, methods: tuple[str, ...], told: str) -> None:
    with pytest.raises(UserError, match=told):
        drawn_poll(trial, methods, None, judges=5, seed=0)


def test_a_method_that_has_not_played_all_is_a_line(trial: Path) -> None:
    records = (trial / "react.jsonl").read_bytes().splitlines(keepends=True)
    (trial / "react.jsonl").write_bytes(b"".join(records[:3]))
    with pytest.raises(UserError, match="react has played 3 of the 4 questions; let `autoact eval` end first"):
        drawn_poll(trial, BOTH, None, judges=5, seed=0)


def test_questions_are_drawn_by_the_seed(trial: Path) -> None:
    drawn = {drawn_poll(trial, BOTH, 2, judges=5, seed=seed).questions for seed in range(20)}
    assert {len(questions) for questions in drawn} == {2}
    assert len(drawn) > 3
    assert drawn_poll(trial, BOTH, 2, judges=5, seed=1) == drawn_poll(trial, BOTH, 2, judges=5, seed=1)


def test_a_case_holds_no_gold_no_names_and_no_reflection(trial: Path) -> None:
    cases = load_cases(trial, drawn_poll(trial, BOTH, None, judges=5, seed=0))
    assert "gold" not in repr([case.question for case in cases])
    assert {step.tool for case in cases for steps in case.steps.values() for step in steps} == {"Retrieve", "Finish"}


def test_of_several_epochs_the_first_is_shown(trial: Path) -> None:
    for epoch in (1, 0):
        steps = (Step(f"epoch {epoch}", "Finish", "x"),)
        plays = [Trajectory(f"{name}/{epoch}", name, steps, "x", "answered") for name in COUNTRIES]
        Store(trial / "bolaa.jsonl", Scored).append(*(Scored(play, Reward(0.0, False)) for play in plays))
    cases = load_cases(trial, drawn_poll(trial, ("autoact", "bolaa"), None, judges=5, seed=0))
    assert {case.steps["bolaa"][0].thought for case in cases} == {"epoch 0"}


def test_more_questions_than_there_are_is_a_line(trial: Path) -> None:
    with pytest.raises(UserError, match="has 4 questions, too few to judge 5"):
        drawn_poll(trial, BOTH, 5, judges=5, seed=0)


def test_an_evaluation_without_a_question_is_a_line(trial: Path) -> None:
    (trial / "questions.jsonl").write_text("")
    with pytest.raises(UserError, match="has 0 questions, too few to judge any"):
        drawn_poll(trial, BOTH, None, judges=5, seed=0)


def test_a_name_too_long_for_a_folder_is_a_line() -> None:
    with pytest.raises(UserError, match=r"^x{80} is no folder"):
        trial_in(Path("x" * 5000))


def test_who_knows_the_seed_but_not_the_secret_knows_no_order(trial: Path) -> None:
    poll = drawn_poll(trial, BOTH, None, judges=5, seed=0)
    assert len({lettered(poll, str(secret), "Ann", "peru")["A"] for secret in range(20)}) == 2


def test_letters_are_shuffled_by_judge_and_question_and_stay(trial: Path) -> None:
    poll = drawn_poll(trial, BOTH, None, judges=5, seed=0)
    first = [lettered(poll, "s", judge, name)["A"] for judge in map(str, range(50)) for name in poll.questions]
    assert 60 < first.count("autoact") < 140
    assert lettered(poll, "s", "Ann", "peru") == lettered(poll, "s", "Ann", "peru")
    assert sorted(lettered(poll, "s", "Ann", "peru").values()) == sorted(BOTH)
