"""Demonstrations that prompted methods are shown: the run's own kept trajectories, or a file of the user's.

shots_of(run, 2, seed=0)                # the default: no question of the user's is spent on it
load_shots(Path("shots.jsonl"))         # {"question", "answer"[, "choices", …], "steps": [{"thought", "tool",
                                        #  "argument", "observation"}, …]} a line, ending in Finish
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autoact.core.errors import RunError, TaskError
from autoact.core.records import FINISH, REFLECT, Demonstration, QAPair, Scored, Step, from_json
from autoact.core.reward import reward_of
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.core.task import check_choices, qa_pair, read_lines
from autoact.graph.run_folder import RunFolder


def load_shots(path: Path) -> tuple[Demonstration, ...]:
    """The demonstrations of a JSONL file. Raises TaskError naming the line."""
    shots = []
    for number, data in read_lines(path):
        try:
            shots.append(_shot(data))
        except ValueError as problem:
            raise TaskError(f"{path} line {number}: {problem}") from None
    if not shots:
        raise TaskError(f"{path} holds no demonstration; give one a line, with question, answer and steps")
    return tuple(shots)


def check_shots(shots: Iterable[Demonstration], tools: Sequence[str]) -> None:
    """Raises TaskError when a demonstration uses a tool that there is not."""
    for shot in shots:
        for step in shot.steps:
            if step.tool not in (*tools, FINISH):
                known = ", ".join(tools)
                raise TaskError(
                    f"the demonstration {shot.question.question!r:.60} uses {step.tool!r:.40}, which is no tool of the "
                    f"run ({known}); correct it or leave it out"
                )


def shots_of(run: RunFolder, count: int, seed: int) -> tuple[Demonstration, ...]:
    """So many of the run's own right trajectories, without detours, that differ in question, tools and length.

    The same for a seed. Raises RunError when the run has too few.
    """
    pairs = {pair.id: pair for pair in Store(run.path / "questions.jsonl", QAPair)}
    played = [scored for path in sorted(run.path.glob("rounds/*/kept.jsonl")) for scored in Store(path, Scored)]
    clean: dict[str, Scored] = {}
    for scored in sorted(played, key=lambda scored: seed_of(seed, "shots", scored.id)):
        if _is_clean(scored):
            clean.setdefault(scored.trajectory.question_id, scored)
    if len(clean) < count:
        raise RunError(
            f"{run.path} has {len(clean)} trajectories that can be shown (right at once, no action failed) and "
            f"{count} are needed; give a file of demonstrations with --shots"
        )
    return _varied([_demonstrated(pairs[name], scored) for name, scored in clean.items()], count)


def _shot(data: Any) -> Demonstration:
    """A line of a user's file. Raises ValueError."""
    pair = qa_pair(data, "", "example")
    check_choices(pair)
    steps = data.get("steps")
    if not isinstance(steps, list) or not steps:
        raise ValueError("steps must be a list of {thought, tool, argument, observation}, ending in Finish")
    played = tuple(from_json(Step, step) for step in steps)
    names = [step.tool for step in played]
    if REFLECT in names or FINISH in names[:-1] or names[-1] != FINISH:
        raise ValueError("steps must end in their only Finish, and hold no Reflect")
    if reward_of(played[-1].argument, pair).value < 1:
        raise ValueError(f"the last step finishes with {played[-1].argument!r:.60}, and the answer is another")
    return Demonstration(pair.shown(), pair.answer, played)


def _is_clean(scored: Scored) -> bool:
    """Right at its first Finish, no action failed, and shown to the models as it is on disk."""
    steps = scored.trajectory.steps
    finished = [step.tool for step in steps].count(FINISH) == 1
    return finished and scored.reward.value == 1 and all(step.ok for step in steps) and not scored.trajectory.shortened


def _demonstrated(pair: QAPair, scored: Scored) -> Demonstration:
    """A trajectory up to its Finish: a demonstration shows how to answer, not how to judge."""
    steps = tuple(step for step in scored.trajectory.steps if step.tool != REFLECT)
    return Demonstration(pair.shown(), pair.answer, steps)


def _varied(shots: Sequence[Demonstration], count: int) -> tuple[Demonstration, ...]:
    """Each time the first of those that add most: tools not shown yet, then a length not shown yet."""
    chosen: list[Demonstration] = []
    left = list(shots)
    for _ in range(count):
        tools = {step.tool for shot in chosen for step in shot.steps}
        lengths = {len(shot.steps) for shot in chosen}
        best = max(left, key=lambda shot: (len({s.tool for s in shot.steps} - tools), len(shot.steps) not in lengths))
        chosen.append(best)
        left.remove(best)
    return tuple(chosen)
