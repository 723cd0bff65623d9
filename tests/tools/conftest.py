"""Two small worlds to look things up in, and a web server on the loopback that says what a test wants."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from autoact.tools.corpus import Corpus, Page

PAGES = (
    Page("Peru", "Peru is a country in South America. Its currency is the sol.\n\nThe capital of Peru is Lima."),
    Page(
        "Lima",
        "Lima is the capital of Peru. It lies by the sea.\n\nLima was founded in 1535! Is lima big? Yes.",
    ),
    Page("Bolivia", "Bolivia is a country without a sea."),
)


@pytest.fixture
def corpus() -> Corpus:
    return Corpus(PAGES)


@pytest.fixture
def corpus_file(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("\n".join(json.dumps({"title": page.title, "text": page.text}) for page in PAGES))
    return path


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server got it; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What the server is to answer, after so many seconds; a body that is no bytes is sent as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


class Loopback:
    """A web server on 127.0.0.1; `asked` has the requests so far."""

    def __init__(self, answer: Callable[[Asked], Said]) -> None:
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(answer))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self, answer: Callable[[Asked], Said]) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, body)
                asked.append(request)
                said = answer(request)
                time.sleep(said.after)
                content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(content)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a client that gave up
                    self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Silent."""

        return Handler


Serve = Callable[[Callable[[Asked], Said]], Loopback]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(answer)`: a loopback server that answers each request with what the function gives."""
    servers: list[Loopback] = []

    def start(answer: Callable[[Asked], Said]) -> Loopback:
        servers.append(Loopback(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def say() -> type[Said]:
    """`say(body, status, headers)`: an answer of a loopback server."""
    return Said
