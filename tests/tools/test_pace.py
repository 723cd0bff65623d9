"""Requests keep their pace, in threads and in event loops, and who stops waiting leaves the turn to others."""

from __future__ import annotations

import asyncio
import time

from autoact.tools.pace import Pace, Paced
from autoact.tools.threads import in_thread


def test_requests_keep_their_pace() -> None:
    pace, began = Pace(20), time.monotonic()
    for _ in range(4):
        pace.wait()
    assert 0.15 <= time.monotonic() - began < 1
    for _ in range(1000):
        Pace(0).wait()
    assert time.monotonic() - began < 1


def test_a_turn_that_was_waited_for_ahead_is_not_waited_for_again() -> None:
    pace, turns = Pace(10), []

    def two_requests() -> None:
        for _ in range(2):
            pace.wait()
            turns.append(time.monotonic())

    async def ask() -> None:
        await pace.ahead()
        await in_thread(pace.counted(two_requests))

    began = time.monotonic()
    asyncio.run(ask())
    assert turns[0] - began < 0.09
    assert turns[1] - began >= 0.1


def test_who_stops_waiting_leaves_the_turn_to_others() -> None:
    pace = Pace(5)

    async def wait() -> float:
        await pace.ahead()
        waiting = [asyncio.ensure_future(pace.ahead()) for _ in range(100)]
        await asyncio.sleep(0.05)
        for each in waiting:
            each.cancel()
        began = time.monotonic()
        await pace.ahead()
        return time.monotonic() - began

    assert asyncio.run(wait()) < 1


def test_what_is_made_of_the_same_settings_keeps_one_pace() -> None:
    settings = Paced(per_second=2)
    assert settings.pace is settings.pace
    assert settings == Paced(per_second=2)
