"""A run ends with whoever waits for it, however they are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest

from autoact.graph.context import Context
from autoact.serve.refusal import Refusal
from autoact.serve.runs import Runs
from autoact.serve.team import ServedTeam

WAITS = {"question": "Wait, 1 + 1?"}


@pytest.mark.parametrize("way", ["finished", "followed"])
def test_a_run_is_over_once_a_cancelled_scope_is_left(
    team_with: Callable[[Context], ServedTeam], door: Any, way: str
) -> None:
    graph = team_with(Context()).builder().compile()

    async def wait() -> None:
        async with Runs(1).one() as run:
            if way == "finished":
                await run.finished(graph.ainvoke(WAITS))
            async for _ in run.followed(graph.astream(WAITS)):
                pass

    async def leave() -> tuple[bool, bool]:
        with anyio.move_on_after(0.3):
            await wait()
        return door.reached.is_set(), door.left.is_set()

    assert asyncio.run(leave()) == (True, True)


def test_a_run_that_nobody_follows_to_the_end_is_over_when_it_is_left(
    team_with: Callable[[Context], ServedTeam], door: Any
) -> None:
    graph = team_with(Context()).builder().compile()

    async def leave() -> bool:
        async with Runs(1).one() as run:
            parts = run.followed(graph.astream(WAITS))
            await anext(parts)
            await asyncio.to_thread(door.reached.wait, 10)
        left: bool = door.left.is_set()
        return left

    assert asyncio.run(leave())


def test_a_run_that_the_server_stops_is_refused_and_not_cancelled() -> None:
    async def stopped() -> None:
        runs = Runs(1)
        asyncio.get_running_loop().call_later(0.01, runs.stop)
        async with runs.one() as run:
            await run.finished(asyncio.sleep(20))

    with pytest.raises(Refusal, match="the server is closing"):
        asyncio.run(stopped())


def test_a_place_is_given_back_whatever_happens() -> None:
    async def twice() -> None:
        runs = Runs(1)
        for _ in range(2):
            with suppress(ZeroDivisionError):
                async with runs.one():
                    with pytest.raises(Refusal, match="1 questions are in flight"):
                        await runs.one().__aenter__()
                    raise ZeroDivisionError

    asyncio.run(twice())
