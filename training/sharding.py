"""A shard of synthesis on one of several machines, each with the run folder or a copy of it.

    autoact learn task.yaml --out RUN --until "tool selection"     # once: the questions and tools that all share
    autoact learn task.yaml --out RUN --shard 1/2                  # on one machine
    autoact learn task.yaml --out RUN --shard 2/2                  # on another
    autoact learn task.yaml --out RUN                              # takes over what they played, and goes on

A shard writes to its own folder, RUN/rounds/00/shards/1-of-2/, and holds no lock but that folder's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from autoact.core.budget import Spending
from autoact.core.errors import RunError
from autoact.core.learning import Budget
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored
from autoact.core.shard import Shard, take_over
from autoact.core.store import Store, read_json, read_record
from autoact.core.task import Task
from autoact.graph.setup import Models
from autoact.models.load import close_model, load_model
from autoact.tools.toolbox import offered_tools
from autoact.training.claim import refuse_other_tools
from autoact.training.merge import claim, origin_of
from autoact.training.selection import Selection, usable
from autoact.training.synthesis import RECORDS, STAGE, synthesize


def learn_shard(
    task: Task, run: Path, shard: Shard, progress: Progress, model: BaseChatModel | None = None
) -> list[Scored]:
    """Play a shard of the run's first round, or go on with it. `model` replaces the task's META-AGENT.

    Raises UserError when the run's questions and tools are not there yet, and EndpointError when models failed.
    """
    questions, selected = _input(task, run)
    tools = usable(offered_tools(task), selected)
    refuse_other_tools(run, [tool.name for tool in tools])
    meta = model or load_model(task.model_spec(), task.endpoint)
    folder = run / "rounds" / "00"
    trajectories = play_shard(task, meta, tools, questions, folder, shard, progress)
    if meta is not model:
        close_model(meta)
    progress.say(
        f"shard {shard.number}/{shard.count}: {len(trajectories)} plays are in {folder / 'shards' / shard.name}; when "
        "the folders of all shards lie there, run the same command without --shard"
    )
    return trajectories


def play_shard(
    task: Task,
    model: Models,
    tools: Sequence[BaseTool],
    questions: Sequence[QAPair],
    folder: Path,
    shard: Shard,
    progress: Progress,
) -> list[Scored]:
    """The trajectories of the shard's share of `questions`, which are those of the whole round in `folder`.

    What the round itself has played is not played again. A budget of tokens or requests is shared out. Raises RunError
    when another process is at the shard or it was played for something else, and as `synthesize` does.
    """
    home, share = folder / "shards" / shard.name, shard.share(questions)
    mine = {pair.id for pair in share}
    with locked(home):
        claim(home, origin_of(task, tools, questions, 0))
        done, own = Store(folder / RECORDS, Scored), Store(home / RECORDS, Scored)
        take_over(own, done, progress, lambda scored: scored.trajectory.question_id in mine)
        spending = Spending(home / "spent.json", {STAGE: _part(task.learn.budgets.get(STAGE, Budget()), shard.count)})
        with spending.stage(STAGE, progress) as meter:
            return synthesize(task, model, tools, share, home, progress, meter=meter)


def _input(task: Task, run: Path) -> tuple[list[QAPair], tuple[str, ...]]:
    """The questions and the tools' names of a run that has come as far as tool selection. Raises RunError."""
    for name in ("task.json", "questions.jsonl", "tools.json"):
        if not (run / name).exists():
            raise RunError(
                f"{run} has no {name} yet, which shards share; run `autoact learn {task.file} --out {run} "
                '--until "tool selection"` first'
            )
    found = read_json(run / "task.json")
    if not isinstance(found, dict) or found.get("play") != task.fingerprint(play=True):
        raise RunError(f"{run} is a run of another task or of other settings; choose another --out")
    if closed := Spending(run / "spent.json").spent(STAGE).closed:
        raise RunError(f"{run}: synthesis is over, since its budget of {closed} is spent; leave --shard out to go on")
    if (run / "rounds" / "00" / "verified.jsonl").exists():
        raise RunError(
            f"{run}: the first round is played and filtered, so it has no shards; leave --shard out to go on"
        )
    return list(Store(run / "questions.jsonl", QAPair)), read_record(run / "tools.json", Selection).tools


def _part(budget: Budget, count: int) -> Budget:
    """What one of `count` shards may spend; each has all of the time."""
    return Budget(seconds=budget.seconds, tokens=-(-budget.tokens // count), requests=-(-budget.requests // count))
