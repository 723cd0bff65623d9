"""Servers on the loopback that end with their test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.models.endpoints.loopback import Answer, Body, Loopback


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Body], Answer] | Answer], Loopback]]:
    """`serve(answer)`: a server that gives every request the answer, or what it says of the request's body."""
    running: list[tuple[Loopback, threading.Thread]] = []

    def start(answer: Callable[[Body], Answer] | Answer) -> Loopback:
        server = Loopback(answer if callable(answer) else lambda _: answer)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.close()
        thread.join()
