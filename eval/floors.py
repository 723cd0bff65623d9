"""What no method is worth: the rewards of answering without reading the question.

    floors(pairs)      # random, never answers, most common answer – each with a figure by level and overall

Random is an expectation, not a draw: over the choices where there are some, else over the gold answers of the other
open questions, or a part of them drawn by a fixed seed where all would take more than DRAWS comparisons. On the
paper's 360 ScienceQA questions it is 0.416, and 0.648 for the better of two guesses: figures of the better of two
plays stand on that floor.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from autoact.core.records import QAPair, Reward
from autoact.core.reward import choice_index, normalize, reward_of

DRAWS = 100_000
SEED = 0


@dataclass(frozen=True, slots=True)
class FloorFigures:
    """Expected values over some questions."""

    reward: float
    exact_match: float
    oracle_best_of_two: float


@dataclass(frozen=True, slots=True)
class Floor:
    """A way of answering that needs no method."""

    name: str
    about: str
    overall: FloorFigures
    levels: Mapping[str, FloorFigures]


def floors(pairs: Sequence[QAPair], draws: int = DRAWS) -> tuple[Floor, ...]:
    """The floors of a benchmark's questions; a guess at open ones is compared with gold `draws` times at most."""
    guesses, common = _guesses(pairs, draws), _most_common(pairs)
    return (
        _floor("random", "a choice, or another question's answer, by chance", pairs, guesses),
        _floor("never answers", "an empty answer to every question", pairs, lambda _: [""]),
        _floor("most common answer", "the answer, or the choice's letter, that is right most often", pairs, common),
    )


def _floor(name: str, about: str, pairs: Sequence[QAPair], answers: Callable[[QAPair], Sequence[str]]) -> Floor:
    rewards = {pair.id: [reward_of(answer, pair) for answer in answers(pair)] for pair in pairs}
    levels: dict[str, list[list[Reward]]] = {}
    for pair in pairs:
        if pair.level:
            levels.setdefault(pair.level, []).append(rewards[pair.id])
    by_level = {level: _figures(drawn) for level, drawn in levels.items()}
    return Floor(name, about, _figures(list(rewards.values())), by_level)


def _figures(drawn: Sequence[Sequence[Reward]]) -> FloorFigures:
    return FloorFigures(
        reward=fmean(fmean(reward.value for reward in rewards) for rewards in drawn),
        exact_match=fmean(fmean(reward.exact for reward in rewards) for rewards in drawn),
        oracle_best_of_two=fmean(better_of_two([reward.value for reward in rewards]) for rewards in drawn),
    )


def better_of_two(values: Sequence[float]) -> float:
    """The expected maximum of two independent draws from equally likely values."""
    ranked = sorted(values)
    return sum(value * (2 * rank + 1) for rank, value in enumerate(ranked)) / len(ranked) ** 2


def _guesses(pairs: Sequence[QAPair], draws: int) -> Callable[[QAPair], Sequence[str]]:
    """The equally likely answers of one who guesses."""
    golds = [(pair.id, pair.answer) for pair in pairs if not pair.choices]
    drawn = random.Random(SEED).sample(golds, min(len(golds), max(1, draws // len(pairs))))

    def guesses(pair: QAPair) -> Sequence[str]:
        return pair.choices or [answer for name, answer in drawn if name != pair.id] or [""]

    return guesses


def _most_common(pairs: Sequence[QAPair]) -> Callable[[QAPair], Sequence[str]]:
    """The one answer of one who always says the same: a letter where there are choices."""
    letters = Counter(_letter(pair) for pair in pairs if pair.choices)
    golds = Counter(normalize(pair.answer) for pair in pairs if not pair.choices)

    def common(pair: QAPair) -> Sequence[str]:
        (answer, _), *_ = (letters if pair.choices else golds).most_common(1)
        return [answer]

    return common


def _letter(pair: QAPair) -> str:
    return chr(ord("A") + (choice_index(pair.answer, pair.choices) or 0))
