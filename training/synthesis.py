"""Synthesis and filtering: the META-AGENT plays its questions in all three roles, and reward 1 is kept (§2.3).

    for scored in synthesize(…): scored.trajectory, scored.reward
    kept = keep(trajectories, enough=100)

The graph is group planning itself; the reward compares an answer with the question's own (self-instructed) one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.graph.group import group_planning
from autoact.graph.run import Batch, play_into
from autoact.graph.run_folder import settings_of


@dataclass(frozen=True, slots=True)
class Kept:
    """The trajectories to learn from, and why the others were dropped."""

    trajectories: list[Scored]
    dropped: dict[str, int]


def synthesize(
    task: Task,
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    progress: Progress,
) -> list[Scored]:
    """A trajectory for each question and sample, with its reward. Raises EndpointError when models failed."""
    settings = settings_of(task).model_copy(update={"temperature": task.learn.temperature})
    batch = Batch(questions, task.learn.samples, task.learn.seed, "synthesis", settings, task.learn.workers)
    store = Store(folder / "trajectories.jsonl", Scored)
    graph = group_planning(model, tools, task.description)
    return play_into(store, lambda: graph.compile(name="synthesis"), batch, progress)


def keep(trajectories: Sequence[Scored], enough: int) -> Kept:
    """Those with reward 1, played on whole prompts, that came to an end by themselves and in which no action failed.

    Where `enough` such are not to be had, ones with failed actions are kept too.
    """
    right = [scored for scored in trajectories if scored.reward.value == 1]
    whole = [scored for scored in right if not scored.trajectory.shortened]
    ended = [scored for scored in whole if scored.trajectory.status != "halted"]
    clean = [scored for scored in ended if all(step.ok for step in scored.trajectory.steps)]
    kept = clean if len(clean) >= enough else ended
    dropped = {
        "reward below 1": len(trajectories) - len(right),
        "a shortened prompt": len(right) - len(whole),
        "halted": len(whole) - len(ended),
        "a failed action": len(ended) - len(kept),
    }
    return Kept(kept, dropped)
