"""Self-instruct: from a handful of examples to many questions (paper §2.2, Table 6).

    round 0: prompts with examples → pairs → new ones kept          one line of instruct.jsonl a round
    round 1: prompts with examples and kept pairs → …               a round sees only the rounds before it
    enough, stalled, out of rounds or of budget → questions.jsonl

What a draft must pass to be kept is in training/gate.py; what is dropped is counted, and the first of each reason
is shown. A round is written whole or not at all, so that a run that is gone on with ends like one that was not cut.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from autoact.agents.meta import ask_for_pairs, read_pairs
from autoact.core.budget import Meter, cost_of
from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.progress import Progress
from autoact.core.records import QAPair
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.core.task import Task, read_questions
from autoact.models.failures import asking, patient
from autoact.models.load import sampled
from autoact.models.team import META
from autoact.training.form import form_of, spelt
from autoact.training.gate import DroppedDraft, Gate
from autoact.training.quota import answer_key

STAGE: Final = "self-instruct"
ENOUGH = "enough"
FROM_TASK = 0.4  # of the pairs shown; the others are new ones
CHOICE = 4  # pairs drawn for each one shown, so that answers can vary


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought; `pairs` are the new ones, the counts are what was dropped.

    dropped: the first few of each reason. usage: `{"calls", "input_tokens", "output_tokens"}` of the round's prompts.
    learning: the round of learning that it was written for.
    """

    id: str
    pairs: tuple[QAPair, ...]
    malformed: int
    duplicate: int
    excluded: int
    near_duplicate: int = 0
    over_quota: int = 0
    dropped: tuple[DroppedDraft, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)
    learning: int = 0

    @property
    def generated(self) -> int:
        """Pairs that the model wrote, or began to."""
        return self.malformed + self.parsed

    @property
    def parsed(self) -> int:
        """Those in the task's form."""
        return self.excluded + self.duplicate + self.near_duplicate + self.unique

    @property
    def unique(self) -> int:
        """Those that are like no other question and none that is barred."""
        return self.over_quota + len(self.pairs)

    @property
    def novelty(self) -> float:
        """The share of the well-formed pairs that was kept."""
        return len(self.pairs) / self.parsed if self.parsed else 0.0


def self_instruct(
    task: Task,
    model: BaseChatModel,
    barred: Sequence[QAPair],
    run: Path,
    progress: Progress,
    meter: Meter | None = None,
    number: int = 0,
) -> list[QAPair]:
    """The task's questions, none of them `barred` or near one that is; fewer when the model brings no more that is
    new, or `meter` says that the budget is spent.

    They are those of the rounds of learning up to `number`, for which what is missing is written, and for whose cost
    `meter` is; what later ones have written is no part of them. Raises RunError when there is none, or when one on disk
    is barred by now, and EndpointError.
    """
    meter = meter or Meter(STAGE)
    store = Store(run / "instruct.jsonl", Round)
    gate = Gate(task, barred)
    gate.keep(*(pair for done in store for pair in done.pairs))
    if named := gate.barred_by_now():
        raise RunError(
            f"{store.path} holds a question that is {named}, which benchmarks: or exclude: has named since; take that "
            "file out of them again, or choose another --out"
        )
    rounds = [done for done in store if done.learning <= number]
    meter.at_least(**cost_of(*({META: done.usage} for done in rounds if done.learning == number)))
    while not (ended := why_ended(task.learn, rounds)) and not meter.stop():
        progress.advance(len(gate.pairs), task.learn.questions, f"round {len(rounds)}")
        rounds.append(replace(asyncio.run(_round(task, model, gate, len(rounds))), learning=number))
        store.append(rounds[-1])
        meter.add(**cost_of({META: rounds[-1].usage}))
    questions = [pair for done in rounds for pair in done.pairs][: task.learn.questions]
    if not questions:
        raise RunError(f"{len(rounds)} rounds brought no usable question; {_advice(meter, store.path)}")
    if ended != ENOUGH:
        why = ended or f"the budget of {meter.exhausted} is spent"
        progress.say(f"self-instruct ends with {len(questions)} of {task.learn.questions} questions: {why}")
    progress.advance(len(questions), task.learn.questions)
    kept = Store(run / "questions.jsonl", QAPair)
    kept.refuse_strangers(pair.id for pair in gate.pairs)
    kept.append(*(pair for pair in questions if pair.id not in kept))
    return questions


def _advice(meter: Meter, path: Path) -> str:
    if meter.stopped:
        return f"the budget of {meter.exhausted} is spent; raise learn.budgets of {STAGE}"
    return f"try a stronger model ({path} has what this one wrote)"


def barred_questions(task: Task) -> list[QAPair]:
    """The questions that must not be learned from: those of the files under `exclude:` and `benchmarks:`."""
    files = dict.fromkeys(task.path(name) for name in (*task.exclude, *task.benchmarks.values()))
    return [pair for file in files for pair in read_questions(file)]


def why_ended(config: LearnConfig, rounds: Sequence[Round]) -> str:
    """Why there is to be no other round; empty while there is."""
    recent = rounds[-config.stall_rounds :]
    if sum(len(done.pairs) for done in rounds) >= config.questions:
        return ENOUGH
    if len(recent) == config.stall_rounds and all(_stalls(done, config.min_novelty) for done in recent):
        return f"{len(recent)} rounds in a row brought too little that is new"
    return f"{len(rounds)} rounds are the most" if len(rounds) >= config.max_rounds else ""


def _stalls(done: Round, least: float) -> bool:
    return not done.pairs or done.novelty < least


async def _round(task: Task, model: BaseChatModel, gate: Gate, number: int) -> Round:
    """One round: its prompts, sent together, and what their replies bring."""
    config, together = task.learn, asyncio.Semaphore(task.learn.workers)
    levels, fields = levels_of(config, gate.pairs), form_of(task.seeds())

    async def reply(place: int, level: str) -> AIMessage:
        seed = seed_of(config.seed, "self-instruct", number, place)
        shown = few_shots(task, gate.pairs, random.Random(seed))
        warmth, length = config.instruct_temperature, config.instruct_tokens
        speaker = patient(sampled(model, temperature=warmth, seed=seed, max_tokens=length))
        async with together:
            with asking(task.model):
                return await speaker.ainvoke(ask_for_pairs(task, shown, config.pairs_per_prompt, level, fields))

    replies = await asyncio.gather(*(reply(place, level) for place, level in enumerate(levels)))
    name = f"{number:04d}"
    sifted = gate.sift(name, [read_pairs(str(answer.text)) for answer in replies], levels)
    return Round(name, sifted.pairs, **sifted.counts, dropped=sifted.dropped, usage=_usage(replies))


def levels_of(config: LearnConfig, known: Iterable[QAPair]) -> list[str]:
    """The level that each prompt of a round asks for: the one that is furthest behind; empty when none is wanted."""
    if not config.difficulties:
        return [""] * config.prompts_per_round
    have = Counter(pair.level for pair in known)
    levels = []
    for _ in range(config.prompts_per_round):
        levels.append(min(config.difficulties, key=lambda level: have[level]))
        have[levels[-1]] += config.pairs_per_prompt
    return levels


def few_shots(task: Task, known: Sequence[QAPair], rng: random.Random) -> list[QAPair]:
    """Pairs for one prompt: some of the task's own, some of the new ones, shuffled, of answers that vary."""
    seeds, count = task.seeds(), task.learn.instruct_shots
    own = min(len(seeds), max(1, round(FROM_TASK * count), count - len(known)))
    answers: set[str] = set()
    shown = _varied(seeds, own, answers, rng) + _varied(known, count - own, answers, rng)
    rng.shuffle(shown)
    return [spelt(pair) for pair in shown]


def _varied(pairs: Sequence[QAPair], count: int, answers: set[str], rng: random.Random) -> list[QAPair]:
    """Some of the pairs, first those whose answers are not among `answers`, which are added to."""
    fresh: list[QAPair] = []
    again: list[QAPair] = []
    for pair in rng.sample(pairs, min(CHOICE * count, len(pairs))):
        (again if answer_key(pair) in answers else fresh).append(pair)
        answers.add(answer_key(pair))
    return (fresh + again)[:count]


def _usage(replies: Sequence[AIMessage]) -> dict[str, int]:
    """What a round's prompts cost; tokens only where the model says them."""
    spent = [reply.usage_metadata for reply in replies if reply.usage_metadata]
    read, written = sum(each["input_tokens"] for each in spent), sum(each["output_tokens"] for each in spent)
    return {"calls": len(replies), "input_tokens": read, "output_tokens": written}
