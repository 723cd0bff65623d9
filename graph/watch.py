"""Follow questions as they are played: hand on what may be kept, and stop when the models or the tools are down.

    watch = Watch(done)
    while not watch.stopped:
        watch.ended(trajectory, log)     # done(trajectory), now or later
    watch.close()                        # EndpointError when some could not be played

A server that is gone, a quota that is spent, a fault that meets every question: none of them may look like wrong
answers. A fault that meets one question alone is that question's: its trajectory is kept, with no answer.
"""

from __future__ import annotations

from collections.abc import Callable

from autoact.core.errors import EndpointError
from autoact.core.records import Trajectory
from autoact.tools.log import ToolLog, check

# Servers are given up after so many questions; a fault of ours may well meet some, but not so many in a row.
FAILURES_IN_A_ROW = 5
FAULTS_IN_A_ROW = 20


class Watch:
    """The trajectories of one batch, of which so many were `played` before; `tools` counts its calls.

    `stopped` says that so many failed in a row that the next would, too.
    """

    def __init__(self, done: Callable[[Trajectory], None], tools: ToolLog | None = None, played: int = 0) -> None:
        self.tools = tools or ToolLog()
        self._done = done
        self._row: list[Trajectory] = []
        self._lost: list[Trajectory] = []
        self._held: list[Trajectory] = []
        self._played = played
        self.stopped = False

    def ended(self, trajectory: Trajectory, log: ToolLog) -> None:
        """A question has been played. Raises EndpointError at once when a tool fails in most of its calls."""
        self.tools.take(log)
        if trajectory.status == "error":
            self._failed(trajectory)
            return
        self._played += 1
        self._settle()
        if any(counts["failed"] for counts in trajectory.tools.values()):
            check(self.tools.stats())
        if log.down():
            self._held.append(trajectory)
        else:
            self._done(trajectory)

    def close(self) -> None:
        """Hand on what was held back, if the tools work again. Raises EndpointError when a question was not played."""
        if self._held and self.tools.down(last=2):
            raise EndpointError(
                f"a tool failed in {len(self._held)} of the last questions ({self.tools.last_failure()}); "
                "see to its backend, then run the same command again"
            )
        for trajectory in self._held:
            self._done(trajectory)
        if self._played:
            self._settle()
        self._lost += self._row
        if self._lost:
            raise EndpointError(
                f"{len(self._lost)} questions could not be played ({self._lost[0].error}); "
                "see to the model and run the same command again"
            )

    def _failed(self, trajectory: Trajectory) -> None:
        self._row.append(trajectory)
        if sum(each.down for each in self._row) >= FAILURES_IN_A_ROW or len(self._row) >= FAULTS_IN_A_ROW:
            self.stopped = True
            self._lost += self._row
            self._row.clear()

    def _settle(self) -> None:
        """Tell the failures of a row that has ended apart: the server's are lost, the others are their questions'."""
        for trajectory in self._row:
            if trajectory.down:
                self._lost.append(trajectory)
            else:
                self._done(trajectory)
        self._row.clear()
