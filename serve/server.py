"""A server process: its address taken first, so that a busy port is known before a model is loaded.

with bound("127.0.0.1", 8000, key="") as listener:
    http_server(app(…)).run(sockets=[listener])
"""

from __future__ import annotations

import asyncio
import socket

from fastapi import FastAPI
from typing_extensions import override
from uvicorn import Config, Server

from autoact.core.errors import UserError
from autoact.core.text import line_of
from autoact.serve.gate import is_this_machine
from autoact.serve.runs import Runs

GRACE = 3


def bound(host: str, port: int, key: str) -> socket.socket:
    """A socket at an address, not listening yet.

    Raises UserError when the address cannot be had, or when others could reach it and there is no key.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host or "?", port, type=socket.SOCK_STREAM)[0]
        if not key and not is_this_machine(str(address[0])):
            raise UserError(
                f"{host} can be reached from other machines, and this server has no key; "
                "set AUTOACT_KEY to a long random text, or leave --host at 127.0.0.1"
            )
        listener = socket.socket(family, kind)
    except (OSError, UnicodeError) as problem:
        raise UserError(f"--host {host!r} is no address of this machine ({line_of(problem)})") from problem
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as problem:
        listener.close()
        raise _taken(host, port, problem) from problem
    return listener


def listen(listener: socket.socket) -> None:
    """Let clients connect. Raises UserError when another program, bound at the same time, was faster."""
    try:
        listener.listen()
    except OSError as problem:
        host, port = listener.getsockname()[:2]
        raise _taken(host, port, problem) from problem


def _taken(host: str, port: int, problem: OSError) -> UserError:
    return UserError(f"{host} port {port} cannot be used ({problem.strerror}); choose another --port")


def url_of(listener: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def http_server(api: FastAPI) -> Server:
    """What answers, until Ctrl-C."""
    config = Config(
        api,
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2 * GRACE,
    )
    return _Server(config, api.state.runs)


class _Server(Server):
    def __init__(self, config: Config, runs: Runs) -> None:
        super().__init__(config)
        self.runs = runs

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """What is in flight has a few seconds to end, and is then told that the server closes."""
        asyncio.get_running_loop().call_later(GRACE, self.runs.stop)
        await super().shutdown(sockets)
