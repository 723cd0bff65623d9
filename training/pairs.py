"""From kept and failed trajectories to preferences: two turns after one and the same chat, the better one first.

    kept     … Observation: Lima is a city.  →  Thought: The currency is elsewhere.⏎Action: Lookup      chosen
    failed   … Observation: Lima is a city.  →  Thought: It is the city.⏎Action: Finish                 rejected

plan, tool   where a failed trajectory leaves the kept one that it went along with for longest, unless a trajectory
             of reward 1 took the same turn there: it is to blame for nothing
reflect      a verdict that was not the truth at that moment against one that was, after the same chat, else against
             itself with the truth. Right and wrong are chosen equally often: where one is scarce, true verdicts are
             set against their opposite.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autoact.core.learning import LearnConfig
from autoact.core.records import FINISH, REFLECT, Message, Preference, QAPair, Scored
from autoact.core.reward import reward_of
from autoact.core.seeds import seed_of
from autoact.prompts.render import Brief, Turn, conversation, reflect_turn
from autoact.training.examples import VERDICTS, is_held_out

PER_QUESTION = 4  # pairs that a question may bring to a role, and to a verdict
OPPOSITE = dict(zip(VERDICTS, reversed(VERDICTS), strict=True))


@dataclass(frozen=True, slots=True)
class Played:
    """A trajectory as the chat it was; `fine` says that its answer is right."""

    scored: Scored
    question: QAPair
    turns: tuple[Turn, ...]
    fine: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict: where its turn stands, its thought, what it was and what would have been true."""

    item: Played
    at: int
    thought: str
    verdict: str
    truth: str

    @property
    def chat(self) -> tuple[Turn, ...]:
        return self.item.turns[: self.at]


def role_pairs(
    brief: Brief,
    questions: Sequence[QAPair],
    trajectories: Sequence[Scored],
    kept: Sequence[Scored],
    config: LearnConfig,
) -> dict[str, list[Preference]]:
    """Role → its pairs, of the questions that are not held out. Their answers, not the rewards, say what failed."""
    trained_on = {q.id: q for q in questions if not is_held_out(q.id, config.held_out, config.seed)}
    played = [_played(brief, scored, trained_on) for scored in trajectories if _usable(scored, trained_on)]
    actions = list(action_pairs(played, {scored.id for scored in kept}))
    made = {role: _limited(pair for pair in actions if pair.role == role) for role in ("plan", "tool")}
    return made | {"reflect": reflect_pairs(played, config.seed)}


def action_pairs(played: Sequence[Played], kept: set[str]) -> Iterator[Preference]:
    """A pair for each failed trajectory that left a kept one by a turn of the plan or the tool role."""
    by_question = defaultdict(list)
    for item in played:
        by_question[item.question.id].append(item)
    for items in by_question.values():
        fine = [item for item in items if item.fine]
        for failed in items:
            if not failed.fine and (pair := _fork(failed, fine, kept)):
                yield pair


def reflect_pairs(played: Sequence[Played], seed: int) -> list[Preference]:
    """The reflect role's pairs, as many that choose right as that choose wrong; none when one kind is missing."""
    said = [verdict for item in played for verdict in _said(item)]
    true = {verdict.chat: verdict for verdict in reversed(said) if verdict.verdict == verdict.truth}
    opposed = list(true.values())
    random.Random(seed_of(seed, "reflect-pairs")).shuffle(opposed)
    kinds = [_reflect_kind(said, true, opposed, truth) for truth in VERDICTS]
    count = min(max(real for real, _ in kinds), *(len(pairs) for _, pairs in kinds))
    return [pair for _, pairs in kinds for pair in pairs[:count]]


def _reflect_kind(
    said: Sequence[Said], true: Mapping[tuple[Turn, ...], Said], opposed: Sequence[Said], truth: str
) -> tuple[int, list[Preference]]:
    """The pairs that choose one verdict, and how many of the first of them have a rejected turn that was said."""
    false = [verdict for verdict in said if verdict.truth == truth != verdict.verdict]
    real = _limited(_pair(v.item, v.at, _truth(true.get(v.chat, v)), v.item.turns[v.at]) for v in false)
    turned = [_pair(v.item, v.at, v.item.turns[v.at], _opposite(v)) for v in opposed if v.truth == truth]
    return len(real), _limited([*real, *turned])


def _usable(scored: Scored, questions: Mapping[str, QAPair]) -> bool:
    """Whether it was played as its steps say, on whole prompts, and no model failed."""
    trajectory = scored.trajectory
    return trajectory.question_id in questions and trajectory.status != "error" and not trajectory.shortened


def _played(brief: Brief, scored: Scored, questions: Mapping[str, QAPair]) -> Played:
    question = questions[scored.trajectory.question_id]
    turns = tuple(conversation(brief, question.shown(), scored.trajectory.steps))
    return Played(scored, question, turns, reward_of(scored.trajectory.answer, question).value == 1)


def _fork(failed: Played, fine: Sequence[Played], kept: set[str]) -> Preference | None:
    """Where a failed trajectory leaves the last of the fine ones, if that one is kept and a turn of theirs differs."""
    ways = [shared(item.turns, failed.turns) for item in fine]
    at = max(ways, default=0)
    nearest = [item.turns for way, item in zip(ways, fine, strict=True) if way == at and item.scored.id in kept]
    if not nearest or at >= min(len(nearest[0]), len(failed.turns)):
        return None
    chosen, rejected = nearest[0][at], failed.turns[at]
    both = {chosen.speaker, rejected.speaker}
    return _pair(failed, at, chosen, rejected) if both in ({"plan"}, {"tool"}) else None


def shared(one: Sequence[Turn], other: Sequence[Turn]) -> int:
    """How many turns two chats begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _said(item: Played) -> Iterator[Said]:
    """The verdicts of a trajectory, but for replies that gave none."""
    answer, where = "", (number for number, turn in enumerate(item.turns) if turn.speaker == "reflect")
    for step in item.scored.trajectory.steps:
        if step.tool == FINISH:
            answer = step.argument
        elif step.tool == REFLECT:
            at, truth = next(where), "right" if reward_of(answer, item.question).value == 1 else "wrong"
            if step.argument in VERDICTS:
                yield Said(item, at, step.thought, step.argument, truth)


def _truth(said: Said) -> Turn:
    return reflect_turn(said.thought, said.truth)


def _opposite(said: Said) -> Turn:
    return reflect_turn(said.thought, OPPOSITE[said.verdict])


def _pair(item: Played, at: int, chosen: Turn, rejected: Turn) -> Preference:
    prompt = tuple(Message(turn.role, turn.text) for turn in item.turns[:at])
    return Preference(f"{item.scored.id}/{at}", chosen.speaker, prompt, chosen.text, rejected.text)


def _limited(pairs: Iterable[Preference]) -> list[Preference]:
    """The pairs without repetitions, and no more of a question than PER_QUESTION."""
    kept, seen, counts = [], set(), Counter[str]()
    for pair in pairs:
        question, what = pair.id.split("/")[0], (pair.prompt, pair.chosen, pair.rejected)
        if what not in seen and counts[question] < PER_QUESTION:
            seen.add(what)
            counts[question] += 1
            kept.append(pair)
    return kept
