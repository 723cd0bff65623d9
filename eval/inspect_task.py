"""One method on a benchmark as a task of Inspect AI: our graph is its solver, our rewards are its scorers.

    with inspect_home():
        log = play_samples(playing, "autoact", metadata, epochs=3, workers=32, folder=Path("logs"))

A sample is a question, an epoch a play of it. The solver takes a play from the store or has it played; Inspect bounds
how many are under way, computes the metrics with their standard errors, and writes the log that its viewer shows.

The log names no model of Inspect's: a role there is a model that Inspect calls, and ours are called by LangGraph. Who
spoke is in each message, and the base and adapters with their hashes are in the task's metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoact.core.garbage import seldom_collected
from autoact.core.records import QAPair, Trajectory, to_json
from autoact.core.reward import reward_of
from autoact.core.text import storable
from autoact.eval.inspect_messages import author_of, messages_of
from autoact.eval.playing import Playing
from autoact.prompts.render import question_text

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import Scorer
    from inspect_ai.solver import Generate, Solver, TaskState


def play_samples(
    playing: Playing, name: str, metadata: Mapping[str, Any], epochs: int, workers: int, folder: Path
) -> Path:
    """Play what is missing and write a log of everything into a folder; gives its path.

    Raises KeyboardInterrupt, and RuntimeError when Inspect itself failed; `playing.close` raises the rest.
    """
    import inspect_ai

    task = task_of(playing, name, metadata, epochs)
    with seldom_collected():
        logs = inspect_ai.eval(
            task,
            model=None,
            display="none",
            log_level="error",
            log_dir=str(folder),
            log_format="eval",
            log_realtime=False,
            log_images=False,
            ctl_server=False,
            score_display=False,
            max_samples=workers,
            fail_on_error=False,
            score_on_error=True,
        )
    if not logs or logs[0].status == "cancelled":
        raise KeyboardInterrupt  # which Inspect takes for itself
    log = logs[0]
    if log.error is not None:
        raise RuntimeError(f"Inspect AI could not write the log: {log.error.message}")
    return Path(log.location)


def task_of(playing: Playing, name: str, metadata: Mapping[str, Any], epochs: int) -> Task:
    """The task of one method."""
    from inspect_ai import Epochs, Task
    from inspect_ai.dataset import MemoryDataset
    from inspect_ai.viewer import ViewerConfig

    pairs = playing.pairs
    levels = any(pair.level for pair in pairs.values())
    return Task(
        name=name,
        dataset=MemoryDataset([sample_of(pair) for pair in pairs.values()], name=str(metadata.get("benchmark", ""))),
        solver=graph_solver(playing),
        scorer=scorers(pairs, levels),
        epochs=Epochs(epochs, "mean"),
        metadata=dict(metadata),
        # What models and tools wrote is shown as plain text.
        viewer=ViewerConfig(trust_content=False),
    )


def sample_of(pair: QAPair) -> Sample:
    """A question, as it is shown, and its gold answer."""
    from inspect_ai.dataset import Sample

    return Sample(
        id=pair.id,
        input=storable(question_text(pair.shown())),
        choices=[storable(choice) for choice in pair.choices] or None,
        target=storable(pair.answer),
        metadata={"level": pair.level},
    )


def graph_solver(playing: Playing) -> Solver:
    """Our graph as a solver; a play that ended in an error is that sample's error."""
    from inspect_ai.solver import solver

    @solver(name="graph")
    def graph() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001
            trajectory = await playing.play(f"{state.sample_id}/{state.epoch - 1}")
            if trajectory is not None:
                show(state, trajectory)
                if trajectory.status == "error":
                    raise RuntimeError(storable(trajectory.error))
            return state

        return solve

    return graph()


def show(state: TaskState, trajectory: Trajectory) -> None:
    """Put a trajectory where the viewer shows it."""
    from inspect_ai.model import ModelOutput

    author = author_of(trajectory.steps[-1]) if trajectory.steps else ""
    state.messages += messages_of(trajectory)
    state.output = ModelOutput.from_content(author, storable(trajectory.answer))
    kept = ("status", "usage", "tools", "seconds")
    state.metadata.update({name: value for name, value in to_json(trajectory).items() if name in kept})


def scorers(pairs: Mapping[str, QAPair], levels: bool) -> Sequence[Scorer]:
    """The reward, by level too if questions have one, and exact match."""
    from inspect_ai.scorer import Score, Target, grouped, mean, scorer, stderr

    by_level = [grouped(mean(), "level", all=False)] if levels else []

    @scorer(metrics=[mean(), stderr(), *by_level])
    def reward() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
            given = state.output.completion
            return Score(value=reward_of(given, pairs[str(state.sample_id)]).value, answer=given)

        return score

    @scorer(metrics=[mean(), stderr()])
    def exact() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001
            given = state.output.completion
            return Score(value=float(reward_of(given, pairs[str(state.sample_id)]).exact), answer=given)

        return score

    return [reward(), exact()]
