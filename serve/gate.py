"""Who is let in: holders of the key; without a key, callers who name this machine as itself.

    api.add_middleware(Gate, key="…")

A page on the web can make a browser call 127.0.0.1 under a name of its own (DNS rebinding); the Host header tells.
A browser is asked for a user name and password: any name will do, and the password is the key.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN = "/health"
CHALLENGE = 'Bearer, Basic realm="autoact", charset="UTF-8"'


def detail(_: int, line: str) -> dict[str, Any]:
    """A refusal's body in FastAPI's own form."""
    return {"detail": line}


class Gate:
    """ASGI middleware; an empty key asks for none. `form` makes a refusal's body of its status and its line."""

    def __init__(self, app: ASGIApp, key: str, form: Callable[[int, str], dict[str, Any]] = detail) -> None:
        self.app = app
        self.key = key
        self.form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(Headers(scope=scope), scope["path"]) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)

    def _refused(self, headers: Headers, path: str) -> JSONResponse | None:
        if not self.key:
            named = headers.get("host", "")
            line = f"this server has no key and answers only to localhost or 127.0.0.1, not to {named!r:.100}"
            return None if is_this_machine(host_of(named)) else JSONResponse(self.form(403, line), 403)
        # Bytes, since the texts that can be compared in constant time are ASCII.
        given = key_in(headers.get("authorization", ""))
        if path == OPEN or secrets.compare_digest(given.encode(), self.key.encode()):
            return None
        line = "give this server's key, as in Authorization: Bearer KEY"
        return JSONResponse(self.form(401, line), 401, {"WWW-Authenticate": CHALLENGE})


def host_of(named: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{named}").hostname or ""
    except ValueError:
        return ""


def is_this_machine(host: str) -> bool:
    """Whether a name or an address can be reached from nowhere else."""
    try:
        return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def key_in(header: str) -> str:
    """The key of an Authorization header: a bearer token, or the password of Basic."""
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            try:
                return base64.b64decode(value, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
    return ""
