"""Tool selection by use: sets of tools are tried on the task's own examples, and the best for its cost is taken.

    tried = try_sets(task, model, offered, ("Retrieve", "Calculator"), run / "selection", progress)
    tried[0]     # Tried(tools=("Retrieve", "Lookup"), plays=10, reward=0.8, calls=2.4, tokens=3100.0, score=0.789)

From the set that the META-AGENT named, and then from the best single tool, it goes on to the best set with one tool
more or one less, as long as that is better: at most 1 + t + 2 · m · t sets of t tools on offer where m may be chosen,
each played `samples` times on every example. The examples' answers are the user's, so the rewards are real; but they
are few, and tell only large differences. Each set's plays lie in a file of its own, from which they are gone on with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from autoact.core.budget import Meter
from autoact.core.progress import Progress
from autoact.core.records import Scored, Trajectory
from autoact.core.seeds import seed_of
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.graph.group import group_planning
from autoact.graph.run import Batch, play_into
from autoact.graph.run_folder import settings_of

# Ten calls, or ten thousand tokens, weigh as much as being right in two of a hundred plays: they decide between sets
# that are about as often right, and no more.
COST_OF_A_CALL = COST_OF_A_THOUSAND_TOKENS = 0.002
LONGEST = 200  # bytes of a file's name


@dataclass(frozen=True, slots=True)
class Tried:
    """A set of tools on the examples: mean reward, tool calls and tokens read and written a play, reward less cost."""

    tools: tuple[str, ...]
    plays: int
    reward: float
    calls: float
    tokens: float
    score: float


def try_sets(
    task: Task,
    model: BaseChatModel,
    offered: Sequence[BaseTool],
    named: Sequence[str],
    folder: Path,
    progress: Progress,
    meter: Meter | None = None,
) -> tuple[Tried, ...]:
    """The sets that were tried, the best first; of equals a smaller one. Raises EndpointError when models failed.

    A set that was not played to the end, since `meter` said that the budget is spent, is none of them.
    """
    names = [tool.name for tool in offered]
    tried: dict[tuple[str, ...], Tried] = {}

    def best(*sets: tuple[str, ...]) -> Tried | None:
        for each in sets:
            tools = [tool for tool in offered if tool.name in each]
            if each not in tried and (found := _try(task, model, tools, folder, progress, meter)):
                tried[each] = found
        return min((tried[each] for each in sets if each in tried), key=_order, default=None)

    def climb(current: Tried | None) -> None:
        for _ in range(task.learn.max_tools):
            if current is None:
                return
            before, current = current, best(current.tools, *_neighbours(current.tools, names, task.learn.max_tools))
            if current is before:
                return

    climb(best(_in_order(names, named)))
    climb(best(*((name,) for name in names)))
    return tuple(sorted(tried.values(), key=_order))


def _neighbours(tools: Sequence[str], names: Sequence[str], limit: int) -> Iterator[tuple[str, ...]]:
    """The sets with one tool more, up to a limit, and those with one less."""
    for name in names:
        if name not in tools and len(tools) < limit:
            yield _in_order(names, [*tools, name])
        elif name in tools and len(tools) > 1:
            yield tuple(tool for tool in tools if tool != name)


def _in_order(names: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """A set in the order of the tools on offer, whichever way it was come to."""
    return tuple(name for name in names if name in chosen)


def _order(tried: Tried) -> tuple[float, int]:
    return -tried.score, len(tried.tools)


def _try(
    task: Task,
    model: BaseChatModel,
    tools: Sequence[BaseTool],
    folder: Path,
    progress: Progress,
    meter: Meter | None,
) -> Tried | None:
    """A set on every example; all sets are played with the same seeds."""
    learn = task.learn
    names = tuple(tool.name for tool in tools)
    settings = settings_of(task).model_copy(update={"temperature": learn.temperature})
    spread = learn.temperature_spread
    batch = Batch(task.seeds(), learn.samples, learn.seed, "selection", settings, learn.workers, spread=spread)
    graph = group_planning(model, tools, task.description)
    store = Store(folder / _file_name(names), Scored)
    played = play_into(store, lambda: graph.compile(name="selection"), batch, progress, meter)
    return _scored(names, played) if len(played) == len(batch.pairs) * batch.samples else None


def _file_name(names: Sequence[str]) -> str:
    """The tools' names; cut where no file's name may be as long."""
    name = "+".join(names)
    return f"{name}.jsonl" if len(name.encode()) <= LONGEST else f"{name[:40]}…{seed_of(name)}.jsonl"


def _scored(names: tuple[str, ...], played: Sequence[Scored]) -> Tried:
    plays = len(played)
    reward = sum(scored.reward.value for scored in played) / plays
    calls = sum(_calls(scored.trajectory) for scored in played) / plays
    tokens = sum(_tokens(scored.trajectory) for scored in played) / plays
    score = reward - COST_OF_A_CALL * calls - COST_OF_A_THOUSAND_TOKENS * tokens / 1000
    return Tried(names, plays, round(reward, 4), round(calls, 2), round(tokens, 1), round(score, 4))


def _calls(trajectory: Trajectory) -> int:
    return sum(counts["calls"] for counts in trajectory.tools.values())


def _tokens(trajectory: Trajectory) -> int:
    return sum(spent["input_tokens"] + spent["output_tokens"] for spent in trajectory.usage.values())
