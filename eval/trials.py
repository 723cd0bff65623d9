"""Play a question once, or, for a method that gold tells whether it failed, until it is right or its trials are spent.

    trajectory = await play_trials(graph, job, pair, settings, method.trials, ToolLog())

The graph never sees the answer: only this loop does, and all it tells is that the steps so far were not enough.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from time import perf_counter

from autoact.core.records import QAPair, Trajectory
from autoact.core.reward import reward_of
from autoact.graph.context import Context
from autoact.graph.run import Job, trajectory_of
from autoact.graph.run_folder import Planner
from autoact.graph.state import Usage, add_usage
from autoact.tools.log import ToolLog


async def play_trials(
    graph: Planner, job: Job, pair: QAPair, settings: Context, trials: int, log: ToolLog
) -> Trajectory:
    """One trajectory over all its trials; `log` counts their tool calls. What a trial cost, they cost together."""
    asked = {name: value for name, value in asdict(job.question).items() if value}
    context = settings.model_copy(update={"seed": job.seed})
    usage: Usage = {}
    started = perf_counter()
    for _ in range(trials):
        state = await graph.ainvoke(asked, {"callbacks": [log]}, context=context)
        usage = add_usage(usage, state.get("usage", {}))
        if state["status"] == "error" or reward_of(state.get("answer", ""), pair).value == 1:
            break
        asked["tried"] = state["steps"]
    log.close()
    played = trajectory_of({**state, "usage": usage}, job.id, job.question_id)
    return replace(played, tools=log.counts(), seconds=round(perf_counter() - started, 3))
