"""Synthesis: the META-AGENT, or in later rounds the team, plays its questions in all three roles (paper §2.3).

    for scored in synthesize(…): scored.trajectory, scored.reward

The graph is group planning itself; the reward compares an answer with the question's own (self-instructed) one. What
shards have played beside (training/sharding.py) is taken over before the rest is played.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from langchain_core.tools import BaseTool

from autoact.core.budget import Meter
from autoact.core.errors import RunError
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.graph.group import group_planning
from autoact.graph.run import Batch, Job, Play, fill, play
from autoact.graph.run_folder import settings_of
from autoact.graph.setup import Models
from autoact.graph.watch import Watch
from autoact.training.merge import origin_of, take_shards

STAGE: Final = "synthesis"
RECORDS = "trajectories.jsonl"


def synthesize(
    task: Task,
    speakers: Models,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    progress: Progress,
    number: int = 0,
    meter: Meter | None = None,
) -> list[Scored]:
    """A trajectory for each question and sample, with its reward; fewer if `meter` said that the budget is spent.

    `speakers` is the META-AGENT, or a model for each role; `number` is that of the round. Raises EndpointError when
    models failed, and RunError when a budget left no play at all or a shard is of another run.
    """

    def play_here(batch: Batch, jobs: Iterator[Job], watch: Watch, meter: Meter) -> None:
        graph = group_planning(speakers, tools, task.description).compile(name="synthesis")
        play(graph, jobs, batch.settings, batch.workers, watch, meter)

    return played(play_here, task, tools, questions, folder, progress, number, meter)


def played(
    play: Play,
    task: Task,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    progress: Progress,
    number: int = 0,
    meter: Meter | None = None,
) -> list[Scored]:
    """`synthesize`, wherever `play` plays what is missing. Raises as that does."""
    meter = meter or Meter(STAGE)
    store = Store(folder / RECORDS, Scored)
    if not meter.closed:  # what came later would change the input of the stages that have followed
        take_shards(folder, origin_of(task, tools, questions, number), store, progress)
    batch = batch_of(task, questions, number)
    store.refuse_strangers(job.id for _, job in batch.jobs())
    trajectories = list(fill(store, batch, play, progress, meter))
    if meter.stopped and not trajectories:
        raise RunError(f"{folder}: the budget of {meter.exhausted} left no play; raise learn.budgets of {STAGE}")
    return trajectories


def batch_of(task: Task, questions: Sequence[QAPair], number: int) -> Batch:
    """What a round plays; its samples are numbered on from those of the round before."""
    learn = task.learn
    return Batch(
        questions,
        learn.samples,
        learn.seed,
        STAGE,
        settings_of(task).model_copy(update={"temperature": learn.temperature}),
        learn.workers,
        first=number * learn.samples,
        spread=learn.temperature_spread,
    )
