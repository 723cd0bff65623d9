"""From trajectories to what each role is trained on: the run-time chat, with the loss on that role's turns.

    plan      kept trajectories, the plan's turns            ─┐ one example a trajectory, so the tokens
    tool      kept trajectories, the tool inputs              ├ are those of the trajectory and not of
    reflect   all trajectories, cut after a verdict           ─┘ each of its steps again

A verdict is trained on the truth at that moment, by the verified answer. As last verdicts right and wrong are equal in
number: kept trajectories alone hold almost no "wrong". One that the META-AGENT got wrong is turned round, its thought
left as it was; without those only what it judges rightly anyway would be learned. With `reflect_on: kept`, as in the
paper, the verdicts of the kept trajectories are taken, however many are of a kind.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoact.core.learning import LearnConfig
from autoact.core.records import REFLECT, Example, Message, QAPair, Scored, Step
from autoact.core.reward import reward_of
from autoact.core.seeds import seed_of
from autoact.core.store import R, Store
from autoact.prompts.render import Brief, conversation

VERDICTS = ("right", "wrong")


@dataclass(frozen=True, slots=True)
class Judged:
    """A trajectory cut after a verdict that says the truth, whatever the META-AGENT said."""

    question: QAPair
    id: str
    steps: tuple[Step, ...]

    @property
    def verdict(self) -> str:
        return self.steps[-1].argument


def role_examples(
    brief: Brief,
    questions: Sequence[QAPair],
    trajectories: Sequence[Scored],
    kept: Sequence[Scored],
    config: LearnConfig,
) -> dict[str, list[Example]]:
    """Role → what its adapter is trained on, and what is held out.

    `questions` are those whose answers are known, with these answers; verdicts on others are no examples.
    """
    pairs = {pair.id: pair for pair in questions}
    share, seed = config.held_out, config.seed
    made = {role: action_examples(role, brief, kept, pairs, share, seed) for role in ("plan", "tool")}
    if config.reflect_on == "kept":
        return made | {"reflect": [_judgement(brief, item, config) for item in judgements(kept, pairs)]}
    return made | {"reflect": reflect_examples(brief, trajectories, pairs, config)}


def action_examples(
    role: str, brief: Brief, kept: Sequence[Scored], pairs: Mapping[str, QAPair], share: float, seed: int
) -> list[Example]:
    """Examples for the plan or the tool role: every turn of it in the kept trajectories."""
    return [example(role, brief, pairs[s.trajectory.question_id], s.id, s.trajectory.steps, share, seed) for s in kept]


def reflect_examples(
    brief: Brief, trajectories: Sequence[Scored], pairs: Mapping[str, QAPair], config: LearnConfig
) -> list[Example]:
    """Examples for the reflect role: true last verdicts, as many right as wrong; none when one kind is missing.

    Of each kind one of every question goes first, then a second one, and so on: what tells right from wrong is then the
    play, far more than what was asked.
    """
    judged = judgements(trajectories, pairs, clear=True)
    random.Random(seed_of(config.seed, "reflect-examples")).shuffle(judged)
    by_verdict = [[item for item in judged if item.verdict == verdict] for verdict in VERDICTS]
    count = min(map(len, by_verdict))
    if config.max_verdicts:
        count = min(count, config.max_verdicts)
    chosen = [item for items in map(_spread, by_verdict) for item in items[:count]]
    return [_judgement(brief, item, config) for item in chosen]


def _spread(items: Sequence[Judged]) -> list[Judged]:
    """The items, the first of every question before the second of any."""
    before: Counter[str] = Counter()
    turns = []
    for item in items:
        turns.append(before[item.question.id])
        before[item.question.id] += 1
    return [item for _, item in sorted(zip(turns, items, strict=True), key=lambda pair: pair[0])]


def judgements(trajectories: Iterable[Scored], pairs: Mapping[str, QAPair], clear: bool = False) -> list[Judged]:
    """A judgement of each trajectory, played on whole prompts, of a question whose answer is known."""
    played = [s for s in trajectories if not s.trajectory.shortened and s.trajectory.question_id in pairs]
    return [judged for s in played if (judged := judge(s, pairs[s.trajectory.question_id], clear))]


def judge(scored: Scored, pair: QAPair, clear: bool = False) -> Judged | None:
    """The trajectory up to the first verdict that was not the truth, that verdict corrected; or up to the last.

    With `clear` it ends before an answer that is right in part, since neither verdict is quite true of it; without, as
    in the paper, such an answer is wrong.
    """
    end, answer = 0, ""
    steps = list(scored.trajectory.steps)
    for number, step in enumerate(steps):
        if step.tool != REFLECT:
            answer = step.argument if step.tool == "Finish" else answer
            continue
        reward = reward_of(answer, pair).value
        if clear and 0 < reward < 1:
            break
        truth = "right" if reward == 1 else "wrong"
        end = number + 1
        if step.argument != truth:
            steps[number] = replace(step, argument=truth, ok=True)
            break
    return Judged(pair, scored.id, tuple(steps[:end])) if end else None


def _judgement(brief: Brief, item: Judged, config: LearnConfig) -> Example:
    made = example("reflect", brief, item.question, item.id, item.steps, config.held_out, config.seed)
    if seed_of(config.seed, "reflect-thoughts", item.id) / 2**31 < config.reflect_thoughts:
        return made
    return replace(made, messages=tuple(map(_verdict_alone, made.messages)))


def _verdict_alone(message: Message) -> Message:
    """A turn of the role's with the loss on its verdict, and not on the thought before it."""
    if not message.learn:
        return message
    verdict = next(verdict for verdict in VERDICTS if message.content.endswith(verdict))
    return replace(message, given=len(message.content) - len(verdict))


def example(
    role: str, brief: Brief, pair: QAPair, name: str, steps: Sequence[Step], share: float, seed: int
) -> Example:
    """One conversation with the role's turns marked."""
    turns = conversation(brief, pair.shown(), steps)
    messages = tuple(Message(turn.role, turn.text, learn=turn.speaker == role) for turn in turns)
    return Example(name, role, messages, is_held_out(pair.id, share, seed))


def is_held_out(question_id: str, share: float, seed: int) -> bool:
    """Whether a question is among the `share` that nothing is trained on, by hash."""
    return seed_of(seed, "held-out", question_id) / 2**31 < share


def trainable(items: Iterable[Example]) -> list[Example]:
    """The examples that are not held out and have a turn to learn."""
    return [item for item in items if not item.held_out and any(message.learn for message in item.messages)]


def save(path: Path, kind: type[R], records: list[R]) -> list[R]:
    """The records in a file; what is there already is not written again. Raises RunError when others are there."""
    store = Store(path, kind)
    store.refuse_strangers(record.id for record in records)
    missing = [record for record in records if record.id not in store]
    if missing:
        store.append(*missing)
    return records
