"""A box: a process of our own that does one kind of work, each request in a fork with hard limits.

    box = Box("autoact.tools.sqlite_file", (str(path),), Limits(seconds=1.5))
    box.about                        # what the module's prepare() says about the file
    box.ask("SELECT …")              # its answer; ToolException when it refuses, takes too long or too much memory

The process prepares once (opens, loads) and forks for every request, so that whatever a request does to its fork, the
next one finds a fresh one. A fork writes no file. Works where there is fork (Linux, macOS); the memory limit holds on
Linux only.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.tools import ToolException

from autoact.tools.failures import ToolFailure

LONGEST_REQUEST = 10_000
LONGEST_REPLY = 1_000_000
# The fork ends itself at its time limit; this much later the caller stops listening.
GRACE = 0.4
AT_ONCE = max(2, os.cpu_count() or 2)
SERVE = "import sys; from autoact.tools.box_server import main; main(*sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take; memory is in bytes, on top of what the prepared process holds.

    `start` is the seconds in which the process must have prepared.
    """

    seconds: float
    memory: int = 200_000_000
    start: float = 300.0


class Box:
    """Owns the process. Raises ValueError with one line when the module cannot prepare."""

    def __init__(self, module: str, arguments: Sequence[str], limits: Limits) -> None:
        self._command = (module, str(limits.seconds), str(limits.memory), *arguments)
        self._limits = limits
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._start()

    def ask(self, request: str) -> Any:
        """The answer to a request. Raises ToolException for the asker, ToolFailure when the process is gone."""
        if len(request) > LONGEST_REQUEST:
            raise ToolException(f"The input is too long: {len(request):,} characters, at most {LONGEST_REQUEST:,}.")
        with self._places:
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    self._hand_over(theirs)
                reply = self._exchange(ours, request)
        if "refused" in reply:
            raise ToolException(reply["refused"])
        return reply["answer"]

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", SERVE, str(theirs.fileno()), *self._command],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._control = ours
        self._end = weakref.finalize(self, _end, process, ours)
        try:
            greeting = _greeting(ours, self._limits.start)
        except BaseException:
            self._end()
            raise
        if "about" not in greeting:
            self._end()
            raise ValueError(greeting.get("error", "the process that was to read it ended"))
        self.about: Any = greeting["about"]

    def _hand_over(self, theirs: socket.socket) -> None:
        """Give the process its end of a conversation; one that has died is started anew."""
        with self._lock:
            for last in (False, True):
                try:
                    socket.send_fds(self._control, [b"?"], [theirs.fileno()])
                    return
                except OSError:
                    if last:
                        raise ToolFailure("The process that does this work has ended, and again.") from None
                    self._end()
                    self._restart()

    def _restart(self) -> None:
        try:
            self._start()
        except (OSError, ValueError) as problem:
            raise ToolFailure(f"The process that does this work cannot be started: {problem}") from None

    def _exchange(self, ours: socket.socket, request: str) -> dict[str, Any]:
        began = time.monotonic()
        received = b""
        try:
            ours.settimeout(self._limits.seconds + GRACE)
            ours.sendall(request.encode("utf-8", "replace"))
            ours.shutdown(socket.SHUT_WR)
            while piece := ours.recv(65536):
                received += piece
                if len(received) > LONGEST_REPLY:
                    raise ToolException("The answer is too large; ask for less.")
        except OSError:
            received = b""
        if received.endswith(b"\n"):  # else the fork ended before it had said all
            reply: dict[str, Any] = json.loads(received)
            return reply
        if time.monotonic() - began >= self._limits.seconds:
            raise ToolException(f"It took longer than {self._limits.seconds:g} seconds.")
        raise ToolException("It needs too much memory, or is nested too deeply.")


def _greeting(control: socket.socket, seconds: float) -> dict[str, Any]:
    control.settimeout(seconds)
    try:
        with control.makefile("rb") as lines:
            line = lines.readline()
    except TimeoutError:
        raise ValueError(f"it could not be read within {seconds:g} s") from None
    control.settimeout(None)
    greeting: dict[str, Any] = json.loads(line) if line else {}
    return greeting


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    process.terminate()
    process.wait()
