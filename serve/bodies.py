"""How large a request may be; Starlette's own limit answers in plain text, whatever form an app's errors have.

api.add_middleware(BodyLimit, most=1 << 20)     # beyond it: HTTPException(413), for the app's handler
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: a body of more than `most` bytes, by its header or as it comes, ends in an HTTPException."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = int(Headers(scope=scope).get("content-length", 0)) if scope["type"] == "http" else 0
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive() if size <= self.most else {}
            read += len(message.get("body", b""))
            if max(read, size) > self.most:
                raise HTTPException(413, f"the body may have {self.most} bytes; send less")
            return message

        await self.app(scope, counted, send)
