"""The threads in which slow tools run: a bounded number, and none that keeps the process from ending.

    threads = Threads()                              # of one tool, which may hang
    said = await threads.run(tool, query="Lima")
    said = await in_thread(tool, query="Lima")       # in those that are shared by what ends in time by itself

A ThreadPoolExecutor would wait at exit for a tool of others that hangs for ever.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

# Many questions wait for the network at once; the event loop's own executor has only a few threads.
MOST = 64
Call = Callable[[], Any]


class Threads:
    """Up to `most` daemon threads at once, each of which ends when no call waits for it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._running = 0
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Call]] = deque()

    async def run(self, call: Callable[..., Any], **inputs: Any) -> Any:
        """What the call gives, in the context of who asks."""
        context = contextvars.copy_context()
        return await asyncio.wrap_future(self.submit(lambda: context.run(call, **inputs)))

    def submit(self, call: Call) -> Future[Any]:
        """The call's result, once a thread is free for it."""
        future: Future[Any] = Future()
        with self._lock:
            if self._running == self._most:
                self._waiting.append((future, call))
                return future
            self._running += 1
        threading.Thread(target=self._work, args=(future, call), name="slow-tool", daemon=True).start()
        return future

    def _work(self, future: Future[Any], call: Call) -> None:
        while True:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as problem:  # whatever it is, it belongs to who asked
                    future.set_exception(problem)
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                future, call = self._waiting.popleft()


_shared = Threads()


async def in_thread(call: Callable[..., Any], **inputs: Any) -> Any:
    """What the call gives, from one of the threads that all share: a call that hangs holds one of them for ever."""
    return await _shared.run(call, **inputs)
