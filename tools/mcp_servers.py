"""The tools of MCP servers; each server has one session for the life of the process.

task.yaml:  tools: [Search, docs]
            toolbox:
              docs: {mcp: {command: python, args: [docs_server.py]}, tools: [find, read]}   # or mcp: {url: https://…}
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, ConfigDict, Field, model_validator

from autoact.core.errors import TaskError
from autoact.tools.cassette import Answer, Call
from autoact.tools.failures import ToolFailure
from autoact.tools.fingerprint import noted
from autoact.tools.live import Live, keyed
from autoact.tools.mcp_session import McpServer
from autoact.tools.service import unset

if TYPE_CHECKING:
    from langchain_mcp_adapters.sessions import Connection

LISTING = "tools/list"


class Server(BaseModel):
    """A server to start (`command`) or to connect to (`url`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str = Field("", description="The program that is the server; it runs in the task file's folder.")
    args: tuple[str, ...] = Field((), description="Its arguments.")
    env: tuple[str, ...] = Field((), description="Names of environment variables that it is given.")
    url: str = Field("", description="The address of a server that runs (streamable HTTP).")
    headers: dict[str, str] = Field(
        default_factory=dict, description="HTTP headers, each with the environment variable that holds its value."
    )

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> Server:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command or url")
        return self


class Settings(BaseModel):
    """What `toolbox: {<name>: …}` may say of a server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mcp: Server = Field(description="The server.")
    tools: tuple[str, ...] = Field((), description="Which of its tools are on offer; all of them when left out.")
    timeout: float = Field(30.0, gt=0, description="Seconds a call may take.")


def missing(settings: Settings) -> str:
    """The package or the environment variable that the server lacks."""
    if not importlib.util.find_spec("langchain_mcp_adapters"):
        return "the package langchain-mcp-adapters (pip install langgraph-autoact[mcp])"
    return unset(*settings.mcp.env, *settings.mcp.headers.values())


def live(settings: Settings) -> str:
    """How the server is reached."""
    return "mcp " + (settings.mcp.url or " ".join((settings.mcp.command, *settings.mcp.args)))


def mcp_tools(name: str, settings: Settings, folder: Path, through: Live) -> tuple[BaseTool, ...]:
    """The server's tools on offer, asked and recorded under its version; so is what it offers, for use offline.

    Raises TaskError when it does not start or lacks a tool that was named.
    """
    listing = Call(name, keyed(live(settings), settings.mcp), LISTING)
    try:
        answer = through.answer(listing, lambda: Answer(json.dumps(_listed(settings, folder), sort_keys=True)))
    except ToolFailure as problem:
        raise TaskError(f"toolbox.{name}.mcp: {problem} Correct how the server is reached.") from None
    listed = json.loads(answer.text)
    offered = {each["name"]: each for each in listed["tools"]}
    for wanted in settings.tools:
        if wanted not in offered:
            raise TaskError(f"toolbox.{name}.tools: the server has no {wanted}; it has {', '.join(offered)}")
    backend = f"{live(settings)} {listed['server']}"
    chosen = (noted(_tool(offered[each], settings, folder), listed["server"]) for each in settings.tools or offered)
    return tuple(through.wrap(tool, backend, settings.mcp) for tool in chosen)


def _listed(settings: Settings, folder: Path) -> dict[str, Any]:
    server = server_at(settings.mcp, folder)
    tools = [
        {"name": tool.name, "description": tool.description, "schema": tool.args_schema} for tool in server.tools()
    ]
    return {"server": server.about(), "tools": tools}


def _tool(definition: dict[str, Any], settings: Settings, folder: Path) -> BaseTool:
    """A tool as the server defines it, called over the held session."""

    def run(**inputs: Any) -> tuple[str, Any]:
        message = server_at(settings.mcp, folder).call(definition["name"], inputs, settings.timeout)
        return str(message.text), message.artifact

    return StructuredTool(
        name=definition["name"],
        description=definition["description"],
        args_schema=definition["schema"],
        func=run,
        response_format="content_and_artifact",
    )


_lock = threading.Lock()
_servers: dict[str, McpServer] = {}


def server_at(server: Server, folder: Path) -> McpServer:
    """The process's one session with a server, opened when first used."""
    connection = _connection(server, folder)
    key = json.dumps(connection, sort_keys=True)
    with _lock:
        if not _servers:
            atexit.register(close_servers)
        if key not in _servers:
            _servers[key] = McpServer(connection)
        return _servers[key]


def close_servers() -> None:
    """End every session; at exit this is done by itself."""
    with _lock:
        for server in _servers.values():
            server.close()
        _servers.clear()
        atexit.unregister(close_servers)


def _connection(server: Server, folder: Path) -> Connection:
    if server.url:
        headers = {name: os.environ.get(variable, "") for name, variable in server.headers.items()}
        return {"transport": "streamable_http", "url": server.url, "headers": headers}
    given = {name: os.environ.get(name, "") for name in server.env}
    return {
        "transport": "stdio",
        "command": server.command,
        "args": list(server.args),
        "env": given,
        "cwd": str(folder.resolve()),
    }
