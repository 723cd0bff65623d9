"""Synthesis and filtering: the META-AGENT plays its questions in all three roles, and reward 1 is kept (§2.3).

    for scored in synthesize(…): scored.trajectory, scored.reward
    kept = keep(trajectories)

The graph is group planning itself. The reward compares the answer with the question's own (self-instructed)
answer, outside the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored, Trajectory
from autoact.core.reward import reward_of
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.graph.group import group_planning
from autoact.graph.run import jobs_for, play
from autoact.graph.run_folder import settings_of


def synthesize(
    task: Task,
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    progress: Progress,
) -> list[Scored]:
    """A trajectory for each question and sample, with its reward. Raises EndpointError when models failed."""
    store = Store(folder / "trajectories.jsonl", Scored)
    pairs = {pair.id: pair for pair in questions}
    jobs = list(jobs_for(questions, task.learn.samples, task.learn.seed, "synthesis"))
    right = sum(scored.reward.value == 1 for scored in store)

    def done(trajectory: Trajectory) -> None:
        nonlocal right
        reward = reward_of(trajectory.answer, pairs[trajectory.question_id])
        store.append(Scored(trajectory, reward))
        right += reward.value == 1
        progress.advance(len(store), len(jobs), f"reward 1: {right}")

    graph = group_planning(model, tools, task.description).compile(name="synthesis")
    settings = settings_of(task).model_copy(update={"temperature": task.learn.temperature})
    play(graph, [job for job in jobs if job.id not in store], settings, task.learn.workers, done)
    return [store[job.id] for job in jobs]


def keep(trajectories: Iterable[Scored]) -> list[Scored]:
    """Those with reward 1 that came to an end by themselves."""
    return [s for s in trajectories if s.reward.value == 1 and s.trajectory.status != "halted"]
