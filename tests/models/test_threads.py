"""A small model computes with one thread, its engine's own; whoever else uses torch keeps as many as before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from autoact.models.engine import Engine, Request
from autoact.models.threads import SMALL, threads_for


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    """torch computes with three threads, as it would on three cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def within(home: Path, threads: int | None = None) -> int:
    """How many threads torch says it has in an engine's thread."""
    engine, seen = Engine(str(home / "base"), threads=threads), list[int]()
    asked = Request([9, 10], max_tokens=40, regex="[a-z]+")
    engine.submit(asked, lambda _: seen.append(torch.get_num_threads())).result(timeout=60)
    engine.close()
    return seen[0]


@pytest.mark.usefixtures("unset")
def test_a_small_models_engine_computes_with_one_thread_and_nobody_else(home: Path) -> None:
    assert within(home) == 1
    assert torch.get_num_threads() == 3


def test_the_environment_has_the_first_word(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert within(home) == 3


@pytest.mark.usefixtures("unset")
def test_whoever_makes_an_engine_may_say_how_many(home: Path) -> None:
    assert within(home, threads=2) == 2
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("unset")
def test_a_large_models_engine_is_as_torch_has_it() -> None:
    assert "OMP_NUM_THREADS" not in os.environ
    assert (threads_for(SMALL - 1), threads_for(SMALL)) == (1, None)
