"""Any LangChain tool by import path, named by a task file on the user's own disk and by nothing else.

task.yaml:  tools: [Search, Wikipedia]
            toolbox:
              Wikipedia:
                import: langchain_community.tools:WikipediaQueryRun
                arguments: {api_wrapper: {import: "langchain_community.utilities:WikipediaAPIWrapper"}}

The path names a tool class, a tool, or a `@tool` function; the tool is called by the name it has in the task file.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field

from autoact.core.errors import TaskError
from autoact.core.text import line_of
from autoact.tools.live import around, asked, said
from autoact.tools.threads import Threads


class Settings(BaseModel):
    """What `toolbox: {<name>: …}` may say of a tool with `import:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(
        alias="import", pattern=r"^[A-Za-z_]\w*(\.\w+)*:\w+(\.\w+)*$", description="Where it is, as module:name."
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="What its class is made with; {import:, arguments:} makes an object."
    )
    local: bool = Field(False, description="It needs no network: not recorded, and run when offline.")


def imported_tool(name: str, settings: Settings) -> BaseTool:
    """The tool under the name of the task file. Raises TaskError naming the field that is wrong."""
    found = _loaded(settings.path, f"toolbox.{name}.import")
    if isinstance(found, type) and issubclass(found, BaseTool):
        found = _made(found, settings.arguments, f"toolbox.{name}.arguments")
    elif isinstance(found, BaseTool) and settings.arguments:
        raise TaskError(f"toolbox.{name}.arguments: {settings.path} is a tool already and takes none; leave them out")
    if not isinstance(found, BaseTool):
        raise TaskError(f"toolbox.{name}.import: {settings.path} is no LangChain tool; name a tool or its class")
    named = found.model_copy(update={"name": name})
    return _printable(named) if settings.local else named


def _printable(tool: BaseTool) -> BaseTool:
    """A tool that no Live is around, with what it says bounded and printable all the same."""
    threads = Threads()

    def run(**inputs: Any) -> tuple[str, Any]:
        return said(asked(tool, inputs))

    async def arun(**inputs: Any) -> tuple[str, Any]:
        answer: tuple[str, Any] = await threads.run(run, **inputs)
        return answer

    return around(tool, run, arun)


def missing(settings: Settings) -> str:
    """The package that the path begins with, if it is not installed."""
    name = package(settings.path)
    return "" if name == "__main__" or importlib.util.find_spec(name) else f"the package {name}"


def package(path: str) -> str:
    """The package that a path begins with."""
    return path.partition(":")[0].partition(".")[0]


def live(settings: Settings) -> str:
    """The path and its package's version; empty for a tool said to be local."""
    return "" if settings.local else origin(settings)


def origin(settings: Settings) -> str:
    """The path and its package's version."""
    return f"{settings.path} {_version(settings.path)}".strip()


def _loaded(path: str, field: str) -> Any:
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as problem:
        raise TaskError(
            f"{field}: {module} cannot be imported ({line_of(problem)}); install it or correct the path"
        ) from None
    except AttributeError:
        raise TaskError(f"{field}: {module} has no {name}; correct the path") from None
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # a module of others may raise anything, and SystemExit too
        raise TaskError(f"{field}: {path} cannot be loaded ({_line(problem)})") from problem
    return found


def _made(made_of: Any, arguments: Any, field: str) -> Any:
    if not isinstance(arguments, dict):
        raise TaskError(f"{field} must be a mapping of names to values")
    given = {key: _object(value, f"{field}.{key}") for key, value in arguments.items()}
    try:
        inspect.signature(made_of).bind_partial(**given)  # pydantic ignores an argument that it does not know
        return made_of(**given)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # a class of others may raise anything
        raise TaskError(
            f"{field}: {getattr(made_of, '__name__', made_of)} cannot be made of them ({_line(problem)})"
        ) from problem


def _object(value: Any, field: str) -> Any:
    """An argument; a mapping with `import` is an object made in the same way."""
    if isinstance(value, dict) and "import" in value:
        unknown = value.keys() - {"import", "arguments"}
        if unknown:
            raise TaskError(f"{field}.{sorted(unknown)[0]} is not known beside import and arguments; leave it out")
        made_of = _loaded(str(value["import"]), f"{field}.import")
        return _made(made_of, value.get("arguments", {}), f"{field}.arguments")
    return value


def _version(path: str) -> str:
    try:
        return version(package(path))
    except PackageNotFoundError:
        return ""


def _line(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
