"""One round of learning: play, verify, keep what succeeded, train three adapters on it and on what was kept earlier.

    played = play(work, 0, meta, questions)                # the META-AGENT in all roles
    lessons = [study(work, 0, questions, played, ())]
    questions = asked(written, lessons)                    # new ones, and those that nobody solved yet
    played = play(work, 1, team_of(work, lessons[-1]), questions)
    lessons.append(study(work, 1, questions, played, lessons))

rounds/00/ and rounds/01/ hold what each round played, kept and trained. The samples of a later round are numbered on
from those of the one before, so that no two plays of a run share an id or a seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from langchain_core.tools import BaseTool

from autoact.core.budget import Spending
from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.progress import Progress
from autoact.core.records import Example, Preference, QAPair, Scored, Team
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.graph.group import group_planning
from autoact.graph.run import Batch, play_into
from autoact.graph.run_folder import round_folder, settings_of
from autoact.graph.setup import Models, brief_of
from autoact.training.adapters import train_adapters
from autoact.training.examples import is_held_out, role_examples, save
from autoact.training.filtering import ENOUGH, ENOUGH_OF_ONE, Dropped, Kept, keep
from autoact.training.pairs import role_pairs
from autoact.training.self_instruct import STAGE as SELF_INSTRUCT
from autoact.training.synthesis import STAGE as SYNTHESIS
from autoact.training.synthesis import synthesize
from autoact.training.verification import Verified, truths, verify


@dataclass(frozen=True, slots=True)
class Work:
    """What stays the same over the rounds of a run. `ray` is the cluster that plays; empty plays here."""

    task: Task
    run: Path
    base: str
    tools: Sequence[BaseTool]
    spending: Spending
    progress: Progress
    ray: str = ""

    @property
    def config(self) -> LearnConfig:
        return self.task.learn

    def folder(self, number: int) -> Path:
        """Where a round's files are."""
        return round_folder(self.run, number)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a round brought. `reward` is the team's on the dev questions; None when nobody asked for it."""

    number: int
    questions: Sequence[QAPair]
    trajectories: Sequence[Scored]
    verified: Sequence[Verified]
    sifted: Kept
    examples: Mapping[str, Sequence[Example]]
    adapters: Mapping[str, Mapping[str, Any]]
    reward: float | None = None

    def solved(self) -> set[str]:
        """The questions that a trajectory solves that was kept, or would have been if there were not enough."""
        enough = {each.id for each in self.sifted.dropped if each.reason in (ENOUGH, ENOUGH_OF_ONE)}
        spare = (scored for scored in self.trajectories if scored.id in enough)
        return {scored.trajectory.question_id for scored in (*self.sifted.trajectories, *spare)}


def asked(written: Sequence[QAPair], lessons: Sequence[Lesson]) -> list[QAPair]:
    """A round's questions: those that are new, and those of earlier rounds that nobody has solved."""
    asked_before = {pair.id for lesson in lessons for pair in lesson.questions}
    solved = {name for lesson in lessons for name in lesson.solved()}
    unsolved = [pair for pair in written if pair.id in asked_before and pair.id not in solved]
    return [*(pair for pair in written if pair.id not in asked_before), *unsolved]


def play(
    work: Work, number: int, speakers: Models, questions: Sequence[QAPair], team: Team | None = None
) -> list[Scored]:
    """A trajectory for each question and sample of a round; `team` is whose models the speakers are, if a team's.

    Raises EndpointError when models failed, and RunError when a budget left no play.
    """
    with work.spending.stage(*stage_of(SYNTHESIS, number, work.progress)) as meter:
        if work.ray:
            from autoact.training.ray_play import synthesize_on_ray

            where = (work.folder(number), work.progress, number, meter, team, work.run)
            return synthesize_on_ray(work.task, work.ray, work.tools, questions, *where)
        return synthesize(work.task, speakers, work.tools, questions, work.folder(number), work.progress, number, meter)


def stage_of(name: str, number: int, progress: Progress) -> tuple[str, Progress, str]:
    """How a stage of a round is measured: by itself, with the budget of its kind."""
    return (f"{name}, round {number}" if number else name), progress, name


def study(
    work: Work, number: int, questions: Sequence[QAPair], trajectories: Sequence[Scored], lessons: Sequence[Lesson]
) -> Lesson:
    """Keep, make examples of what all rounds have brought, train. Raises RunError when too few were kept."""
    folder = work.folder(number)
    with work.spending.stage("filtering", work.progress):
        verified = verify(work.config, questions, trajectories)
        sifted = keep(work.config, verified, questions, trajectories)
        if not lessons:
            _refuse_short_play(sifted.trajectories, work)
        save(folder / "verified.jsonl", Verified, verified)
        save(folder / "dropped.jsonl", Dropped, sifted.dropped)
        kept = save(folder / "kept.jsonl", Scored, sifted.trajectories)
        work.progress.advance(len(kept), len(trajectories), "kept")
        if not lessons:
            _require(kept, work)
        known = _known([*lessons, Lesson(number, questions, trajectories, verified, sifted, {}, {})])
        examples = role_examples(brief_of(work.task.description, list(work.tools)), *known, work.config)
        for role, items in examples.items():
            save(folder / f"{role}.jsonl", Example, list(items))
    with work.spending.stage(*stage_of("training", number, work.progress)) as meter:
        record = folder / "adapters.json"
        adapters = train_adapters(examples, work.base, work.config, work.run, record, work.progress, meter=meter)
    if work.config.prefer:
        adapters = _preferred(work, number, known, adapters)
    return Lesson(number, questions, trajectories, verified, sifted, examples, adapters)


def _preferred(work: Work, number: int, known: Known, adapters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The adapters after preference training. Raises RunError when its budget is spent before."""
    from autoact.training.preferences import prefer_adapters

    folder = work.folder(number)
    with work.spending.stage(*stage_of("preferences", number, work.progress)) as meter:
        pairs = role_pairs(brief_of(work.task.description, list(work.tools)), *known, work.config)
        for role, items in pairs.items():
            save(folder / f"{role}.pairs.jsonl", Preference, items)
        record, method = folder / "preferred.json", work.config.prefer or "dpo"
        return prefer_adapters(method, pairs, work.base, adapters, work.config, work.run, record, work.progress, meter)


def measured(work: Work, lesson: Lesson, first: Lesson, speakers: Models) -> Lesson:
    """The lesson with its team's mean greedy reward on the first round's questions that nothing is trained on.

    Their answers are those of the first round, verified or not: of the verified alone there are few, and easy ones.
    Raises RunError when the budget left some of them unplayed, by which rounds cannot be compared.
    """
    config, dev = work.config, dev_questions(work, first)
    with work.spending.stage(*stage_of("dev reward", lesson.number, work.progress)) as meter:
        batch = Batch(dev, 1, config.seed, "dev", settings_of(work.task), config.workers)
        store = Store(work.folder(lesson.number) / "dev.jsonl", Scored)
        graph = group_planning(speakers, work.tools, work.task.description)
        played = play_into(store, lambda: graph.compile(name="dev"), batch, work.progress, meter)
        if len(played) < len(dev):
            raise RunError(
                f"{work.run}: the budget of {meter.exhausted} for dev reward is spent with {len(played)} of {len(dev)} "
                f"questions played; raise learn.budgets of dev reward to go on, or end with --rounds "
                f"{max(lesson.number, 1)}"
            )
    return replace(lesson, reward=sum(scored.reward.value for scored in played) / len(played))


def dev_questions(work: Work, first: Lesson) -> list[QAPair]:
    """The questions that rounds are measured on; none when all of them are trained on."""
    answers = {each.id: each.answer for each in first.verified}
    held_out = [pair for pair in first.questions if is_held_out(pair.id, work.config.held_out, work.config.seed)]
    return [replace(pair, answer=answers[pair.id]) for pair in held_out]


def rising(lessons: Sequence[Lesson]) -> bool:
    """Whether the last round's team is better than those before it."""
    rewards = [lesson.reward or 0.0 for lesson in lessons]
    return len(rewards) == 1 or rewards[-1] > max(rewards[:-1])


def best(lessons: Sequence[Lesson]) -> Lesson:
    """The round with the highest reward, the first of equals."""
    return max(lessons, key=lambda lesson: lesson.reward or 0.0)


def team_of(work: Work, lesson: Lesson) -> Team:
    """The team that a round has trained."""
    from autoact.models.weights import model_hash

    return Team(
        base=work.base,
        base_hash=model_hash(work.base),
        adapters={role: str(trained["path"]) for role, trained in lesson.adapters.items()},
        tools=tuple(tool.name for tool in work.tools),
        task=work.task.name,
        settings=work.config.model_dump(mode="json"),
        round=lesson.number,
    )


class Known(NamedTuple):
    """What all rounds have brought: questions with the answers that hold, trajectories of them, and the kept ones."""

    questions: list[QAPair]
    trajectories: list[Scored]
    kept: list[Scored]


def _known(lessons: Sequence[Lesson]) -> Known:
    pairs = {pair.id: pair for lesson in lessons for pair in truths(lesson.questions, lesson.verified)}
    return Known(
        list(pairs.values()),
        [scored for lesson in lessons for scored in lesson.sifted.known],
        [scored for lesson in lessons for scored in lesson.sifted.trajectories],
    )


def _refuse_short_play(kept: Sequence[Scored], work: Work) -> None:
    """Raises RunError when a budget ended play, or writing, before enough was kept; reopens it for a larger one."""
    for stage in (SYNTHESIS, SELF_INSTRUCT):
        budget = work.spending.spent(stage).closed
        if budget and len(kept) < work.config.needed:
            work.spending.reopen(stage)
            raise RunError(
                f"{work.run}: only {len(kept)} trajectories were kept, {work.config.needed} are needed to train, and "
                f"{stage} ended because its budget of {budget} was spent; raise learn.budgets of {stage} to go on"
            )


def _require(kept: Sequence[Scored], work: Work) -> None:
    if len(kept) < work.config.needed:
        raise RunError(
            f"{work.run}: only {len(kept)} trajectories were kept, {work.config.needed} are needed to train; "
            "learn again into another --out with more learn.questions or learn.samples, or with a stronger model"
        )
