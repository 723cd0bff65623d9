"""Slow tools run in a bounded number of threads, none of which keeps the process from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from autoact.tools.threads import Threads, in_thread

HANG = """
import asyncio, threading
from autoact.tools.threads import in_thread

async def ask():
    await asyncio.wait_for(in_thread(threading.Event().wait), 0.1)

try:
    asyncio.run(ask())
except TimeoutError:
    print("given up")
"""


def test_no_more_threads_are_started_than_are_needed_or_allowed() -> None:
    threads, before = Threads(4), threading.active_count()
    for _ in range(20):
        threads.submit(lambda: None).result()
        time.sleep(0.001)
    assert threading.active_count() <= before + 2
    waiting = [threads.submit(lambda: time.sleep(0.05)) for _ in range(12)]
    assert threading.active_count() <= before + 4
    for each in waiting:
        each.result()


def test_what_a_call_raises_goes_to_who_asked() -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    threads = Threads(1)
    with pytest.raises(KeyboardInterrupt):
        threads.submit(fail).result()
    assert threads.submit(lambda: "next").result() == "next"


def test_a_call_that_is_given_up_leaves_its_thread_to_others() -> None:
    async def give_up() -> str:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(slow), 0.02)
        said: str = await in_thread(lambda: "next")
        return said

    def slow() -> None:
        time.sleep(0.1)

    assert asyncio.run(give_up()) == "next"


def test_a_tool_that_hangs_does_not_keep_the_process_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", HANG], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "given up\n"
