"""Python in worker processes of pydantic-monty: no files, no network, no packages, and limits on time and memory.

sandbox = Sandbox(LIMITS)
sandbox.run("1 + 1")                             # 2
sandbox.run("print('hi')", heard.append)         # None; heard == ["hi\\n"]
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_monty import Monty, ResourceLimits

# A worker deep in one step (the text of a huge value) does not see its time limit, and is killed this much later.
GRACE = 0.3
LIMITS: ResourceLimits = {
    "max_feed_duration_secs": 1.0,
    "max_memory": 50_000_000,
    "max_recursion_depth": 50,
    "max_suspensions": 0,
}


class Sandbox:
    """The worker processes, started with the first code and kept."""

    def __init__(self, limits: ResourceLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._pool: Monty | None = None

    def run(self, code: str, heard: Callable[[str], object] = lambda _: None) -> object:
        """The value of the code's last expression; what it prints is passed on in pieces. Raises MontyError."""

        def pass_on(_stream: object, text: str) -> None:
            heard(text)

        with self._started().checkout(limits=self._limits, os_policy={"sleep": "zero"}) as session:
            return session.feed_run(code, print_callback=pass_on)

    def _started(self) -> Monty:
        from pydantic_monty import Monty

        with self._lock:
            if self._pool is None:
                self._pool = self._stack.enter_context(Monty(feed_duration_limit_grace=GRACE))
            return self._pool
