"""The door to the network opens to no private address, and never longer or wider than it may."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.tools import ToolException

from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable
from autoact.tools.network import fetch


def test_the_configured_backend_may_be_private(serve: Any, say: Any) -> None:
    server = serve(lambda _: say({"ok": True}, 201))
    reply = fetch(f"{server.url}/x", trusted=server.url, params={"q": "a b"}, headers={"X-Key": "k"})
    assert (reply.status, reply.body, reply.headers["content-length"]) == (201, b'{"ok": true}', "12")
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query, asked.headers["x-key"]) == ("GET", "/x", {"q": "a b"}, "k")
    assert "langgraph-autoact" in asked.headers["user-agent"]


def test_another_port_of_the_backend_is_private(serve: Any, say: Any) -> None:
    server, other = serve(lambda _: say()), serve(lambda _: say())
    with pytest.raises(ToolException, match="private"):
        fetch(other.url, trusted=server.url)
    assert not other.asked


@pytest.mark.parametrize("url", ["localhost:8888", "ftp://a/", "http://a:99999/", "http://", "http://[::1/"])
def test_a_backend_that_can_never_be_asked_is_our_mistake(url: str) -> None:
    with pytest.raises(ToolFailure, match=r"The backend's address .* must be an http or https address"):
        fetch(url, trusted=url)


@pytest.mark.parametrize("key", ["schlüssel", "top\nsecret", "secret "])
def test_a_key_that_cannot_be_sent_is_our_mistake_and_not_shown(key: str) -> None:
    with pytest.raises(ToolFailure, match="The header X-Key cannot be sent") as caught:
        fetch("http://127.0.0.1:1/", trusted="http://127.0.0.1:1", headers={"X-Key": key})
    assert key.strip() not in str(caught.value)


def test_json_is_posted(serve: Any, say: Any) -> None:
    server = serve(lambda _: say())
    fetch(server.url, trusted=server.url, json={"a": 1})
    assert (server.asked[0].method, server.asked[0].body) == ("POST", b'{"a":1}')


# ── redirects ──


def redirecting(serve: Any, say: Any, location: str, status: int = 302) -> Any:
    return serve(lambda asked: say(b"here") if asked.path == "/there" else say(b"", status, {"Location": location}))


def test_a_redirect_within_the_backend_is_followed(serve: Any, say: Any) -> None:
    server = redirecting(serve, say, "/there")
    reply = fetch(server.url, trusted=server.url, headers={"X-Key": "k"})
    assert (reply.body, reply.url) == (b"here", f"{server.url}/there")


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/", "http://localhost:1/", "file:///etc/passwd", "ftp://x/", "javascript:alert(1)"],
)
def test_a_redirect_to_where_we_do_not_go_is_a_failure(serve: Any, say: Any, location: str) -> None:
    server = redirecting(serve, say, location)
    with pytest.raises(ToolFailure, match="redirected"):
        fetch(server.url, trusted=server.url)


def test_a_request_with_a_key_is_not_redirected_to_another_host(serve: Any, say: Any) -> None:
    thief = serve(lambda _: say())
    server = redirecting(serve, say, thief.url.replace("127.0.0.1", "localhost"), 307)
    with pytest.raises(ToolFailure, match="redirected to another host, localhost"):
        fetch(server.url, trusted=server.url, headers={"X-Key": "k"})
    with pytest.raises(ToolFailure, match="redirected to another host, localhost"):
        fetch(server.url, trusted=server.url, json={"key": "k"})
    assert not thief.asked


def test_redirects_in_a_circle_end(serve: Any, say: Any) -> None:
    server = redirecting(serve, say, "/again")
    with pytest.raises(ToolFailure, match="redirected 5 times and more"):
        fetch(server.url, trusted=server.url)
    assert len(server.asked) == 6


# ── size and time ──


def test_an_answer_over_the_limit_is_refused(serve: Any, say: Any) -> None:
    server = serve(lambda _: say(b"x" * 1001))
    assert len(fetch(server.url, trusted=server.url, limit=1001).body) == 1001
    with pytest.raises(ToolFailure, match="more than 1,000 bytes"):
        fetch(server.url, trusted=server.url, limit=1000)


def test_a_packed_answer_is_unpacked(serve: Any, say: Any) -> None:
    server = serve(lambda _: say(gzip.compress(b"text" * 100), 200, {"Content-Encoding": "gzip"}))
    assert fetch(server.url, trusted=server.url).body == b"text" * 100


def test_a_decompression_bomb_is_unpacked_no_further_than_the_limit(serve: Any, say: Any) -> None:
    bomb = gzip.compress(bytes(100_000_000), 9)
    server = serve(lambda _: say(bomb, 200, {"Content-Encoding": "gzip"}))
    began = time.monotonic()
    with pytest.raises(ToolFailure, match="more than 4,000,000 bytes"):
        fetch(server.url, trusted=server.url)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x" * 1000])
def test_a_coding_that_was_not_asked_for_is_refused(serve: Any, say: Any, coding: str) -> None:
    server = serve(lambda _: say(b"\x1f", 200, {"Content-Encoding": coding}))
    with pytest.raises(ToolFailure, match="which was not asked for"):
        fetch(server.url, trusted=server.url)


PACKED = gzip.compress(b"text" * 100, mtime=0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"no gzip", "incorrect header"),
        (PACKED[:10] + b"\xff" * 50, "invalid block type"),
        (PACKED[:4], "the packed answer is cut short"),
        (PACKED[:-9], "the packed answer is cut short"),
        (PACKED[:-1], "the packed answer is cut short"),
        (PACKED + PACKED, "the packed answer goes on after its end"),
        (PACKED + b"x", "the packed answer goes on after its end"),
    ],
)
def test_a_broken_packing_is_a_failure(serve: Any, say: Any, body: bytes, told: str) -> None:
    server = serve(lambda _: say(body, 200, {"Content-Encoding": "gzip"}))
    with pytest.raises(ToolUnreachable, match=f"could not be read: .*{told}"):
        fetch(server.url, trusted=server.url)


def test_an_answer_without_a_body_needs_no_packing(serve: Any, say: Any) -> None:
    server = serve(lambda _: say(b"", 200, {"Content-Encoding": "gzip"}))
    assert fetch(server.url, trusted=server.url).body == b""


Drip = Callable[[bytes], str]


@pytest.fixture
def drip() -> Iterator[Drip]:
    """`drip(start)`: the address of a server that sends a start and then one byte at a time, for ever."""
    stop = threading.Event()
    servers = []

    def start(first: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.wfile.write(first)
                while not stop.wait(0.02):
                    try:
                        self.wfile.write(b"a")
                    except OSError:
                        return

            def log_message(self, *_: Any) -> None:
                """Silent."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    stop.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["line", "head", "body"]
)
def test_a_server_that_sends_byte_after_byte_is_given_up(drip: Drip, first: bytes) -> None:
    url = drip(first)
    began = time.monotonic()
    with pytest.raises(ToolTimeout, match=r"did not answer within 0\.3 s"):
        fetch(url, trusted=url, seconds=0.3)
    assert time.monotonic() - began < 2


def test_a_server_that_says_nothing_is_given_up(serve: Any, say: Any) -> None:
    server = serve(lambda _: say(after=0.5))
    with pytest.raises(ToolTimeout, match=r"did not answer within 0\.2 s"):
        fetch(server.url, trusted=server.url, seconds=0.2)


def test_a_server_that_is_not_there_is_unreachable(serve: Any, say: Any) -> None:
    server = serve(lambda _: say())
    server.close()
    with pytest.raises(ToolUnreachable, match="could not be read: ConnectError"):
        fetch(server.url, trusted=server.url)
    with pytest.raises(ToolUnreachable, match="is not a known host"):
        fetch(f"http://{'a' * 64}/")  # too long a name to be looked up anywhere
