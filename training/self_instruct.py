"""Self-instruct: from a handful of examples to many questions (paper §2.2, Table 6).

    round 0: prompts with examples → pairs → new ones kept          one line of instruct.jsonl a round
    round 1: prompts with examples and kept pairs → …               a round sees only the rounds before it
    enough, stalled or out of rounds → questions.jsonl

Questions are unique by their words; answers may recur. What the task excludes is dropped and counted.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from autoact.agents.meta import ask_for_pairs, read_pairs
from autoact.core.contamination import question_key, question_keys
from autoact.core.errors import RunError
from autoact.core.progress import Progress
from autoact.core.records import QAPair
from autoact.core.reward import choice_index
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.core.task import Task, read_questions
from autoact.models.failures import asking, patient
from autoact.models.load import sampled
from autoact.prompts.parse import PairDraft, Pairs

FEW_SHOTS_FROM_TASK, FEW_SHOTS_FROM_ROUNDS = 2, 3


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought; `pairs` are the new ones, the counts are what was dropped."""

    id: str
    pairs: tuple[QAPair, ...]
    malformed: int
    duplicate: int
    excluded: int


def self_instruct(
    task: Task, model: BaseChatModel, barred: frozenset[str], run: Path, progress: Progress
) -> list[QAPair]:
    """The task's questions, none of them `barred`. Raises RunError when the model writes none that can be used."""
    rounds = Store(run / "instruct.jsonl", Round)
    while not _finished(task, rounds):
        progress.advance(len(_pairs(rounds)), task.learn.questions, f"round {len(rounds)}")
        replies = asyncio.run(_replies(task, model, rounds))
        rounds.append(sift(task, f"{len(rounds):04d}", replies, _pairs(rounds), barred))
    questions = _pairs(rounds)[: task.learn.questions]
    progress.advance(len(questions), task.learn.questions)
    if not questions:
        raise RunError(f"the model wrote no usable question in {len(rounds)} rounds; try a stronger model")
    return _save(run / "questions.jsonl", questions)


def excluded_keys(task: Task) -> frozenset[str]:
    """The hashes of the questions in the files under `exclude:`."""
    return question_keys(pair.shown() for file in task.exclude for pair in read_questions(task.path(file)))


def sift(task: Task, round_id: str, replies: Sequence[Pairs], known: Sequence[QAPair], barred: frozenset[str]) -> Round:
    """One round's new pairs out of the replies to its prompts."""
    seen = set(question_keys(pair.shown() for pair in (*task.seeds(), *known)))
    pairs: list[QAPair] = []
    duplicate = excluded = malformed = 0
    multiple_choice = bool(task.seeds()[0].choices)
    for draft in (draft for reply in replies for draft in reply.drafts):
        pair = _pair(draft, f"q{round_id}-{len(pairs):03d}")
        key = question_key(pair.shown())
        if bool(draft.choices) != multiple_choice or not _answerable(pair):
            malformed += 1
        elif key in barred:
            excluded += 1
        elif key in seen:
            duplicate += 1
        else:
            seen.add(key)
            pairs.append(pair)
    malformed += sum(reply.malformed for reply in replies)
    return Round(round_id, tuple(pairs), malformed, duplicate, excluded)


async def _replies(task: Task, model: BaseChatModel, rounds: Store[Round]) -> list[Pairs]:
    """The replies to one round's prompts, in the prompts' order."""
    gate, known = asyncio.Semaphore(task.learn.workers), _pairs(rounds)

    async def reply(number: int) -> Pairs:
        seed = seed_of(task.learn.seed, "self-instruct", len(rounds), number)
        examples = few_shots(task, known, random.Random(seed))
        temperature, length = task.learn.temperature, task.learn.instruct_tokens
        speaker = patient(sampled(model, temperature=temperature, seed=seed, max_tokens=length))
        async with gate:
            with asking(task.model):
                answer = await speaker.ainvoke(ask_for_pairs(task, examples, task.learn.pairs_per_prompt))
        return read_pairs(str(answer.text))

    return await asyncio.gather(*(reply(number) for number in range(task.learn.prompts_per_round)))


def few_shots(task: Task, known: Sequence[QAPair], rng: random.Random) -> list[QAPair]:
    """Examples for one prompt: some of the task's own, some of the growing database, shuffled."""
    seeds = task.seeds()
    shown = rng.sample(seeds, min(FEW_SHOTS_FROM_TASK, len(seeds)))
    shown += rng.sample(known, min(FEW_SHOTS_FROM_ROUNDS, len(known)))
    rng.shuffle(shown)
    return shown


def _finished(task: Task, rounds: Store[Round]) -> bool:
    recent = list(rounds)[-task.learn.stall_rounds :]
    stalled = len(recent) == task.learn.stall_rounds and not any(done.pairs for done in recent)
    enough = len(_pairs(rounds)) >= task.learn.questions
    return enough or stalled or len(rounds) >= task.learn.max_rounds


def _pairs(rounds: Store[Round]) -> list[QAPair]:
    return [pair for done in rounds for pair in done.pairs]


def _answerable(pair: QAPair) -> bool:
    return not pair.choices or choice_index(pair.answer, pair.choices) is not None


def _pair(draft: PairDraft, pair_id: str) -> QAPair:
    return QAPair(
        pair_id, draft.question, draft.answer, draft.choices, draft.context, draft.caption, draft.ocr,
        origin="synthetic",
    )  # fmt: skip


def _save(path: Path, questions: list[QAPair]) -> list[QAPair]:
    store = Store(path, QAPair)
    missing = [pair for pair in questions if pair.id not in store]
    if missing:
        store.append(*missing)
    return questions
