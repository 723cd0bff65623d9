"""One held session with an MCP server, on an event loop in a thread of its own.

    server = McpServer({"transport": "stdio", "command": "python", "args": ["server.py"]})
    server.tools()                                   # starts the server
    server.call("find", {"words": "Lima"}, 30.0)     # a ToolMessage, from whatever thread or loop
    server.close()

A server that ends is a ToolUnreachable; the next call starts it again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, ToolException

from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable
from autoact.tools.memory import shown

if TYPE_CHECKING:
    from langchain_mcp_adapters.sessions import Connection
    from mcp import ClientSession

START_SECONDS = 30.0
PING_SECONDS = 2.0
T = TypeVar("T")


@dataclass(slots=True)
class _Open:
    """A session while it is open; `keeper` is the task that opened it, which alone may close it."""

    session: ClientSession
    about: str
    tools: dict[str, BaseTool]
    keeper: asyncio.Task[None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class McpServer:
    """A server and its session; every method may be called from any thread."""

    def __init__(self, connection: Connection, start_seconds: float = START_SECONDS) -> None:
        self._connection = connection
        self._start_seconds = start_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mcp-session", daemon=True)
        self._thread.start()
        self._opening = asyncio.Lock()
        self._open: _Open | None = None
        self._keeper: asyncio.Task[None] | None = None

    def about(self) -> str:
        """The name and version that the server gives itself. Raises ToolFailure when it does not start."""
        return self._run(self._opened()).about

    def tools(self) -> list[BaseTool]:
        """The server's tools. Raises ToolFailure when it does not start."""
        return list(self._run(self._opened()).tools.values())

    def call(self, tool: str, inputs: dict[str, Any], seconds: float) -> ToolMessage:
        """What a tool answers. Raises ToolException for what it refuses, ToolFailure when the server fails."""
        return self._run(self._called(tool, _whole(inputs), seconds))

    def close(self) -> None:
        """End the session, the server if we started it, and the thread."""
        self._run(self._closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _opened(self) -> _Open:
        async with self._opening:
            if self._open is None or self._open.keeper.done() or self._open.stop.is_set():
                ready: asyncio.Future[_Open] = self._loop.create_future()
                self._keeper = asyncio.create_task(self._keep(ready))
                try:
                    self._open = await asyncio.wait_for(ready, self._start_seconds)
                except TimeoutError:
                    await _ended(self._keeper)
                    raise ToolTimeout(f"The MCP server gave no answer within {self._start_seconds:g} s.") from None
            return self._open

    async def _keep(self, ready: asyncio.Future[_Open]) -> None:
        """Opens a session and holds it until it is to stop or breaks."""
        from langchain_mcp_adapters.sessions import create_session
        from langchain_mcp_adapters.tools import load_mcp_tools

        # What a server prints beside the protocol is logged with a traceback each time; it is no news for the user.
        logging.getLogger("mcp.client.stdio").setLevel(logging.CRITICAL)
        keeper = asyncio.current_task()
        assert keeper is not None
        broke: BaseException | None = None
        try:
            async with create_session(self._connection) as session:
                server = (await session.initialize()).serverInfo
                about = shown(f"{server.name} {server.version}")
                tools = await load_mcp_tools(session, handle_tool_errors=False)
                opened = _Open(session, about, {tool.name: tool for tool in tools}, keeper)
                ready.set_result(opened)
                await opened.stop.wait()
        except Exception as problem:  # whatever the transport raises when its server goes away
            broke = problem
        finally:
            if not ready.done():
                ready.set_exception(ToolUnreachable(f"The MCP server does not start: {_line(broke)}"))

    async def _called(self, name: str, inputs: dict[str, Any], seconds: float) -> ToolMessage:
        opened = await self._opened()
        if name not in opened.tools:
            raise ToolFailure(f"The MCP server no longer has the tool {name}.")
        request = {"type": "tool_call", "id": "call", "name": name, "args": inputs}
        call = asyncio.ensure_future(opened.tools[name].ainvoke(request, {"callbacks": []}))
        await asyncio.wait({call, opened.keeper}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if call.done():
            return _result(name, call, opened)
        call.cancel()
        if opened.keeper.done():
            raise ToolUnreachable(f"The MCP server of {name} ended.")
        await _check(opened)
        raise ToolTimeout(f"The MCP server did not answer {name} within {seconds:g} s.")

    async def _closed(self) -> None:
        if self._open is not None:
            self._open.stop.set()
            await asyncio.wait({self._open.keeper})
        if self._keeper is not None:  # of a server that is still starting
            await _ended(self._keeper)


def _whole(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs with a question mark for each half of a character: the protocol is UTF-8, which has none."""
    whole: dict[str, Any] = json.loads(json.dumps(inputs, ensure_ascii=False).encode("utf-8", "replace"))
    return whole


async def _ended(keeper: asyncio.Task[None]) -> None:
    """Wait for a keeper that is to stop, since only then the server that it started has ended."""
    keeper.cancel()
    await asyncio.wait({keeper})


async def _check(opened: _Open) -> None:
    """After a call that took too long: a server that is only slow keeps its session, one that is stuck loses it."""
    try:
        await asyncio.wait_for(opened.session.send_ping(), PING_SECONDS)
    except Exception:  # any failure of a ping means the same
        opened.stop.set()


def _result(name: str, call: asyncio.Future[ToolMessage], opened: _Open) -> ToolMessage:
    """The answer of a call that is done; one that failed for want of a server ends the session."""
    from anyio import BrokenResourceError, ClosedResourceError
    from mcp import McpError
    from mcp.types import CONNECTION_CLOSED

    try:
        return call.result()
    except McpError as problem:
        if problem.error.code != CONNECTION_CLOSED:
            raise ToolException(f"{name}: {problem.error.message}") from None
    except (BrokenResourceError, ClosedResourceError):
        pass
    opened.stop.set()
    raise ToolUnreachable(f"The MCP server of {name} ended.")


def _line(problem: BaseException | None) -> str:
    """The innermost cause as one line; transports wrap it in groups."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
