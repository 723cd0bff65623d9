"""A server on the loopback that answers as a test says: well, badly, in part, or not at all.

server = Loopback(lambda body: completion(spoken(body)))
server.url, server.asked[-1]["temperature"], len(server.connections)
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Literal

Body = dict[str, Any]
TURNS = {"Input for Finish:": "Lima", "Is this answer right?": "Thought: it is.\nVerdict: right"}
STREAM = "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes that go out, and what becomes of the connection then."""

    data: bytes = b""
    then: Literal["keep", "cut", "hang"] = "keep"

    def cut(self, size: int) -> Answer:
        """The same without its last bytes, and hung up upon."""
        return replace(self, data=self.data[:-size], then="cut")


def http(status: int, said: Any, kind: str = "application/json", header: str = "") -> Answer:
    """An answer in HTTP's form; what is no text is sent as JSON."""
    content = (said if isinstance(said, str) else json.dumps(said)).encode()
    head = f"HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {len(content)}\r\n{header}\r\n"
    return Answer(head.encode() + content)


def spoken(body: Body) -> str:
    """The turn of a short episode, whichever of the roles is asked."""
    return TURNS.get(body["messages"][-1]["content"], "Thought: I know.\nAction: Finish")


def completion(text: str, **changed: Any) -> Answer:
    """A whole turn as OpenAI-compatible servers say it, with some fields changed."""
    message = {"role": "assistant", "content": text}
    said = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "plan",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    }
    return http(200, said | changed)


def streamed(*events: Any, done: str = "data: [DONE]\n\n") -> Answer:
    """Events as they are sent one by one; a text becomes a piece of a turn."""
    return Answer((STREAM + "".join(map(_event, events)) + done).encode(), "cut")


def _event(said: Any) -> str:
    if isinstance(said, str):
        choice = {"index": 0, "delta": {"role": "assistant", "content": said}, "finish_reason": None}
        said = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "plan", "choices": [choice]}
    return f"data: {json.dumps(said)}\n\n"


@dataclass
class Loopback:
    """`answer` says what a request gets; `asked` are the bodies and `heads` the request heads, in order."""

    answer: Callable[[Body], Answer]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=512))
    asked: list[Body] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        """Serve until it is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def close(self) -> None:
        """Hang up on everyone."""
        for each in (self.listener, *self.connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection.makefile("rb") as received:
            while line := received.readline():
                said = self._heard(line, received)
                connection.sendall(said.data)
                if said.then == "cut":
                    connection.shutdown(socket.SHUT_RDWR)

    def _heard(self, line: bytes, received: BinaryIO) -> Answer:
        head = (line + b"".join(iter(received.readline, b"\r\n"))).decode().lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
        body = json.loads(received.read(size) or b"{}")
        self.heads.append(head)
        self.asked.append(body)
        return self.answer(body)
