"""Play many questions through one graph: bounded, resumable, and blind to gold answers.

    batch = Batch(pairs, samples=2, seed=0, stage="synthesis", settings=Context(temperature=1.0), workers=32)
    play_into(Store(path, Scored), lambda: graph, batch, progress)      # a Scored for each question and sample

The graph is given questions; rewards are computed here, from the finished trajectories. A question whose model's
server failed is not stored, so that a dead server is never a wrong answer; the same call later plays what is missing.
Where a budget is spent no further play begins, and those that were played are the batch.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from autoact.core.budget import Meter, cost_of
from autoact.core.garbage import seldom_collected
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Question, Scored, Trajectory, from_json
from autoact.core.reward import reward_of
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.graph.context import Context
from autoact.graph.state import State
from autoact.graph.tool_report import note_times
from autoact.graph.watch import Watch
from autoact.tools.log import ToolLog


@dataclass(frozen=True, slots=True)
class Job:
    """One question to play once. `seed` makes its draws the same in every run.

    temperature: that of its draws; None is the one of the settings.
    """

    id: str
    question_id: str
    question: Question
    seed: int
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Which questions to play, how often, with what settings, how many at once; samples are numbered from `first`.

    spread: how far the temperatures of a question's samples lie around that of the settings, evenly.
    """

    pairs: Sequence[QAPair]
    samples: int
    seed: int
    stage: str
    settings: Context
    workers: int
    first: int = 0
    spread: float = 0.0

    def jobs(self) -> Iterator[tuple[QAPair, Job]]:
        """Every play, with the pair whose question it is."""
        warmth = temperatures(self.settings.temperature, self.spread, self.samples)
        for pair in self.pairs:
            for job in jobs_for([pair], self.samples, self.seed, self.stage, self.first, warmth):
                yield pair, job


Play = Callable[[Batch, Iterator[Job], Watch, Meter], None]


def play_into(
    store: Store[Scored],
    planner: Callable[[], CompiledStateGraph[Any, Any, Any, Any]],
    batch: Batch,
    progress: Progress,
    meter: Meter | None = None,
) -> Sequence[Scored]:
    """The scored trajectories of a batch, read as they are gone through; what the store holds is not played again.

    `planner` is called only when something is left to play. Raises EndpointError when models failed, after
    everything that could be played was stored. Only what is in flight is held in memory.
    """

    def play_here(batch: Batch, jobs: Iterator[Job], watch: Watch, meter: Meter) -> None:
        play(planner(), jobs, batch.settings, batch.workers, watch, meter)

    return fill(store, batch, play_here, progress, meter or Meter())


def fill(store: Store[Scored], batch: Batch, play: Play, progress: Progress, meter: Meter) -> Sequence[Scored]:
    """The scored trajectories of a batch; `play` plays, here or elsewhere, those that the store lacks."""
    rewards, before = array("d"), Counter(tokens=0, requests=0)
    for scored in store.pick(_stored(batch, store)):
        rewards.append(scored.reward.value)
        before.update(cost_of(scored.trajectory.usage))
    meter.at_least(**before)
    plays, played, total, right = batch.samples * len(batch.pairs), len(rewards), sum(rewards), rewards.count(1.0)
    golds: dict[str, QAPair] = {}

    def tell() -> None:
        progress.advance(played, plays, f"reward {total / played:.3f}, {right} with reward 1" if played else "")

    def missing() -> Iterator[Job]:
        for pair, job in batch.jobs():
            if job.id not in store:
                golds[job.id] = pair
                yield job

    def done(trajectory: Trajectory) -> None:
        nonlocal played, total, right
        scored = Scored(trajectory, reward_of(trajectory.answer, golds.pop(trajectory.id)))
        store.append(scored)
        played, total, right = played + 1, total + scored.reward.value, right + (scored.reward.value == 1)
        tell()

    tell()
    if played < plays and not meter.stop():
        log = ToolLog()
        try:
            play(batch, missing(), Watch(done, log, played), meter)
        finally:
            note_times(store.path, log)
    if meter.stopped:
        told = f"the budget of {meter.exhausted} is spent; {played} of {plays} plays are done"
        progress.say(f"{meter.name}: {told}")
    return store.pick(_stored(batch, store))


def _stored(batch: Batch, store: Store[Scored]) -> Iterator[str]:
    return (job.id for _, job in batch.jobs() if job.id in store)


def jobs_for(
    pairs: Iterable[QAPair], samples: int, seed: int, stage: str, first: int = 0, warmth: Sequence[float | None] = ()
) -> Iterator[Job]:
    """`samples` jobs for each question, the gold answers left behind; `warmth` has the temperature of each."""
    for pair in pairs:
        for sample in range(first, first + samples):
            name = f"{pair.id}/{sample}"
            temperature = warmth[sample - first] if warmth else None
            yield Job(name, pair.id, pair.shown(), seed_of(seed, stage, name), temperature)


def temperatures(middle: float | None, spread: float, samples: int) -> list[float | None]:
    """The temperature of each sample: evenly from `spread` below the middle to as much above it, within [0, 2]."""
    if middle is None or samples == 1:
        return [middle] * samples
    steps = [2 * sample / (samples - 1) - 1 for sample in range(samples)]
    return [min(2.0, max(0.0, middle + spread * step)) for step in steps]


def play(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    jobs: Iterable[Job],
    settings: Context,
    workers: int,
    watch: Watch,
    meter: Meter | None = None,
) -> None:
    """Play every job that `meter` allows. What is handed on of it, and what is raised, graph/watch.py says."""
    asyncio.run(_play(graph, iter(jobs), settings, workers, watch, meter or Meter()))
    watch.close()


async def _play(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    jobs: Iterator[Job],
    settings: Context,
    workers: int,
    watch: Watch,
    meter: Meter,
) -> None:
    async def work() -> None:
        for job in jobs:
            if watch.stopped or meter.stop():
                return
            log = ToolLog()
            trajectory = await play_one(graph, job, settings, log)
            meter.add(**cost_of(trajectory.usage))
            watch.ended(trajectory, log)

    try:
        with seldom_collected():
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
    except ExceptionGroup as problems:
        raise problems.exceptions[0] from None


async def play_one(
    graph: CompiledStateGraph[Any, Any, Any, Any], job: Job, settings: Context, log: ToolLog
) -> Trajectory:
    """One trajectory; `log` counts its tool calls."""
    shown = {name: value for name, value in asdict(job.question).items() if value}
    drawn = {"seed": job.seed} if job.temperature is None else {"seed": job.seed, "temperature": job.temperature}
    context = settings.model_copy(update=drawn)
    started = perf_counter()
    state = await graph.ainvoke(shown, {"callbacks": [log]}, context=context)
    log.close()
    played = trajectory_of(state, job.id, job.question_id)
    return replace(played, tools=log.counts(), seconds=round(perf_counter() - started, 3))


def trajectory_of(state: State | dict[str, Any], trajectory_id: str, question_id: str) -> Trajectory:
    """The trajectory that a final state is."""
    fields = {name: state[name] for name in ("steps", "status", "error", "down", "usage") if name in state}
    known: dict[str, Any] = {
        "id": trajectory_id,
        "question_id": question_id,
        "answer": state.get("answer", ""),
        "steps": [],
    }
    return from_json(Trajectory, known | fields)
