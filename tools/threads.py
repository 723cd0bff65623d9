"""The threads in which slow tools run: a bounded number, and none that keeps the process from ending.

    said = await in_thread(tool, query="Lima")

A ThreadPoolExecutor would wait at exit for a tool of others that hangs for ever.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

# Many questions wait for the network at once; the event loop's own executor has only a few threads.
MOST = 64


class Threads:
    """Up to `most` daemon threads, started when they are needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = 0
        self._lock = threading.Lock()
        self._idle = threading.Semaphore(0)
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """The call's result, once a thread is free for it."""
        future: Future[Any] = Future()
        self._calls.put((future, call))
        if not self._idle.acquire(blocking=False):
            with self._lock:
                if self._started < self._most:
                    self._started += 1
                    threading.Thread(target=self._work, name=f"slow-tool_{self._started}", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            future, call = self._calls.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as problem:  # whatever it is, it belongs to who asked
                    future.set_exception(problem)
            del future, call
            self._idle.release()


_threads = Threads(MOST)


async def in_thread(call: Callable[..., Any], **inputs: Any) -> Any:
    """The call in one of the threads that slow tools share, in the context of who asks."""
    context = contextvars.copy_context()
    return await asyncio.wrap_future(_threads.submit(lambda: context.run(call, **inputs)))
