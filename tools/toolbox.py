"""From a task to its tools: the library's, imported ones and those of MCP servers, each with its settings.

    offered = offered_tools(task)            # all that the task names and that can be used here
    offered.missing                          # {"Search": "BRAVE_API_KEY in the environment"}: the others, and why
    chosen_tools(task, ("Search", "find"))   # those that were selected, by the names models know

task.yaml says which:

    tools: [Search, Weather, docs]
    toolbox:
      Search: {backend: brave}                                          # the library's, with settings
      Weather: {import: "package.module:Class", arguments: {…}}         # tools/imported.py
      docs: {mcp: {command: python, args: [server.py]}}                 # tools/mcp_servers.py
    cassette: cassette.sqlite                                           # tools/cassette.py
    offline: false
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ValidationError

from autoact.core.errors import TaskError
from autoact.core.records import FINISH, REFLECT
from autoact.core.task import Task
from autoact.core.text import TOOL_NAME
from autoact.core.versions import OURS, installed
from autoact.tools import imported, mcp_servers
from autoact.tools.cassette import Cassette
from autoact.tools.fingerprint import noted
from autoact.tools.library import ALIASES, LIBRARY, Place, card, entry_of, made
from autoact.tools.live import Live

LONGEST_NAME = 64
GIVES_WAY = "the task lists a tool of that name, which is used instead; rename one of them to have both"
Settings = TypeVar("Settings", bound=BaseModel)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offered:
    """The tools that a task offers; `missing` says of those that cannot be used here what they lack."""

    tools: tuple[BaseTool, ...]
    missing: dict[str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of `autoact tools`; `missing` is empty when the tool can be used here."""

    name: str
    definition: str
    usage: str
    needs: str
    missing: str


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the tools under one name of a task come from; `backend` is empty when they need no network.

    `origin` is the package that they are of, in its version; that of a server is known when it has started.
    A server's tools are `many` under names of their own; those that the task itself gives to tools are `taken`.
    """

    name: str
    needs: str
    missing: str
    backend: str
    make: Callable[[Live], tuple[BaseTool, ...]]
    origin: str = ""
    many: bool = False
    taken: frozenset[str] = frozenset()

    def all_tools(self, live: Live) -> tuple[BaseTool, ...]:
        """The tools, asked through the cassette when they need the network."""
        if self.backend and live.offline and live.cassette is None:
            raise TaskError(f"cassette: is missing, and {self.name} answers from it when offline: true; name the file")
        return tuple(noted(tool, self.origin) for tool in self.make(live))

    def tools(self, live: Live) -> tuple[BaseTool, ...]:
        """Those whose name is not taken."""
        tools = self.all_tools(live)
        for tool in filter(self.gives_way, tools):
            log.warning("toolbox.%s: its tool %s is left out, since %s", self.name, tool.name, GIVES_WAY)
        return tuple(tool for tool in tools if not self.gives_way(tool))

    def gives_way(self, tool: BaseTool) -> bool:
        """Whether a tool's name is taken; models are careless about case."""
        return tool.name.casefold() in self.taken

    def lack(self, live: Live) -> str:
        """What the tools lack to be used here; offline, the cassette is enough."""
        return "" if self.backend and live.offline else self.missing


def offered_tools(task: Task) -> Offered:
    """The tools of a task that can be used here. Raises TaskError when none can, or on settings that are wrong."""
    live = _live(task)
    sources = _sources(task)
    missing = {source.name: lack for source in sources if (lack := source.lack(live))}
    if len(missing) == len(sources):
        told = "; ".join(f"{name} needs {lack}" for name, lack in missing.items())
        raise TaskError(f"tools: none of them can be used here: {told}")
    usable = [source for source in sources if source.name not in missing]
    return Offered(_checked(tool for source in usable for tool in source.tools(live)), missing)


def chosen_tools(task: Task, names: Sequence[str]) -> tuple[BaseTool, ...]:
    """The tools of those names, in that order; an MCP server starts only for a name that no other tool has.

    Raises TaskError for a tool that cannot be used here, or that the task does not offer.
    """
    live = _live(task)
    found: dict[str, BaseTool] = {}
    for source in sorted(_sources(task), key=lambda source: source.many):
        if source.name in names or (source.many and not set(names) <= found.keys()):
            if lack := source.lack(live):
                raise TaskError(f"tools: {source.name} needs {lack}")
            found = {tool.name: tool for tool in source.tools(live)} | found
    for name in names:
        if name not in found:
            raise TaskError(f"tools: {name} was selected, and the task does not offer it; add it to tools")
    return _checked(found[name] for name in names)


def listing(task: Task | None = None) -> list[Listed]:
    """What `autoact tools` shows: the library, or the tools of a task."""
    if task is None:
        return [
            Listed(name, entry.definition, entry.usage, entry.needs(entry.settings()), entry.missing(entry.settings()))
            for name, entry in LIBRARY.items()
        ]
    live = _live(task, record=False)
    lines: list[Listed] = []
    for source in _sources(task):
        lack = source.lack(live)
        for tool in () if lack else source.all_tools(live):
            others = [line.name for line in lines if not line.missing]
            wrong = GIVES_WAY if source.gives_way(tool) else _wrong(tool.name, others)
            about = card(tool)
            lines.append(Listed(tool.name, about.definition, about.usage, source.needs, wrong))
        if lack:
            entry = LIBRARY.get(ALIASES.get(source.name, source.name))
            definition, usage = (entry.definition, entry.usage) if entry else ("", "")
            lines.append(Listed(source.name, definition, usage, source.needs, lack))
    return lines


def runs_code(task: Task) -> list[str]:
    """The tools that import Python or start a program because the task says so.

    Such a task must come from the user's own disk; what comes over the network must have none.
    """
    return [name for name, settings in task.toolbox.items() if "import" in settings or "mcp" in settings]


def _live(task: Task, *, record: bool = True) -> Live:
    """The way to live tools; unless it is to record, no cassette is begun."""
    path = task.path(task.cassette)
    if task.offline and task.cassette and not path.exists():
        raise TaskError(f"cassette: {path} does not exist, and offline: true answers from it; record one first")
    wanted = bool(task.cassette) and (record or path.exists())
    return Live(Cassette(path, read_only=task.offline or not record) if wanted else None, task.offline)


def _sources(task: Task) -> list[_Source]:
    corpus = task.path(task.corpus) if task.corpus else None
    place = Place(task.folder, corpus)
    settings = {name: task.toolbox.get(name, {}) for name in task.tools}
    taken = frozenset(name.casefold() for name, data in settings.items() if "mcp" not in data)
    return [_source(name, data, place, taken) for name, data in settings.items()]


def _source(name: str, data: dict[str, Any], place: Place, taken: frozenset[str]) -> _Source:
    if "import" in data:
        return _imported(name, _settings(imported.Settings, name, data))
    if "mcp" in data:
        return replace(_served(name, _settings(mcp_servers.Settings, name, data), place.folder), taken=taken)
    return _of_library(name, _settings(entry_of(name).settings, name, data), place)


def _imported(name: str, settings: imported.Settings) -> _Source:
    needs, backend = f"the package {imported.package(settings.path)}", imported.live(settings)

    def make(live: Live) -> tuple[BaseTool, ...]:
        tool = imported.imported_tool(name, settings)
        return (live.wrap(tool, backend, settings) if backend else tool,)

    return _Source(name, needs, imported.missing(settings), backend, make, imported.origin(settings))


def _served(name: str, settings: mcp_servers.Settings, folder: Path) -> _Source:
    make = partial(mcp_servers.mcp_tools, name, settings, folder)
    lack, backend = mcp_servers.missing(settings), mcp_servers.live(settings)
    return _Source(name, f"the MCP server {name}", lack, backend, make, many=True)


def _of_library(name: str, settings: BaseModel, place: Place) -> _Source:
    entry = entry_of(name)
    backend = entry.live(settings)
    content = partial(entry.content, settings, place.folder) if entry.content else None

    def make(live: Live) -> tuple[BaseTool, ...]:
        tool = made(name, settings, place)
        return (live.wrap(tool, backend, settings, content) if backend else tool,)

    kind = getattr(settings, "backend", "")
    origin = ", ".join(filter(None, (f"{OURS} {installed([OURS]).get(OURS, '')}".rstrip(), kind)))
    return _Source(name, entry.needs(settings), entry.missing(settings), backend, make, origin)


def _settings(kind: type[Settings], name: str, data: dict[str, Any]) -> Settings:
    try:
        return kind.model_validate(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in ("toolbox", name, *first["loc"]))
        if first["type"] == "missing":
            raise TaskError(f"{field} is missing; add it") from None
        raise TaskError(f"{field} is wrong: {first['msg']} (got {first['input']!r:.60})") from None


def _checked(tools: Any) -> tuple[BaseTool, ...]:
    """The tools, if models can tell them apart by name."""
    seen: dict[str, BaseTool] = {}
    for tool in tools:
        if wrong := _wrong(tool.name, seen):
            raise TaskError(f"tools: {wrong}")
        seen[tool.name] = tool
    return tuple(seen.values())


def _wrong(name: str, others: Collection[str]) -> str:
    """Why a tool cannot have a name beside the others; empty when it can. Models are careless about case."""
    if name.casefold() in (FINISH.casefold(), REFLECT.casefold()):
        return f"{name} has a meaning of its own; leave the tool out or rename it"
    if len(name) > LONGEST_NAME or not TOOL_NAME.fullmatch(name):
        return f"{name[:LONGEST_NAME]!r} is no name that a model can write; rename the tool"
    if name.casefold() in (other.casefold() for other in others):
        return f"two tools are called {name}; leave one out or rename it"
    return ""
