"""What judges are shown, read from an evaluation's folder: questions, and how each method went about them.

    poll = drawn_poll(trial, ("autoact", "zero-shot"), count=20, judges=5, seed=0)
    cases = load_cases(trial, poll)        # in the order in which judges are shown them
    lettered(poll, votes.secret(), "ann", "q7")            # {"A": "zero-shot", "B": "autoact"}

A trajectory is the one of the first epoch. The gold answer, names, models and rewards stay behind.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from autoact.core.errors import UserError
from autoact.core.records import QAPair, Question, Scored, Step
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.eval.agreement import Poll
from autoact.prompts.judging import shown_steps

QUESTIONS = "questions.jsonl"


@dataclass(frozen=True, slots=True)
class Case:
    """One question and the steps of each method, by the method's id."""

    id: str
    question: Question
    steps: Mapping[str, tuple[Step, ...]]


def trial_in(folder: Path) -> Path:
    """The evaluation that a folder is, or the only one of a run folder. Raises UserError."""
    try:
        if (folder / QUESTIONS).is_file():
            return folder
    except OSError as problem:
        raise UserError(f"{str(folder)[:80]} is no folder ({problem.strerror})") from problem
    match sorted(path.parent for path in folder.glob(f"eval/*/{QUESTIONS}")):
        case [trial]:
            return trial
        case []:
            raise UserError(f"{folder} is no evaluation: give a folder RUN/eval/… that `autoact eval` has made")
        case trials:
            named = ", ".join(map(str, trials))
            raise UserError(f"{folder} has {len(trials)} evaluations; give one of them: {named}")


def drawn_poll(trial: Path, methods: Sequence[str], count: int | None, judges: int, seed: int) -> Poll:
    """A poll on `count` of the questions, drawn by the seed, or on all of them. Raises UserError."""
    _check_methods(trial, methods)
    ids = sorted((pair.id for pair in _questions(trial)), key=lambda name: seed_of(seed, "judging", name))
    if not ids or len(ids) < (count or 0):
        raise UserError(f"{trial / QUESTIONS} has {len(ids)} questions, too few to judge {count or 'any'}")
    poll = Poll(tuple(methods), tuple(ids[:count]), judges, seed)
    load_cases(trial, poll)
    return poll


def load_cases(trial: Path, poll: Poll) -> list[Case]:
    """The poll's questions with the steps of its methods. Raises UserError when one was not played."""
    pairs = _questions(trial)
    played = {method: _first_epoch(trial, method) for method in poll.methods}
    for method, steps in played.items():
        if missing := [name for name in poll.questions if name not in steps]:
            done = len(poll.questions) - len(missing)
            raise UserError(
                f"{method} has played {done} of the {len(poll.questions)} questions; "
                "let `autoact eval` end first, or judge fewer with --questions"
            )
    return [
        Case(name, pairs[name].shown(), {method: steps[name] for method, steps in played.items()})
        for name in poll.questions
    ]


def lettered(poll: Poll, secret: str, judge: str, question_id: str) -> dict[str, str]:
    """The methods by the letters that stand for them, in an order that is this judge's for this question.

    The secret is the poll's: without it, who knows the seed could work out which method is A.
    """
    order = random.Random(seed_of(poll.seed, "judging", secret, judge, question_id))
    return dict(zip(ascii_uppercase, order.sample(poll.methods, len(poll.methods)), strict=False))


def _questions(trial: Path) -> Store[QAPair]:
    return Store(trial / QUESTIONS, QAPair)


def _check_methods(trial: Path, methods: Sequence[str]) -> None:
    """Raises UserError unless the methods can be set side by side."""
    played = sorted(path.stem for path in trial.glob("*.jsonl") if path.name != QUESTIONS)
    if unknown := [method for method in methods if method not in played]:
        raise UserError(f"no trajectories of {unknown[0]!r} in {trial}; it has {', '.join(played) or 'none'}")
    if not 2 <= len(set(methods)) == len(methods) <= len(ascii_uppercase):
        raise UserError(
            f"name between 2 and {len(ascii_uppercase)} methods, each once; {trial} has {', '.join(played)}"
        )


def _first_epoch(trial: Path, method: str) -> dict[str, tuple[Step, ...]]:
    """A method's steps by question."""
    plays = (scored.trajectory for scored in Store(trial / f"{method}.jsonl", Scored))
    return {play.question_id: shown_steps(play.steps) for play in plays if play.id == f"{play.question_id}/0"}
