"""Connections to a model server: kept open between calls, bounded in number, and right in every event loop.

    server = connections("http://127.0.0.1:8000/v1")
    server.now.send(request), await server.later.send(request)
    ChatOpenAI(model="gpt", http_client=server.now, http_async_client=server.later)

Models at one address share them, and a proxy of the environment is not asked for a server on this machine. An async
client of httpx belongs to the event loop that first used it, and a second `asyncio.run` would find its connections
dead; here each loop gets a client of its own, closed when the loop ends. A server's Retry-After is waited for before
the next request is sent, whoever sends it.
"""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from httpx2 import AsyncClient, Client, Limits, Request, Response, create_ssl_context
from typing_extensions import override

from autoact.models.retry_after import RetryAfter

# As many as our own server and vLLM answer at once; further calls wait here for a place.
AT_ONCE = 256
SHARES = 16


@dataclass(frozen=True, slots=True)
class Connections:
    """The clients of one server, for callers that block and for those that await."""

    now: Client
    later: AsyncClient


@cache
def connections(server: str) -> Connections:
    """The clients that a server is asked with; the same ones for the same name or address."""
    busy, settings = RetryAfter(), _settings(proxied=not _on_this_machine(server))
    client = HeedingClient(busy, settings)
    atexit.register(client.close)
    return Connections(client, LoopsClient(busy, settings))


class HeedingClient(Client):
    """A client that waits for as long as the server asked."""

    def __init__(self, busy: RetryAfter, settings: dict[str, Any]) -> None:
        super().__init__(**settings)
        self._busy = busy

    @override
    def send(self, request: Request, **options: Any) -> Response:
        time.sleep(self._busy.seconds())
        response = super().send(request, **options)
        self._busy.note(response)
        return response


class LoopsClient(AsyncClient):
    """The same for those that await, with clients of its own behind it for each event loop."""

    def __init__(self, busy: RetryAfter, settings: dict[str, Any]) -> None:
        super().__init__(**settings)
        self._busy = busy
        self._settings = settings
        self._open: dict[asyncio.AbstractEventLoop, Open] = {}

    @override
    async def send(self, request: Request, **options: Any) -> Response:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._forget_ended()
            shares = [Share(self._settings) for _ in range(SHARES)]
            closing = _until_loop_ends(shares)
            self._open[loop] = shares, closing
            await anext(closing)
        if wait := self._busy.seconds():
            await asyncio.sleep(wait)
        response = await min(self._open[loop][0], key=Share.load).send(request, **options)
        self._busy.note(response)
        return response

    def _forget_ended(self) -> None:
        for loop in list(self._open):
            if loop.is_closed():
                self._open.pop(loop, None)


class Share:
    """Some of a loop's connections; httpx looks at all that a client has, twice for each request."""

    def __init__(self, settings: dict[str, Any]) -> None:
        limits = Limits(max_connections=AT_ONCE // SHARES, max_keepalive_connections=AT_ONCE // SHARES)
        self.client = AsyncClient(**settings | {"limits": limits})
        self._sending = 0

    def load(self) -> int:
        """How many requests hold a connection, or wait for one."""
        return self._sending

    async def send(self, request: Request, **options: Any) -> Response:
        """The answer, or its beginning, which holds its connection until it is closed."""
        self._sending += 1
        try:
            response = await self.client.send(request, **options)
        except BaseException:
            self._sending -= 1
            raise
        if response.is_closed:
            self._sending -= 1
        else:
            response.aclose = self._releasing(response.aclose)  # type: ignore[method-assign]
        return response

    def _releasing(self, close: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], Coroutine[Any, Any, None]]:
        """The close of a response, which lets go of its connection the first time."""
        held = [1]

        async def aclose() -> None:
            self._sending -= held.pop() if held else 0
            await close()

        return aclose


def _settings(*, proxied: bool) -> dict[str, Any]:
    limits = Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    return {"limits": limits, "verify": _trusted(), "trust_env": proxied, "follow_redirects": True}


def _on_this_machine(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _trusted() -> SSLContext:
    """Whom an https address may be; to read it takes longer than many a call."""
    return create_ssl_context()


async def _until_loop_ends(shares: Sequence[Share]) -> AsyncGenerator[None, None]:
    """Waits at its yield; an event loop that ends closes the generators that were begun in it."""
    try:
        yield
    finally:
        for share in shares:
            await share.client.aclose()


# The clients of a loop, and what closes them.
Open = tuple[Sequence[Share], AsyncGenerator[None, None]]
