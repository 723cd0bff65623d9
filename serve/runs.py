"""The runs of one server: so many at once, each in a task of its own, all stopped when the server closes.

    runs = Runs(256)
    async with runs.one() as run:
        state = await run.finished(graph.ainvoke(…))

A run's task is cancelled once and then waited for. LangGraph cleans up after a cancellation in a new task, which a
second cancellation ends before it has begun, so that tools run on; and anyio, below FastAPI and MCP, cancels again
and again until whoever it cancels is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
from starlette.requests import Request

from autoact.serve.refusal import Refusal

T = TypeVar("T")


class Run:
    """One piece of work in a task of its own. When it is stopped, whoever waits for it is told by a Refusal."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None

    async def finished(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work returns."""
        self._task = task = asyncio.create_task(work)
        await asyncio.wait((task,))
        return _result(task)

    async def followed(self, work: AsyncIterator[T]) -> AsyncIterator[T]:
        """What the work yields."""
        told: asyncio.Queue[T | None] = asyncio.Queue()

        async def tell() -> None:
            async for item in work:
                told.put_nowait(item)

        self._task = task = asyncio.create_task(tell())
        task.add_done_callback(lambda _: told.put_nowait(None))
        while (item := await told.get()) is not None:
            yield item
        _result(task)

    def stop(self) -> None:
        """Cancel the work, if it is not done."""
        if self._task:
            self._task.cancel()

    async def over(self) -> None:
        """Stop, and wait until it is."""
        self.stop()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*([self._task] if self._task else []), return_exceptions=True)


class Runs:
    """`limit` is how many `kind` there may be at once; whoever is one too many is told so, with the status `full`."""

    def __init__(self, limit: int, kind: str = "questions", full: int = 503) -> None:
        self.limit = limit
        self.kind = kind
        self.full = full
        self._playing: set[Run] = set()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Run]:
        """A run that is over when this is left. Raises Refusal when there are too many."""
        if len(self._playing) >= self.limit:
            line = f"{self.limit} {self.kind} are in flight, which is all at once; ask again"
            raise Refusal(self.full, line, again=True)
        run = Run()
        self._playing.add(run)
        try:
            yield run
        finally:
            await run.over()
            self._playing.remove(run)

    def stop(self) -> None:
        """Stop them all."""
        for run in self._playing:
            run.stop()


@asynccontextmanager
async def until_hung_up(request: Request, run: Run) -> AsyncIterator[None]:
    """While this is entered, a client that hangs up stops the run."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        run.stop()

    waiting = asyncio.create_task(gone())
    try:
        yield
    finally:
        waiting.cancel()


def _result(task: asyncio.Task[T]) -> T:
    if task.cancelled():
        raise Refusal(503, "the server is closing; ask again", again=True)
    return task.result()
