"""At most so many requests a second, waited for without a thread where there is an event loop.

pace = Pace(1.0)
pace.wait()                                # in a thread: sleeps until it is this request's turn
await pace.ahead()                         # in an event loop: the same wait, before a thread is taken …
await in_thread(pace.counted(ask))         # … in which the first wait() is over at once
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

_ahead: ContextVar[Pace | None] = ContextVar("ahead", default=None)


class Pace:
    """The turns of requests, in whatever thread or loop they are made; 0 a second sets no limit."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until it is this request's turn."""
        if _ahead.get() is self:
            _ahead.set(None)
            return
        while left := self._left():
            time.sleep(left)

    async def ahead(self) -> None:
        """Wait for the turn of a request that a thread is going to make."""
        while left := self._left():
            await asyncio.sleep(left)

    def counted(self, call: Callable[[], None]) -> Callable[[], None]:
        """The call, whose first request has had its turn waited for."""

        def run() -> None:
            _ahead.set(self)
            call()

        return run

    def _left(self) -> float:
        """Take the turn if it has come, and say so by 0; else the seconds until it has.

        No turn is taken beforehand: who stops waiting must leave none behind that the others wait for.
        """
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return self._next - now
            self._next = now + self._gap
            return 0.0


class Paced(BaseModel):
    """Settings of a tool that asks a service; all that is made of the same settings keeps one pace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_second: float = Field(0.0, ge=0, description="Requests a second at most; 0 sets no limit.")

    @cached_property
    def pace(self) -> Pace:
        """The pace that they set."""
        return Pace(self.per_second)
