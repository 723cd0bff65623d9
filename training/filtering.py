"""Filtering: which trajectories are learned from, and why each of the others is not (paper §2.3).

    sifted = keep(task.learn, verified, questions, trajectories)
    sifted.trajectories     # reward 1 against the verified answer, clean, not too many of a question
    sifted.dropped[0]       # Dropped("q0000-007/1", "a loop", "Retrieve: Lima")
    sifted.failed           # known to be wrong: for verdicts and preferences

A trajectory is dropped for the first of REASONS that it gives. Without `quality` a reward of 1 is enough, as in the
paper; a shortened prompt is always one too many, since what was sent is then not what would be trained on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from autoact.core.learning import LearnConfig
from autoact.core.records import FINISH, REFLECT, QAPair, Scored, Step, Trajectory
from autoact.core.reward import normalize, reward_of
from autoact.core.seeds import seed_of
from autoact.core.text import line_of
from autoact.training.quarantine import first_order
from autoact.training.verification import Verified, grounded, options, truths

UNVERIFIED, WRONG, SHORTENED = "unverified", "reward below 1", "a shortened prompt"
ORDER, HALTED, LOOP = "instructions in an observation", "halted", "a loop"
UNGROUNDED, GIVEN, FAILED = "ungrounded", "answer in the question", "a failed action"
ENOUGH_OF_ONE, ENOUGH = "enough of its question", "enough in all"
REASONS = (UNVERIFIED, WRONG, SHORTENED, ORDER, HALTED, LOOP, UNGROUNDED, GIVEN, FAILED, ENOUGH_OF_ONE, ENOUGH)
SHOWN = 120


@dataclass(frozen=True, slots=True)
class Dropped:
    """A trajectory that is not learned from, by its id; `detail` says what in it was the reason, if that is to say."""

    id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The trajectories to learn from, and every other one with its reason, both in the order they were given.

    known: all of verified questions whose text may be trained on, right and wrong: what verdicts and preferences are
    learned from. Rewards are against the verified answers.
    """

    trajectories: list[Scored]
    dropped: list[Dropped]
    known: list[Scored]

    @property
    def failed(self) -> list[Scored]:
        """Those known to be wrong."""
        return [scored for scored in self.known if scored.reward.value < 1]

    def counts(self) -> dict[str, int]:
        """How many were dropped for each reason that was met."""
        met = Counter(each.reason for each in self.dropped)
        return {reason: met[reason] for reason in REASONS if met[reason]}


def keep(
    config: LearnConfig, verified: Iterable[Verified], questions: Sequence[QAPair], trajectories: Sequence[Scored]
) -> Kept:
    """Sift the trajectories under the settings.

    Ones with a failed action are kept only where fewer than `min_kept` others are to be had. Of a question at most
    `per_question` are kept, the shortest or the most diverse first, and `max_kept` altogether, of as many questions as
    possible.
    """
    pairs = {pair.id: pair for pair in truths(questions, verified)}
    faults: dict[str, Dropped] = {}
    sound, known = [], []
    for scored in trajectories:
        pair = pairs.get(scored.trajectory.question_id)
        if pair is None:
            faults[scored.id] = Dropped(scored.id, UNVERIFIED)
            continue
        rescored = replace(scored, reward=reward_of(scored.trajectory.answer, pair))
        fault = next(_faults(rescored, pair, config.quality), None)
        if fault:
            faults[scored.id] = fault
        else:
            sound.append(rescored)
        if _may_be_trained_on(scored.trajectory, config.quality):
            known.append(rescored)
    kept, more = _enough(sound, config)
    faults |= more
    return Kept(kept, [faults[each.id] for each in trajectories if each.id in faults], known)


def _faults(scored: Scored, pair: QAPair, quality: bool) -> Iterator[Dropped]:
    """Why a trajectory is not learned from, whatever others there are, the first reason first."""
    trajectory = scored.trajectory
    if scored.reward.value < 1:
        yield Dropped(scored.id, WRONG, line_of(trajectory.answer, SHOWN) if trajectory.answer else "no answer")
    if trajectory.shortened:
        yield Dropped(scored.id, SHORTENED)
    if not quality:
        return
    if order := first_order(trajectory):
        yield Dropped(scored.id, ORDER, f"{order.kind}: {order.words}")
    if trajectory.status == "halted":
        yield Dropped(scored.id, HALTED)
    if loop := _repeated(trajectory.steps):
        yield Dropped(scored.id, LOOP, line_of(f"{loop.tool}: {loop.argument}", SHOWN))
    if not grounded(trajectory.steps):
        yield Dropped(scored.id, UNGROUNDED)
    if answer_given(pair):
        yield Dropped(scored.id, GIVEN, line_of(pair.answer, SHOWN))


def _may_be_trained_on(trajectory: Trajectory, quality: bool) -> bool:
    """Whether the text is what was sent, no model failed in it, and no stranger gives orders in it."""
    return trajectory.status != "error" and not trajectory.shortened and not (quality and first_order(trajectory))


def _repeated(steps: Iterable[Step]) -> Step | None:
    """The first call of a tool that was made before, with the same input and the same observation."""
    seen: set[tuple[str, str, str]] = set()
    for step in steps:
        call = (step.tool, step.argument, step.observation)
        if step.tool not in (FINISH, REFLECT) and call in seen:
            return step
        seen.add(call)
    return None


def answer_given(pair: QAPair) -> bool:
    """Whether the answer stands in the question, and not as one of several: of options, by "or", or as yes or no."""
    question, answer = f" {normalize(pair.question)} ", f" {normalize(pair.answer)} "
    return answer in question and not options(pair, pair.answer) and " or " not in question


def _enough(sound: Sequence[Scored], config: LearnConfig) -> tuple[list[Scored], dict[str, Dropped]]:
    """Those that are kept of the sound ones, and by id why the others are not."""
    clean = [scored for scored in sound if not (config.quality and _failed_actions(scored))]
    chosen, more = _chosen(clean, config)
    if len(chosen) < config.needed and len(clean) < len(sound):
        clean = list(sound)
        chosen, more = _chosen(sound, config)
    counted = {scored.id for scored in clean}
    unclean = {scored.id: Dropped(scored.id, FAILED) for scored in sound if scored.id not in counted}
    return [scored for scored in sound if scored.id in chosen], more | unclean


def _chosen(clean: Sequence[Scored], config: LearnConfig) -> tuple[set[str], dict[str, Dropped]]:
    """The ids of those that are kept, and why the others are not."""
    by_question: dict[str, list[Scored]] = defaultdict(list)
    for scored in clean:
        by_question[scored.trajectory.question_id].append(scored)
    ranked = {
        scored.id: rank
        for group in by_question.values()
        for rank, scored in enumerate(_preferred(group, config.prefer_kept))
    }
    few = [name for name, rank in ranked.items() if not config.per_question or rank < config.per_question]
    few.sort(key=lambda name: (ranked[name], seed_of(config.seed, "filtering", name), name))
    chosen = set(few[: config.max_kept or None])
    spare = {name: Dropped(name, ENOUGH if name in few else ENOUGH_OF_ONE) for name in ranked if name not in chosen}
    return chosen, spare


def _preferred(group: Sequence[Scored], prefer: str) -> list[Scored]:
    """A question's trajectories, the one to keep first first: those without failed actions, short or diverse."""
    ordered = sorted(group, key=lambda scored: (_failed_actions(scored), *_length(scored), scored.id))
    if prefer == "shortest":
        return ordered
    seen: Counter[tuple[tuple[str, str], ...]] = Counter()
    turns = []
    for scored in ordered:
        actions = tuple((step.tool, step.argument) for step in scored.trajectory.steps if step.tool != REFLECT)
        turns.append(seen[actions])
        seen[actions] += 1
    return [scored for _, scored in sorted(zip(turns, ordered, strict=True), key=lambda pair: pair[0])]


def _failed_actions(scored: Scored) -> int:
    return sum(not step.ok for step in scored.trajectory.steps)


def _length(scored: Scored) -> tuple[int, int]:
    """Steps, then characters that the models wrote."""
    steps = scored.trajectory.steps
    return len(steps), sum(len(step.thought) + len(step.argument) for step in steps)
