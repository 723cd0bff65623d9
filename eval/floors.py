"""What no method is worth: the rewards of answering without reading the question.

    floors(pairs)      # random, never answers, most common answer – each with a figure by level and overall

Random is an expectation, not a draw: over the choices where there are some, else over the gold answers of the other
open questions. Where those are more than EXACT different ones, GUESSES are drawn for each question by a fixed seed. On
the paper's 360 ScienceQA questions it is 0.416, and 0.648 for the better of two guesses: figures of the better of two
plays stand on that floor.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from autoact.core.records import QAPair
from autoact.core.reward import choice_index, normalize, reward_of

EXACT = 1000
GUESSES = 20
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


Expected = Callable[[QAPair], FloorFigures]


def floors(pairs: Sequence[QAPair], exact: int = EXACT) -> tuple[Floor, ...]:
    """The floors of a benchmark's questions; of more than `exact` open answers, guesses are drawn."""
    return (
        _floor("random", "a choice, or another question's answer, by chance", pairs, _by_chance(pairs, exact)),
        _floor("never answers", "an empty answer to every question", pairs, lambda pair: _figures(pair, {"": 1})),
        _floor("most common answer", "the answer, or the choice in the place, right most often", pairs, _common(pairs)),
    )


def _floor(name: str, about: str, pairs: Sequence[QAPair], expected: Expected) -> Floor:
    every = [expected(pair) for pair in pairs]
    levels: dict[str, list[FloorFigures]] = {}
    for pair, figures in zip(pairs, every, strict=True):
        if pair.level:
            levels.setdefault(pair.level, []).append(figures)
    return Floor(name, about, _mean(every), {level: _mean(figures) for level, figures in levels.items()})


def _mean(figures: Sequence[FloorFigures]) -> FloorFigures:
    return FloorFigures(
        reward=fmean(each.reward for each in figures),
        exact_match=fmean(each.exact_match for each in figures),
        oracle_best_of_two=fmean(each.oracle_best_of_two for each in figures),
    )


def _figures(pair: QAPair, answers: Mapping[str, int]) -> FloorFigures:
    """What is expected of answers to a question, each as likely as its number says."""
    total = sum(answers.values())
    rewards = [(reward_of(answer, pair), number) for answer, number in answers.items()]
    return FloorFigures(
        reward=sum(reward.value * number for reward, number in rewards) / total,
        exact_match=sum(reward.exact * number for reward, number in rewards) / total,
        oracle_best_of_two=better_of_two([(reward.value, number) for reward, number in rewards]),
    )


def better_of_two(values: Iterable[tuple[float, int]]) -> float:
    """The expected maximum of two independent draws from values, each as likely as its number says."""
    below, mean = 0, 0.0
    for value, number in sorted(values):
        mean += value * ((below + number) ** 2 - below**2)
        below += number
    return mean / below**2


def _by_chance(pairs: Sequence[QAPair], exact: int) -> Expected:
    """What one who guesses gets."""
    golds = [normalize(pair.answer) for pair in pairs if not pair.choices]
    counts, drawn = Counter(golds), random.Random(SEED)
    own = {gold: place for place, gold in enumerate(golds)}
    words = {gold: frozenset(gold.split()) for gold in (*counts, "")}

    def others(gold: str) -> Mapping[str, int]:
        if len(counts) <= exact:
            return counts - Counter([gold]) or {"": 1}
        places = drawn.sample(range(len(golds)), min(len(golds), GUESSES * counts[gold]))
        return Counter(golds[place] for place in places if place != own[gold])

    @cache  # questions with the same answer are guessed alike
    def open_question(gold: str) -> FloorFigures:
        guesses = others(gold)
        near = {guess: number for guess, number in guesses.items() if not words[gold].isdisjoint(words[guess])}
        rest = sum(guesses.values()) - sum(near.values())  # what shares no word is worth what no answer is
        return _figures(QAPair("", "", gold), {**near, "": rest})

    return lambda pair: _figures(pair, Counter(pair.choices)) if pair.choices else open_question(normalize(pair.answer))


def _common(pairs: Sequence[QAPair]) -> Expected:
    """What one gets who always says the same: the choice in one place, or one answer."""
    places = Counter(_place(pair) for pair in pairs if pair.choices)
    golds = Counter(normalize(pair.answer) for pair in pairs if not pair.choices)
    place = max(places, key=places.__getitem__, default=0)
    gold = max(golds, key=golds.__getitem__, default="")

    def said(pair: QAPair) -> str:
        return "".join(pair.choices[place : place + 1]) if pair.choices else gold

    return lambda pair: _figures(pair, {said(pair): 1})


def _place(pair: QAPair) -> int:
    return choice_index(pair.answer, pair.choices) or 0
