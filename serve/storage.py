"""Where threads are kept: a SQLite file, or a Postgres database, by URL.

    async with saver_at("sqlite:///runs/atlas/threads.sqlite") as saver: …
    async with saver_at("postgresql://ann@db.example/threads") as saver: …

Postgres takes its password from PGPASSWORD or ~/.pgpass too, so that it need not stand on a command line.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from autoact.core.errors import UserError

Saver = BaseCheckpointSaver[Any]


def saver_at(url: str) -> AbstractAsyncContextManager[Saver]:
    """The database, opened and its tables made. Raises UserError, on entry too."""
    # JSON values and LangGraph's own types: nothing that a database holds is imported.
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    scheme, separator, path = url.partition("://")
    if separator and scheme == "sqlite" and path.startswith("/") and path.strip("/"):
        return _sqlite_saver(path[1:], serde)
    if separator and scheme in ("postgresql", "postgres"):
        from autoact.serve.postgres import postgres_saver

        return postgres_saver(url, serde)
    raise UserError("--database is no URL of a database: write sqlite:///FILE or postgresql://USER@HOST/NAME")


def check_database(url: str) -> None:
    """Raises UserError unless the database can be opened."""

    async def open_once() -> None:
        async with saver_at(url):
            pass

    asyncio.run(open_once())


@asynccontextmanager
async def _sqlite_saver(path: str, serde: JsonPlusSerializer) -> AsyncIterator[Saver]:
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    try:
        # First without a thread, which would outlive a failure.
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as problem:
        raise UserError(f"the database {path} cannot be used ({problem}); name another with --database") from problem
    async with aiosqlite.connect(path) as kept:
        saver = AsyncSqliteSaver(kept, serde=serde)
        await saver.setup()
        yield saver
