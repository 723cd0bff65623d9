"""Synthesis: the META-AGENT plays its questions in all three roles (paper §2.3).

    for scored in synthesize(…): scored.trajectory, scored.reward

The graph is group planning itself; the reward compares an answer with the question's own (self-instructed) one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from langchain_core.tools import BaseTool

from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.graph.group import group_planning
from autoact.graph.run import Batch, play_into
from autoact.graph.run_folder import settings_of
from autoact.graph.setup import Models


def synthesize(
    task: Task,
    speakers: Models,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    progress: Progress,
    number: int = 0,
) -> list[Scored]:
    """A scored trajectory for each question and sample of a round. Raises EndpointError when models failed."""
    settings = settings_of(task).model_copy(update={"temperature": task.learn.temperature})
    samples = task.learn.samples
    batch = Batch(questions, samples, task.learn.seed, "synthesis", settings, task.learn.workers, number * samples)
    store = Store(folder / "trajectories.jsonl", Scored)
    graph = group_planning(speakers, tools, task.description)
    return list(play_into(store, lambda: graph.compile(name="synthesis"), batch, progress))
