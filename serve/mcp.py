"""The team as an MCP server with one tool, `ask`: over stdio, or at /mcp of the HTTP server.

    protocol = keep_stdout()                        # whatever is printed from here on goes to stderr
    asyncio.run(serve_stdio(served_run(run), Runs(8), protocol))

What is asked this way is kept nowhere. A failed model is a failed call, never an answer.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any, TextIO

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError

from autoact.core.errors import UserError
from autoact.serve.playing import answer_of
from autoact.serve.refusal import line_of
from autoact.serve.runs import Runs
from autoact.serve.schema import Answer, Question, Told
from autoact.serve.team import ServedTeam


def keep_stdout() -> TextIO:
    """Stdout for the protocol alone; everybody else's prints, a C library's among them, go to stderr."""
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


async def serve_stdio(team: ServedTeam, runs: Runs, protocol: TextIO) -> None:
    """Answer one client until it closes stdin."""
    server = mcp_server(team, runs)
    async with stdio_server(stdout=anyio.wrap_file(protocol)) as (read, write):
        await server.run(read, write, server.create_initialization_options())


def mcp_over_http(team: ServedTeam, runs: Runs) -> StreamableHTTPSessionManager:
    """The server for an ASGI app, which keeps nothing between two requests."""
    return StreamableHTTPSessionManager(mcp_server(team, runs), json_response=True, stateless=True)


def mcp_server(team: ServedTeam, runs: Runs) -> Server[Any, Any]:
    """The server, whatever carries it."""
    graph = team.builder().compile(name="autoact")
    tool = types.Tool(
        name="ask",
        description=f"Ask a team of agents that was trained for: {team.name}. {team.setup.description}",
        inputSchema=Question.model_json_schema(),
        outputSchema=Told.model_json_schema(),
    )

    async def listed(_: types.ListToolsRequest) -> types.ServerResult:
        return types.ServerResult(types.ListToolsResult(tools=[tool]))

    async def called(request: types.CallToolRequest) -> types.ServerResult:
        if request.params.name != tool.name:
            return _failed(f"there is no tool {request.params.name!r:.60}; the only one is {tool.name}")
        try:
            question = Question.model_validate(request.params.arguments or {})
            async with runs.one() as run:
                state = await run.finished(graph.ainvoke(question.model_dump()))
        except ValidationError as problem:
            return _failed(line_of(problem.errors()))
        except UserError as problem:
            return _failed(str(problem))
        return _result(answer_of("", state, ()))

    server: Server[Any, Any] = Server("autoact", version("langgraph-autoact"))
    server.request_handlers |= {types.ListToolsRequest: listed, types.CallToolRequest: called}
    return server


def _result(answer: Answer) -> types.ServerResult:
    if answer.status == "error":
        return _failed(answer.error)
    told = Told(answer=answer.answer, status=answer.status, steps=len(answer.steps))
    content = [types.TextContent(type="text", text=answer.answer or f"no answer ({answer.status})")]
    return types.ServerResult(types.CallToolResult(content=content, structuredContent=told.model_dump()))


def _failed(line: str) -> types.ServerResult:
    return types.ServerResult(types.CallToolResult(content=[types.TextContent(type="text", text=line)], isError=True))
