"""The plays of one method: those that its store holds, and the others as they are asked for.

    playing = Playing(method, trial, store, graph_of, progress)
    await playing.play(job)      # a trajectory, from the store or played now; None when there is no use in going on
    playing.close()              # EndpointError when models or tools were down

The store is the truth of what was played: a play is in it, flushed, as soon as it is sure to count, so that kill -9
loses none that had ended.
"""

from __future__ import annotations

from collections.abc import Callable

from autoact.core.progress import Progress
from autoact.core.records import Scored, Trajectory
from autoact.core.reward import reward_of
from autoact.core.store import Store
from autoact.eval.methods import Method
from autoact.eval.trial_folder import Trial
from autoact.eval.trials import play_trials
from autoact.graph.run import Job, jobs_for, play_one
from autoact.graph.run_folder import Planner
from autoact.graph.watch import Watch
from autoact.tools.log import ToolLog

GraphOf = Callable[[str], Planner]


class Playing:
    """One method on a trial; `graph_of` gives the graph for a question's id."""

    def __init__(
        self, method: Method, trial: Trial, store: Store[Scored], graph_of: GraphOf, progress: Progress
    ) -> None:
        self.jobs = {job.id: job for job in jobs_for(trial.pairs, trial.epochs, trial.seed, "eval")}
        self.pairs = {pair.id: pair for pair in trial.pairs}
        self._method = method
        self._store = store
        self._graph_of = graph_of
        self._context = trial.context.model_copy(update=dict(method.settings))
        self._progress = progress
        self._problem: Exception | None = None
        stored = store.pick(name for name in self.jobs if name in store)
        self._done = self._right = 0
        self._total = 0.0
        for scored in stored:
            self._count(scored)
        self.watch = Watch(self._keep, played=self._done)
        self._tell()

    async def play(self, name: str) -> Trajectory | None:
        """The trajectory of a job."""
        if name in self._store:
            return self._store[name].trajectory
        if self._problem or self.watch.stopped:
            return None
        job, log = self.jobs[name], ToolLog()
        try:
            trajectory = await self._played(job, log)
            self.watch.ended(trajectory, log)
        except Exception as problem:  # raised by `close`: whoever runs the samples would count it as one's own
            self._problem = self._problem or problem
            return None
        return trajectory

    def close(self) -> None:
        """Store what was held back. Raises what went wrong."""
        if self._problem:
            raise self._problem
        self.watch.close()

    async def _played(self, job: Job, log: ToolLog) -> Trajectory:
        graph = self._graph_of(job.question_id)
        if not self._method.oracle:
            return await play_one(graph, job, self._context, log)
        pair = self.pairs[job.question_id]
        return await play_trials(graph, job, pair, self._context, self._method.trials, log)

    def _keep(self, trajectory: Trajectory) -> None:
        scored = Scored(trajectory, reward_of(trajectory.answer, self.pairs[trajectory.question_id]))
        self._store.append(scored)
        self._count(scored)
        self._tell()

    def _count(self, scored: Scored) -> None:
        self._done += 1
        self._total += scored.reward.value
        self._right += scored.reward.value == 1

    def _tell(self) -> None:
        done = self._done
        note = f"reward {self._total / done:.3f}, {self._right} with reward 1" if done else ""
        self._progress.advance(done, len(self.jobs), note)
