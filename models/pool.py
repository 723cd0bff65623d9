"""Connections to a model server: kept open between calls, bounded in number, and right in every event loop.

    server = connections("http://127.0.0.1:8000/v1")
    server.now.send(request), await server.later.send(request)
    ChatOpenAI(model="gpt", http_client=server.now, http_async_client=server.later)

Models at one address share them, and a proxy of the environment is not asked for a server on this machine. An async
client of httpx belongs to the event loop that first used it, and a second `asyncio.run` would find its connections
dead; here each loop gets a client of its own, closed when the loop ends. It asks over aiohttp, which takes half the CPU
of httpx's own transport. A server's Retry-After is waited for before the next request is sent, whoever sends it.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientConnectorError, ClientError
from httpx2 import (
    AsyncByteStream,
    AsyncClient,
    Client,
    ConnectError,
    ConnectTimeout,
    InvalidURL,
    Limits,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    Request,
    Response,
    TransportError,
    create_ssl_context,
)
from httpx_aiohttp.httpx2 import Httpx2AiohttpClient
from typing_extensions import override

from autoact.core.errors import ModelError
from autoact.core.text import line_of
from autoact.models.retry_after import RetryAfter

# As many as our own server and vLLM answer at once; further calls wait here for a place.
AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Connections:
    """The clients of one server, for callers that block and for those that await."""

    now: Client
    later: AsyncClient


@cache
def connections(server: str) -> Connections:
    """The clients that a server is asked with; the same ones for the same name or address. Raises ModelError."""
    busy = RetryAfter()
    try:
        settings = _settings(proxied=not _on_this_machine(server))
        client, later = HeedingClient(busy, settings), LoopsClient(busy, settings)
    except (ImportError, ValueError, InvalidURL, OSError) as problem:
        raise ModelError(
            f"{server} cannot be asked as the environment says ({line_of(problem)}): set HTTP_PROXY, HTTPS_PROXY and "
            "ALL_PROXY to http://HOST:PORT and SSL_CERT_FILE to a file of certificates, or unset them"
        ) from problem
    atexit.register(client.close)
    return Connections(client, later)


class HeedingClient(Client):
    """A client that waits for as long as the server asked, with connections of its own in a fork."""

    def __init__(self, busy: RetryAfter, settings: dict[str, Any]) -> None:
        super().__init__(**settings)
        self._busy = busy
        self._settings = settings
        self._process = os.getpid()

    @override
    def send(self, request: Request, **options: Any) -> Response:
        time.sleep(self._busy.seconds())
        if self._process != os.getpid():  # on one connection two processes would read each other's answers
            super().__init__(**self._settings)
            self._process = os.getpid()
        try:
            response = super().send(request, **options)
        except UnicodeError as problem:
            raise _named(problem) from problem
        self._busy.note(response)
        return response


class LoopsClient(AsyncClient):
    """The same for those that await, with a client of its own behind it for each event loop."""

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
            client = Httpx2AiohttpClient(event_hooks={"response": [_timely]}, **self._settings)
            closing = _until_loop_ends(client)
            self._open[loop] = client, closing
            await anext(closing)
        if wait := self._busy.seconds():
            await asyncio.sleep(wait)
        if request.url.userinfo:  # which aiohttp takes for a second key
            options["auth"] = (request.url.username, request.url.password)
            request.url = request.url.copy_with(userinfo=b"")
        try:
            response = await self._open[loop][0].send(request, **options)
        except (ClientError, ConnectTimeout, UnicodeError) as problem:
            raise _named(problem) from problem
        self._busy.note(response)
        return response

    def _forget_ended(self) -> None:
        for loop in list(self._open):
            if loop.is_closed() and (ended := self._open.pop(loop, None)):
                with suppress(StopIteration):  # nothing waits in a loop that was closed before its generators were
                    ended[1].aclose().send(None)


class Pieces(AsyncByteStream):
    """What comes of a reply, each piece within so many seconds."""

    def __init__(self, stream: AsyncByteStream, seconds: float | None) -> None:
        self._stream = stream
        self._seconds = seconds

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout(self._seconds):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as problem:
                raise ReadTimeout(f"nothing more came within {self._seconds:g} seconds") from problem
            yield piece

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()


async def _timely(response: Response) -> None:
    """Have what follows waited for as long as was asked: after a piece that is no HTTP aiohttp waits for ever."""
    assert isinstance(response.stream, AsyncByteStream)
    response.stream = Pieces(response.stream, response.request.extensions["timeout"]["read"])


def _named(problem: ClientError | ConnectTimeout | UnicodeError) -> TransportError:
    """The error as httpx has it.

    The transport passes on what is no HTTP, and takes a refused or a cut connection for a late one. A redirection to a
    host that cannot be one is a UnicodeError.
    """
    if isinstance(problem, ClientError | UnicodeError):
        return RemoteProtocolError(line_of(problem))
    if isinstance(problem.__cause__, TimeoutError):
        return problem
    kind = ConnectError if isinstance(problem.__cause__, ClientConnectorError) else ReadError
    return kind(str(problem))


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


async def _until_loop_ends(client: AsyncClient) -> AsyncGenerator[None, None]:
    """Waits at its yield; an event loop that ends closes the generators that were begun in it."""
    try:
        yield
    finally:
        await client.aclose()


# The client of a loop, and what closes it.
Open = tuple[AsyncClient, AsyncGenerator[None, None]]
