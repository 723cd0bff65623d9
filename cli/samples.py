"""Some of what a run kept, and of what it dropped for each reason.

found = samples_of(folders, written, questions, count=2)
found["trajectories"]["dropped"][0]["reason"]        # "a loop"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from autoact.core.records import QAPair, Scored
    from autoact.core.store import Store
    from autoact.training.self_instruct import Round
    from autoact.training.verification import Verified

T = TypeVar("T")


def samples_of(
    folders: Sequence[Path], written: Sequence[Round], questions: Store[QAPair], count: int
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """So many questions and trajectories that were kept, and of each reason so many that were not."""
    from autoact.core.store import Store
    from autoact.training.verification import Verified

    verdicts = {each.id: each for folder in folders for each in Store(folder / "verified.jsonl", Verified)}
    drafts = [draft for each in written for draft in each.dropped]
    held = (pair for pair in questions if pair.id not in verdicts or verdicts[pair.id].holds)
    unsure = [each for each in verdicts.values() if not each.holds and each.id in questions]
    shown = {
        "kept": [_question(pair, verdicts.get(pair.id)) for pair in islice(held, count)],
        "dropped": [
            *({"reason": each.reason, "detail": each.detail, "text": each.text} for each in _of_each(drafts, count)),
            *(_question(questions[each.id], each) for each in _of_each(unsure, count, lambda each: each.verdict)),
        ],
    }
    truths = {each.id: each.answer for each in verdicts.values() if each.holds}
    plays = [play for folder in folders for play in _plays(folder, questions, truths, count)]
    return {
        "questions": shown,
        "trajectories": {
            "kept": [play for play in plays if not play["reason"]][:count],
            "dropped": [play for play in plays if play["reason"]],
        },
    }


def _question(pair: QAPair, verdict: Verified | None) -> dict[str, Any]:
    """A question, its answer, and what its plays made of that."""
    votes = dict(verdict.votes) if verdict else {}
    return {
        "reason": verdict.verdict if verdict else "",
        "question": pair.question,
        "written": pair.answer,
        "answer": verdict.answer if verdict and verdict.holds else pair.answer,
        "votes": votes,
    }


def _plays(folder: Path, questions: Store[QAPair], truths: Mapping[str, str], count: int) -> Iterator[dict[str, Any]]:
    """A round's trajectories, those that were kept first; a reward is against the answer that holds, if one does."""
    from autoact.core.records import Scored
    from autoact.core.store import Store
    from autoact.training.filtering import Dropped

    for scored in islice(Store(folder / "kept.jsonl", Scored), count):
        yield _play(scored, questions, truths)
    dropped = _of_each(Store(folder / "dropped.jsonl", Dropped), count)
    played = Store(folder / "trajectories.jsonl", Scored)
    for each in dropped:
        if each.id in played:
            yield _play(played[each.id], questions, truths) | {"reason": each.reason, "detail": each.detail}


def _play(scored: Scored, questions: Store[QAPair], truths: Mapping[str, str]) -> dict[str, Any]:
    from autoact.core.reward import reward_of

    played, name = scored.trajectory, scored.trajectory.question_id
    asked = replace(questions[name], answer=truths.get(name, questions[name].answer)) if name in questions else None
    return {
        "id": scored.id,
        "reason": "",
        "detail": "",
        "question": asked.question if asked else name,
        "wanted": asked.answer if asked else "",
        "answer": played.answer,
        "reward": reward_of(played.answer, asked).value if asked else scored.reward.value,
        "steps": [f"{step.tool}[{step.argument}]" for step in played.steps],
    }


def _of_each(items: Iterable[T], count: int, kind: Callable[[T], str] = lambda item: item.reason) -> list[T]:  # type: ignore[attr-defined]
    """The first `count` of each kind."""
    chosen: dict[str, list[T]] = {}
    for item in items:
        some = chosen.setdefault(kind(item), [])
        if len(some) < count:
            some.append(item)
    return [item for some in chosen.values() for item in some]
