"""Threads in Postgres, which takes any text that a model or a caller writes but a NUL or half a character.

async with postgres_saver("postgresql://ann@db.example/threads", JsonPlusSerializer()) as saver: …
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from psycopg import AsyncConnection, Error
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from autoact.core.errors import UserError
from autoact.core.text import storable

SECONDS = 10


class PostgresSaver(AsyncPostgresSaver):
    """LangGraph's saver keeps a state's texts in a JSON column, where such a character fails the whole checkpoint."""

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        values = checkpoint["channel_values"].items()
        kept = {name: storable(value) if isinstance(value, str) else value for name, value in values}
        checkpoint = {**checkpoint, "channel_values": kept}
        return await super().aput(config, checkpoint, metadata, new_versions)


@asynccontextmanager
async def postgres_saver(url: str, serde: SerializerProtocol) -> AsyncIterator[PostgresSaver]:
    """The saver, its tables made. Raises UserError."""
    options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    try:
        connection = await AsyncConnection[DictRow].connect(url, connect_timeout=SECONDS, **options)
        async with connection:
            await PostgresSaver(connection).setup()
    except Error as problem:
        # The client quotes the whole URL, password and all, when it cannot read it.
        line = " ".join(str(problem).replace(url, "the URL").split())[:300]
        raise UserError(f"the database of --database cannot be used ({line}); see to it or to its URL") from problem
    # The saver uses one connection at a time; a pool replaces one that was lost.
    pool = AsyncConnectionPool[AsyncConnection[DictRow]](
        url, min_size=1, max_size=1, open=False, kwargs=options, check=AsyncConnectionPool.check_connection
    )
    async with pool:
        yield PostgresSaver(pool, serde=serde)
