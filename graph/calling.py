"""Tools called through LangGraph's ToolNode, each call within its time, and none that keeps the process from ending.

    caller = Caller(tools)
    result = caller.call(sent, config, seconds=60)          # or await caller.acall(…)

A tool without a coroutine of its own runs in a daemon thread in either case, one with nothing else in an event loop
of its own. What is late is left behind, and its time-out is a message like any other.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langgraph.prebuilt import ToolNode

from autoact.graph.acting import as_observation
from autoact.prompts.template import fill
from autoact.tools.failures import ToolFailure
from autoact.tools.threads import Threads

Given = TypeVar("Given")
_seconds: ContextVar[float] = ContextVar("seconds")


class Caller:
    """The tools of a graph."""

    def __init__(self, tools: Sequence[BaseTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        # Of each tool its own: one that hangs holds up no other.
        self._threads = {tool.name: Threads() for tool in tools}
        self._node = ToolNode(
            list(tools), handle_tool_errors=as_observation, wrap_tool_call=_bounded, awrap_tool_call=_abounded
        )

    def call(self, sent: dict[str, Any], config: RunnableConfig, seconds: float) -> ToolMessage | None:
        """The message of a call; None when the tool gave none."""
        _seconds.set(seconds)
        if _has_sync(self._tools[sent["tool_call"]["name"]]):
            return _message(self._node.invoke(sent, config))
        # The thread that asks may have an event loop already.
        return _message(_in_daemon(lambda: asyncio.run(self._node.ainvoke(sent, config))).result())

    async def acall(self, sent: dict[str, Any], config: RunnableConfig, seconds: float) -> ToolMessage | None:
        """The same in an event loop."""
        _seconds.set(seconds)
        name = sent["tool_call"]["name"]
        if _has_async(self._tools[name]):
            return _message(await self._node.ainvoke(sent, config))
        return _message(await self._threads[name].run(self._node.invoke, input=sent, config=config))


def _bounded(request: Any, execute: Callable[[Any], Any]) -> Any:
    future = _in_daemon(partial(execute, request))
    try:
        return future.result(_seconds.get())
    except TimeoutError:
        if future.done():
            raise
        return _late(request)


async def _abounded(request: Any, execute: Callable[[Any], Awaitable[Any]]) -> Any:
    task = asyncio.ensure_future(_contained(execute(request)))
    try:
        await asyncio.wait({task}, timeout=_seconds.get())
    finally:
        # A tool that swallows its cancellation goes on by itself.
        task.cancel()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    if not task.done():
        return _late(request)
    return task.result()


def _in_daemon(call: Callable[[], Given]) -> Future[Given]:
    """The call in a thread of its own, in the context of who asks; ToolNode's would be waited for at exit."""
    future: Future[Given] = Future()
    context = copy_context()

    def work() -> None:
        try:
            future.set_result(context.run(call))
        except SystemExit as problem:
            future.set_exception(_left(problem))
        except BaseException as problem:  # an interrupt of the graph is none of the Exceptions
            future.set_exception(problem)

    threading.Thread(target=work, name="tool", daemon=True).start()
    return future


async def _contained(call: Awaitable[Given]) -> Given:
    """The call; what would end its caller is a failure of the tool."""
    try:
        return await call
    except (SystemExit, asyncio.CancelledError) as problem:
        raise _left(problem) from None


def _left(problem: BaseException) -> ToolFailure:
    return ToolFailure(f"{type(problem).__name__}: {problem}")


def _late(request: Any) -> ToolMessage:
    call = request.tool_call
    text = fill("timeout", tool=call["name"], seconds=f"{_seconds.get():g}")
    return ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error")


def _message(result: Any) -> ToolMessage | None:
    """The message in what ToolNode gives; a tool may give a Command, which has no place in this graph."""
    message = result["messages"][0] if isinstance(result, dict) else None
    return message if isinstance(message, ToolMessage) else None


def _has_sync(tool: BaseTool) -> bool:
    return tool.func is not None if isinstance(tool, StructuredTool | Tool) else True


def _has_async(tool: BaseTool) -> bool:
    if isinstance(tool, StructuredTool | Tool):
        return tool.coroutine is not None
    return type(tool)._arun is not BaseTool._arun
