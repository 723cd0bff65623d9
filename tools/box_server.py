"""The other side of a box: prepares once, then forks for every request.

    def prepare(path: str) -> Prepared:          # in the module that does the work
        return Prepared("tables: country(name, capital)", answer)

`answer` is called in a fork; a ValueError is a refusal that the asker may read, and what it returns must be JSON. This
side imports as little as it can: its size is what every fork copies.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known about the file, as JSON, and how a request is answered."""

    about: Any
    answer: Callable[[str], Any]


def main(fd: str, module: str, seconds: str, memory: str, *arguments: str) -> None:
    """Prepare, say so, and fork for every request until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks are not waited for
    control = socket.socket(fileno=int(fd))
    try:
        prepared = importlib.import_module(module).prepare(*arguments)
    except (OSError, ValueError) as problem:
        _say(control, {"error": " ".join(str(problem).split())[:300]})
        return
    _say(control, {"about": prepared.about})
    gc.freeze()
    while True:
        asked, fds, *_ = socket.recv_fds(control, 1, 1)
        if not asked:
            return
        if os.fork() == 0:
            control.close()
            try:
                _answer(socket.socket(fileno=fds[0]), prepared.answer, float(seconds), int(memory))
            finally:
                os._exit(0)
        os.close(fds[0])


def _answer(asker: socket.socket, answer: Callable[[str], Any], seconds: float, memory: int) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)  # ends this fork, whatever it is doing
    _limit_memory(memory)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # all that a fork writes is its answer
    with asker.makefile("rb") as lines:
        request = lines.read().decode()
    try:
        reply = {"answer": answer(request)}
    except ValueError as problem:
        reply = {"refused": str(problem)}
    except MemoryError:
        reply = {"refused": "It needs too much memory."}
    _say(asker, reply)


def _limit_memory(extra: int) -> None:
    status = Path("/proc/self/statm")
    if status.exists():
        limit = int(status.read_text().split()[0]) * resource.getpagesize() + extra
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _say(to: socket.socket, message: dict[str, Any]) -> None:
    to.sendall(json.dumps(message).encode() + b"\n")
