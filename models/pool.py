"""Connections to a model server: kept open between calls, bounded in number, and right in every event loop.

    ChatOpenAI(model="plan", base_url=address, **connections(address), …)

Models at one address share them, and a proxy of the environment is not asked for a server on this machine. An async
client of httpx belongs to the event loop that first used it, and a second `asyncio.run` would find its connections
dead; here each loop gets a client of its own, closed when the loop ends.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import AsyncGenerator
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from httpx2 import AsyncClient, Limits, Request, Response, create_ssl_context
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient
from typing_extensions import override

# As many as our own server and vLLM answer at once; further calls wait here for a place.
AT_ONCE = 256
LIMITS = Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)

# A client, and what closes it.
Open = tuple[AsyncClient, AsyncGenerator[None, None]]


@cache
def connections(server: str) -> dict[str, Any]:
    """The clients that ChatOpenAI asks a server with; the same ones for the same name or address."""
    proxied = not _on_this_machine(server)
    client = DefaultHttpxClient(limits=LIMITS, verify=_trusted(), trust_env=proxied)
    atexit.register(client.close)
    return {"http_client": client, "http_async_client": LoopsClient(proxied)}


class LoopsClient(DefaultAsyncHttpxClient):
    """An async client with one behind it for each event loop."""

    def __init__(self, proxied: bool) -> None:
        super().__init__(verify=_trusted(), trust_env=proxied)
        self._open: dict[asyncio.AbstractEventLoop, Open] = {}

    @override
    async def send(self, request: Request, **options: Any) -> Response:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._forget_ended()
            client = DefaultAsyncHttpxClient(limits=LIMITS, verify=_trusted(), trust_env=self.trust_env)
            closing = _until_loop_ends(client)
            self._open[loop] = client, closing
            await anext(closing)
        return await self._open[loop][0].send(request, **options)

    def _forget_ended(self) -> None:
        for loop in list(self._open):
            if loop.is_closed():
                self._open.pop(loop, None)


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
