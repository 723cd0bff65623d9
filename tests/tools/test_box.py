"""A box does its work in forks with hard limits, and whatever happens to one, the next is fresh."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from langchain_core.tools import ToolException

from autoact.tools.box import Box, Limits
from autoact.tools.failures import ToolFailure

WORK = """
import os, time
from autoact.tools.box_server import Prepared

seen = []

def prepare(word):
    if word == "broken":
        raise ValueError("the file is\\nbroken")
    if word == "slow":
        time.sleep(60)
    return Prepared({"word": word, "pid": os.getpid()}, answer)

def answer(request):
    if request == "sleep":
        time.sleep(60)
    if request == "spin":
        while True: pass
    if request == "memory":
        return len(bytearray(10**9))
    if request == "long":
        return "x" * 2_000_000
    if request == "write":
        with open("written", "wb") as file:
            file.write(b"x")
    if request == "crash":
        os.abort()
    if request == "refuse":
        raise ValueError("No.")
    seen.append(request)
    return seen
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Box]:
    (tmp_path / "work_in_a_box.py").write_text(WORK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda word="hello", seconds=0.4: Box("work_in_a_box", (word,), Limits(seconds))


def test_a_file_that_takes_too_long_to_prepare_is_given_up(make: Callable[..., Box]) -> None:
    make()
    with pytest.raises(ValueError, match=r"it could not be read within 0\.5 s"):
        Box("work_in_a_box", ("slow",), Limits(0.4, start=0.5))


def test_a_box_prepares_once_and_each_request_finds_it_as_it_was(make: Callable[..., Box]) -> None:
    box = make()
    assert box.about["word"] == "hello"
    assert [box.ask("a"), box.ask("ü"), box.ask("\ud800")] == [["a"], ["ü"], ["?"]]


def test_what_cannot_be_prepared_is_said_in_one_line(make: Callable[..., Box]) -> None:
    with pytest.raises(ValueError, match=r"^the file is broken$"):
        make("broken")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ("sleep", r"^It took longer than 0\.4 seconds\.$"),
        ("spin", r"^It took longer than 0\.4 seconds\.$"),
        ("memory", "too much memory"),
        ("crash", "too much memory, or is nested too deeply"),
        ("long", "The answer is too large"),
        ("refuse", r"^No\.$"),
        ("x" * 10_001, "too long: 10,001 characters, at most 10,000"),
    ],
)
def test_what_a_request_does_to_its_fork_stays_there(make: Callable[..., Box], request_: str, reason: str) -> None:
    box = make()
    began = time.monotonic()
    with pytest.raises(ToolException, match=reason) as caught:
        box.ask(request_)
    assert type(caught.value) is ToolException
    assert time.monotonic() - began < 1
    assert box.ask("a") == ["a"]


def test_a_request_writes_no_file(make: Callable[..., Box], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ToolException):
        make().ask("write")
    assert (tmp_path / "written").read_bytes() == b""


def test_a_process_that_died_is_started_anew(make: Callable[..., Box]) -> None:
    box = make()
    os.kill(box.about["pid"], signal.SIGKILL)
    time.sleep(0.1)
    assert box.ask("a") == ["a"]


def test_a_process_that_cannot_be_started_anew_is_a_failure(make: Callable[..., Box], tmp_path: Path) -> None:
    box = make()
    (tmp_path / "work_in_a_box.py").unlink()
    os.kill(box.about["pid"], signal.SIGKILL)
    time.sleep(0.1)
    with pytest.raises(ToolFailure, match="cannot be started"):
        box.ask("a")


def test_many_threads_ask_at_once(make: Callable[..., Box]) -> None:
    box = make(seconds=5.0)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(box.ask, map(str, range(40)))) == [[str(i)] for i in range(40)]


def test_the_process_ends_with_its_box(make: Callable[..., Box]) -> None:
    box = make()
    pid = box.about["pid"]
    del box
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
