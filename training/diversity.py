"""How varied the questions are as they grow in number, and what each stage of self-instruct lets through.

    yields(rounds)              # {"generated": 400, "parsed": 400, "unique": 337, "kept": 333}
    diversity_curve(rounds)     # a Diversity a round: plotted against the number generated, it says when to stop

Measured from the committed rounds alone. Words are compared as for duplicates, without case, articles and punctuation.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from autoact.core.contamination import plain_words
from autoact.core.seeds import seed_of
from autoact.training.quota import answer_key
from autoact.training.rouge import common, places_of
from autoact.training.self_instruct import Round

OPENING = 3
NEW, EARLIER = 20, 200  # the samples that nearness is measured on


@dataclass(frozen=True, slots=True)
class Diversity:
    """The questions after a round.

    generated, kept: pairs so far. openings: distinct first three words. answers: distinct answers. bigrams: distinct
    pairs of neighbouring words for each pair there is, which falls as questions repeat each other. novelty: the share
    of the round's well-formed pairs that were kept. nearness: the mean ROUGE-L of a sample of the round's questions
    with the nearest in a sample of earlier ones; None without either.
    """

    generated: int
    kept: int
    openings: int
    answers: int
    bigrams: float
    novelty: float
    nearness: float | None


def diversity_curve(rounds: Iterable[Round]) -> list[Diversity]:
    """How varied the questions were after each round, in order."""
    curve: list[Diversity] = []
    earlier: list[list[str]] = []
    openings, answers, bigrams = set[tuple[str, ...]](), set[str](), set[tuple[str, str]]()
    generated = neighbours = 0
    for done in rounds:
        new = [plain_words(pair.question) for pair in done.pairs]
        answers.update(map(answer_key, done.pairs))
        openings.update(tuple(words[:OPENING]) for words in new)
        bigrams.update(pair for words in new for pair in pairwise(words))
        neighbours += sum(max(len(words) - 1, 0) for words in new)
        generated += done.generated
        nearness = _nearness(new, earlier, random.Random(seed_of("diversity", done.id)))
        earlier += new
        varied = len(bigrams) / neighbours if neighbours else 0.0
        shape = (len(openings), len(answers), varied, done.novelty, nearness)
        curve.append(Diversity(generated, len(earlier), *shape))
    return curve


def yields(rounds: Iterable[Round]) -> dict[str, int]:
    """Pairs that the model wrote, that were in form, that were new and not barred, that were kept."""
    total = {"generated": 0, "parsed": 0, "unique": 0, "kept": 0}
    for done in rounds:
        for stage, count in zip(total, (done.generated, done.parsed, done.unique, len(done.pairs)), strict=True):
            total[stage] += count
    return total


def _nearness(new: Sequence[list[str]], earlier: Sequence[list[str]], rng: random.Random) -> float | None:
    if not new or not earlier:
        return None
    some = rng.sample(new, min(NEW, len(new)))
    others = rng.sample(earlier, min(EARLIER, len(earlier)))
    return sum(_nearest(words, others) for words in some) / len(some)


def _nearest(words: Sequence[str], others: Iterable[Sequence[str]]) -> float:
    places, length = places_of(words), len(words)
    return max(2 * common(places, length, each) / max(length + len(each), 1) for each in others)
