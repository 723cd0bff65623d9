"""Database: one SELECT → its rows, from a SQLite file or a PostgreSQL server, and never a change to either.

toolbox:
  Database: {file: geo.sqlite}
  # or {url: "postgresql+psycopg://reader@localhost/geo", password_variable: GEO_PASSWORD}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from autoact.core.errors import TaskError
from autoact.tools.box import Box, Limits
from autoact.tools.memory import Output, library_tool
from autoact.tools.rows import rows_as_text
from autoact.tools.service import unset
from autoact.tools.sql_server import SqlServer, check_url

DEFINITION = "answers a SQL query with the rows it selects."
USAGE = "one SELECT."
USAGE_TABLES = 1000
ERROR_TABLES = 2000


class Settings(BaseModel):
    """What `toolbox: {Database: …}` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field("", description="SQLite file.")
    url: str = Field("", description="SQLAlchemy URL of a PostgreSQL server, without a password; instead of a file.")
    password_variable: str = Field("", description="Environment variable that holds the server's password.")
    rows: int = Field(30, gt=0, le=100, description="Rows shown at most.")
    seconds: float = Field(1.0, gt=0, le=60, description="Seconds a query may take.")


def missing(settings: Settings) -> str:
    """What a database lacks to be used here; empty when nothing."""
    if not settings.url:
        return "" if settings.file else "toolbox.Database.file: a SQLite file, or url: a server"
    for package in ("sqlalchemy", "psycopg"):
        if find_spec(package) is None:
            return f"the package {package} (pip install 'langgraph-autoact[sql]')"
    return unset(settings.password_variable) if settings.password_variable else ""


def live(settings: Settings) -> str:
    """The address of the server; empty for a file."""
    return f"database {settings.url}" if settings.url else ""


def database_tool(settings: Settings, folder: Path) -> BaseTool:
    """A database that can only be read."""
    if bool(settings.file) == bool(settings.url):
        raise TaskError("toolbox.Database: needs a file: or a url:, and not both")
    if settings.url:
        try:
            check_url(settings.url)
        except ValueError as problem:
            raise TaskError(f"toolbox.Database.url: {problem}") from None
        server = SqlServer(settings.url, settings.password_variable, settings.rows, settings.seconds)
        return _tool(server.select, server.tables, f"{USAGE[:-1]} in the SQL of PostgreSQL.")
    limits = Limits(settings.seconds + 0.5)  # the query should end itself before its box does
    box = _box(folder / settings.file, (str(settings.seconds), str(settings.rows)), limits)
    usage = f"{USAGE[:-1]} in the SQL of SQLite; tables: {_listed(box.about, USAGE_TABLES)}."
    return _tool(box.ask, lambda: box.about, usage)


def _box(file: Path, arguments: Sequence[str], limits: Limits) -> Box:
    try:
        return Box("autoact.tools.sqlite_file", (str(file), *arguments), limits)
    except ValueError as problem:
        raise TaskError(f"toolbox.Database.file: {problem}; give a SQLite file with tables") from None


def _tool(select: Callable[[str], Any], tables: Callable[[], Sequence[str]], usage: str) -> BaseTool:
    def run(query: str) -> Output:
        try:
            result = select(query)
        except ToolException as problem:
            if type(problem) is not ToolException:  # the database failed, not the query
                raise
            raise ToolException(f"{problem} The tables are: {_listed(tables(), ERROR_TABLES)}.") from None
        return Output(rows_as_text(result["columns"], result["rows"], more=result["more"]), raw=result)

    return library_tool("Database", DEFINITION, usage, run, slow=True)


def _listed(tables: Sequence[str], limit: int) -> str:
    text = "; ".join(tables)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
