"""How the tools do over a run: calls, errors, timeouts, latency by tool; a run stops when a tool fails too often.

    log = ToolLog()
    graph.invoke(question, {"callbacks": [log]})
    log.stats()["Search"]         # ToolStats(calls=40, refused=2, failed=1, timeouts=0, p50=0.21, p95=0.84, …)
    check(log.stats())            # EndpointError once a tool failed in half of its last calls

What is refused is the planner's doing (no such page, bad input); what failed is not (quota, key, timeout, a bug).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from langgraph.errors import GraphBubbleUp
from pydantic import ValidationError

from autoact.core.errors import EndpointError
from autoact.tools.failures import ToolFailure, ToolTimeout

WINDOW = 40
FEWEST = 10
THRESHOLD = 0.5
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class ToolStats:
    """One tool's calls; times in seconds. `recent` is the share that failed of the last 40."""

    calls: int
    refused: int
    failed: int
    timeouts: int
    unfinished: int
    p50: float
    p95: float
    recent: float
    last_failure: str


@dataclass(slots=True)
class _Count:
    calls: int = 0
    refused: int = 0
    failed: int = 0
    timeouts: int = 0
    running: int = 0
    last_failure: str = ""
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    down: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))


class ToolLog(BaseCallbackHandler):
    """A LangChain callback handler that counts; it may be shared by all threads and loops of a run."""

    run_inline = True
    # Asked before each event of a run, of which most are none of ours.
    ignore_llm = ignore_chain = ignore_retriever = ignore_chat_model = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, _Count] = {}
        self._started: dict[UUID, tuple[str, float]] = {}

    def on_tool_start(self, serialized: dict[str, Any], input_str: str, *, run_id: UUID, **_: Any) -> None:
        """A tool begins."""
        del input_str
        name = str(serialized.get("name", ""))
        with self._lock:
            count = self._counts.setdefault(name, _Count())
            count.calls += 1
            count.running += 1
            self._started[run_id] = (name, time.perf_counter())

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """A tool has answered; one that turned its error into a message was refused."""
        refused = isinstance(output, ToolMessage) and output.status == "error"
        self._ended(run_id, ToolException(str(output.text)) if refused else None)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """A tool has raised; an interrupt of the graph is no error."""
        self._ended(run_id, None if isinstance(error, GraphBubbleUp) else error)

    def take(self, other: ToolLog) -> None:
        """Add what the log of a question that has ended counted; calls that never ended were given up as too late."""
        other.close()
        with self._lock, other._lock:
            for name, more in other._counts.items():
                _add(self._counts.setdefault(name, _Count()), more)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """What was counted of calls that have ended, as JSON: for another process to `take`."""
        with self._lock:
            counted = {name: asdict(count) for name, count in self._counts.items()}
        return {name: {what: _plain(value) for what, value in of.items()} for name, of in counted.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Mapping[str, Any]]) -> ToolLog:
        """The log that `to_json` was asked for."""
        log = cls()
        for name, of in data.items():
            count = log._counts.setdefault(name, _Count())
            for what, value in of.items():
                current = getattr(count, what)
                setattr(count, what, deque(value, current.maxlen) if isinstance(current, deque) else value)
        return log

    def close(self) -> None:
        """Count the calls that still run as timeouts: whoever made them has gone on without them."""
        with self._lock:
            for name, _ in self._started.values():
                self._counts[name].running -= 1
                _fail(self._counts[name], ToolTimeout(f"{name} took longer than it may"))
            self._started.clear()

    def down(self, last: int = WINDOW) -> bool:
        """Whether a backend failed one of a tool's last calls: a quota, a key, a server that is gone.

        A tool that breaks on an input, or takes too long over it, may do so for ever, and nobody need be waited for.
        """
        with self._lock:
            return any(any(list(count.down)[-last:]) for count in self._counts.values())

    def last_failure(self) -> str:
        """How a tool failed last."""
        with self._lock:
            return next((f"{name}: {c.last_failure[:200]}" for name, c in self._counts.items() if c.last_failure), "")

    def counts(self) -> dict[str, dict[str, int]]:
        """The counts alone, by tool: what is the same each time the same is played."""
        with self._lock:
            return {
                name: {"calls": c.calls, "refused": c.refused, "failed": c.failed, "timeouts": c.timeouts}
                for name, c in sorted(self._counts.items())
            }

    def stats(self) -> dict[str, ToolStats]:
        """The counts so far, by tool."""
        with self._lock:
            return {name: _stats(count) for name, count in sorted(self._counts.items())}

    def _ended(self, run_id: UUID, error: BaseException | None) -> None:
        now = time.perf_counter()
        with self._lock:
            if run_id not in self._started:
                return
            name, began = self._started.pop(run_id)
            count = self._counts[name]
            count.running -= 1
            count.seconds.append(now - began)
            if error is None or _is_refusal(error):
                count.refused += error is not None
                count.recent.append(False)
                count.down.append(False)
            else:
                _fail(count, error)


def check(stats: Mapping[str, ToolStats], threshold: float = THRESHOLD) -> None:
    """Raises EndpointError when a tool failed in at least that share of its last calls, ten calls or more.

    Only failures count: a tool whose every input was refused is the planner's business.
    """
    for name, tool in stats.items():
        if tool.calls >= FEWEST and tool.recent >= threshold:
            raise EndpointError(
                f"the tool {name} failed in {tool.recent:.0%} of its last calls ({tool.last_failure[:200]}); "
                "see to its backend, then run the same command again"
            )


def _add(count: _Count, more: _Count) -> None:
    count.calls += more.calls
    count.refused += more.refused
    count.failed += more.failed
    count.timeouts += more.timeouts
    count.seconds += more.seconds
    count.recent += more.recent
    count.down += more.down
    count.last_failure = more.last_failure or count.last_failure


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, deque) else value


def _fail(count: _Count, error: BaseException) -> None:
    count.failed += 1
    count.timeouts += isinstance(error, TimeoutError | ToolTimeout)
    count.recent.append(True)
    count.down.append(isinstance(error, ToolFailure) and not isinstance(error, ToolTimeout))
    count.last_failure = " ".join(str(error).split()) or type(error).__name__


def _is_refusal(error: BaseException) -> bool:
    """Whether the planner brought it about; whatever a tool raises unasked is a failure."""
    return isinstance(error, ToolException | ValidationError) and not isinstance(error, ToolFailure)


def _stats(count: _Count) -> ToolStats:
    ranked = sorted(count.seconds)
    p50, p95 = (ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else 0.0 for share in (0.5, 0.95))
    recent = sum(count.recent) / len(count.recent) if len(count.recent) >= FEWEST else 0.0
    return ToolStats(
        count.calls,
        count.refused,
        count.failed,
        count.timeouts,
        count.running,
        round(p50, 6),
        round(p95, 6),
        recent,
        count.last_failure,
    )
