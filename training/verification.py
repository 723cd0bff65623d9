"""Verification: a self-instructed answer holds when plays of its question, which never saw it, come to it too.

    verified = verify(task.learn, questions, trajectories)
    verified[0]     # Verified("q0000-007", "kwanza", "kwanza", {"kwanza": 1, "portuguese": 3}, …, "confirmed")
    truths(questions, verified)     # the questions whose answer holds, with that answer

The trajectories of synthesis are the independent solves, so nothing is played here. A play counts when it ended by
itself, with an answer, after a tool call that told it something. Plays of one model err alike: on Atlas an answer
that two or more of them give against the written one was right 10 times in 248, and a written answer that one of them
came to 196 times in 197. So a written answer needs few plays, and gives way to another only if that is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from math import comb, sqrt
from typing import Literal

from autoact.core.learning import LearnConfig
from autoact.core.records import FINISH, REFLECT, QAPair, Scored, Step, Trajectory
from autoact.core.reward import choice_index, normalize
from autoact.prompts.template import fill

Verdict = Literal["confirmed", "replaced", "unchecked", "unanswerable", "disputed", "lucky"]
HOLDING = ("confirmed", "replaced", "unchecked")
CLOSED = ({"yes", "no"}, {"true", "false"})
LUCK = 0.25  # how likely guessing may bring as many plays together as agree on one of few possible answers


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a question's answer.

    votes: the answers of the plays that count, normalised (or the choice they name) → how many gave it.
    confidence: the share of them that gave `answer`; `lower` is the lower end of its 95% Wilson interval.
    verdict: confirmed (the plays agree with the written answer), replaced (with another), unchecked (none was asked
    for); or dropped as unanswerable (too few agree on anything), disputed (they agree on another than was written)
    or lucky (guessing would bring as many together, and in none of them a tool told the answer).
    """

    id: str
    answer: str
    written: str
    votes: Mapping[str, int]
    confidence: float
    lower: float
    verdict: Verdict

    @property
    def holds(self) -> bool:
        """Whether the answer is taken for the truth."""
        return self.verdict in HOLDING


def verify(config: LearnConfig, questions: Sequence[QAPair], trajectories: Iterable[Scored]) -> list[Verified]:
    """What the plays say about each question's answer, in the order of the questions.

    `config.verify` plays must agree with the written answer; or, with `replace_answers`, on another that more plays
    give, which takes its place. More than `config.samples` are not asked for. One sample is none to compare: then
    answers stay as they were written, as with `verify: 0`, and the reward alone sifts.
    """
    plays: dict[str, list[Trajectory]] = {}
    for scored in trajectories:
        played = scored.trajectory
        if played.answer and played.status in ("answered", "unsure") and grounded(played.steps):
            plays.setdefault(played.question_id, []).append(played)
    return [_verified(config, pair, plays.get(pair.id, [])) for pair in questions]


def truths(questions: Sequence[QAPair], verified: Iterable[Verified]) -> list[QAPair]:
    """The questions whose answer holds, with the answer that does."""
    answers = {each.id: each.answer for each in verified if each.holds}
    return [replace(pair, answer=answers[pair.id]) for pair in questions if pair.id in answers]


def counts(verified: Iterable[Verified]) -> dict[str, int]:
    """How many questions got each verdict."""
    return dict(Counter(each.verdict for each in verified))


def grounded(steps: Iterable[Step]) -> bool:
    """Whether a tool told something before the last answer."""
    nothing = ("", fill("no_output"))
    return any(step.ok and step.observation not in nothing for step in steps if step.tool not in (FINISH, REFLECT))


def options(pair: QAPair, answer: str) -> int:
    """From how many answers one could guess: the choices, or two for yes, no, true and false; 0 when it is open."""
    return len(pair.choices) or (2 if any(normalize(answer) in pairs for pairs in CLOSED) else 0)


def chance(agreeing: int, plays: int, of: int) -> float:
    """How likely `agreeing` or more of the plays give one answer when each guesses among `of` answers."""
    guess = 1 / of
    return sum(comb(plays, k) * guess**k * (1 - guess) ** (plays - k) for k in range(agreeing, plays + 1))


def lower_bound(agreeing: int, plays: int, z: float = 1.96) -> float:
    """The lower end of a share's 95% Wilson interval; 0 without plays."""
    if not plays:
        return 0.0
    share, room = agreeing / plays, z * z / plays
    return (share + room / 2 - sqrt(room * (share * (1 - share) + room / 4))) / (1 + room)


def told(steps: Sequence[Step], choices: Iterable[str], choice: str) -> bool:
    """Whether a tool told the choice: the last observation that names any of the choices names this one alone."""
    for step in reversed(steps):
        if not step.ok or step.tool in (FINISH, REFLECT):
            continue
        text = f" {normalize(step.observation)} "
        if named := [each for each in choices if f" {normalize(each)} " in text]:
            return named == [choice]
    return False


def _verified(config: LearnConfig, pair: QAPair, plays: Sequence[Trajectory]) -> Verified:
    solves = [(key, play) for play in plays if (key := _key(pair, play.answer or ""))]
    votes = Counter(key for key, _ in solves)
    backed = {key for key, play in solves if told(play.steps, pair.choices, key)}
    key, verdict = _judged(config, pair, votes, backed)
    said = Counter(play.answer or "" for given, play in solves if given == key)
    answer = ((pair.choices and key) or said.most_common(1)[0][0]) if verdict == "replaced" else pair.answer
    total, agreeing = votes.total(), votes[key]
    share = round(agreeing / total, 3) if total else 0.0
    return Verified(pair.id, answer, pair.answer, dict(votes), share, round(lower_bound(agreeing, total), 3), verdict)


def _judged(config: LearnConfig, pair: QAPair, votes: Counter[str], backed: Set[str]) -> tuple[str, Verdict]:
    """The answer that is judged, as a key of the votes, and the verdict; `backed` are the keys that a tool told."""
    written, needed = _key(pair, pair.answer), min(config.verify, config.samples)
    if not needed or config.samples == 1:
        return written, "unchecked"

    def beyond_luck(key: str, verdict: Verdict) -> tuple[str, Verdict]:
        return key, verdict if key in backed or not _by_luck(pair, key, votes) else "lucky"

    enough = [key for key, count in votes.most_common() if count >= needed]
    best = [key for key in enough if votes[key] == votes[enough[0]]]
    if written in (best if config.replace_answers else enough):
        return beyond_luck(written, "confirmed")
    if not enough:
        return written, "unanswerable"
    if not config.replace_answers or len(best) > 1:
        return written, "disputed"
    return beyond_luck(best[0], "replaced")


def _by_luck(pair: QAPair, key: str, votes: Counter[str]) -> bool:
    """Whether guessing would bring as many plays together, where there are few answers to guess from."""
    of = options(pair, key)
    return bool(of) and (votes[key] < 2 or chance(votes[key], votes.total(), of) > LUCK)


def _key(pair: QAPair, answer: str) -> str:
    """What two answers share when the reward holds them for the same; empty for an answer that can never be right."""
    if not pair.choices:
        return normalize(answer)
    choice = choice_index(answer, pair.choices)
    return "" if choice is None else pair.choices[choice]
