"""A prompt longer than a pass is computed in several, between which the engine does all else that it has to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoact.models.engine import Engine, EngineClosed, Request
from autoact.models.prefill import further

pytestmark = pytest.mark.usefixtures("bound")
FURTHER = "autoact.models.decoding.further"
IDS = [5 + at * at % 290 for at in range(450)]


def endless() -> Request:
    return Request([9, 10, 11], max_tokens=450, temperature=50.0, seed=1)


@pytest.fixture
def own(home: Path) -> Iterator[Engine]:
    engine = Engine(str(home / "base"), {"plan": home / "plan-1"}, threads=1)
    yield engine
    engine.close()


@pytest.fixture
def parts(own: Engine, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """For each part of a long prompt, each made to take a while: how many tokens the rows in flight had said."""
    seen: list[list[int]] = []

    def slow(*args: Any) -> Any:
        seen.append([len(row.tokens) for row in own._decoder.rows])
        time.sleep(0.05)
        return further(*args)

    monkeypatch.setattr(FURTHER, slow)
    return seen


def until(happened: Callable[[], object]) -> None:
    while not happened():
        time.sleep(0.001)


def test_rows_in_flight_say_a_token_between_the_parts(own: Engine, parts: list[list[int]], bound: int) -> None:
    flying = own.submit(endless())
    until(lambda: own._decoder.rows)
    own.submit(Request(IDS, max_tokens=1)).result(timeout=60)
    flying.cancel()
    said = [row[0] for row in parts]
    assert said == list(range(said[0], said[0] + len(IDS) // bound))


def test_a_newcomer_during_a_long_prompt_is_answered_before_its_first_token(
    own: Engine, parts: list[list[int]]
) -> None:
    order: list[str] = []
    long = own.submit(Request(IDS, max_tokens=2), on_text=lambda _: order.append("long"))
    until(lambda: parts)
    short = own.submit(Request([7, 8], max_tokens=3))
    short.add_done_callback(lambda _: order.append("short"))
    assert long.result(timeout=60).output_tokens == 2
    assert order[0] == "short"


def test_a_cancelled_one_is_computed_no_further_and_nor_is_one_behind_it(
    own: Engine, parts: list[list[int]], bound: int
) -> None:
    pending = [own.submit(Request(IDS, adapter, max_tokens=2)) for adapter in (None, "plan")]
    until(lambda: parts)
    assert all(future.cancel() for future in pending)
    own.submit(Request([7, 8], max_tokens=3)).result(timeout=60)
    assert len(parts) < len(IDS) // bound
    assert not own._decoder.jobs


def test_one_whose_time_is_over_is_computed_no_further(own: Engine, parts: list[list[int]], bound: int) -> None:
    with pytest.raises(TimeoutError, match=r"longer than 0\.05 seconds"):
        own.submit(Request(IDS, max_tokens=2, seconds=0.05)).result(timeout=60)
    own.submit(Request([7, 8], max_tokens=3)).result(timeout=60)
    assert len(parts) < len(IDS) // bound
    assert not own._decoder.jobs


def test_closing_does_not_wait_for_the_parts_to_come(own: Engine, parts: list[list[int]], bound: int) -> None:
    pending = [own.submit(Request(IDS, adapter, max_tokens=2)) for adapter in (None, "plan")]
    until(lambda: parts)
    own.close()
    assert len(parts) < len(IDS) // bound
    assert all(isinstance(future.exception(timeout=5), EngineClosed) for future in pending)


def test_an_error_in_a_part_reaches_its_caller_and_the_engine_lives_on(
    own: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise IndexError

    with monkeypatch.context() as patched:
        patched.setattr(FURTHER, fail)
        pending = [own.submit(Request(IDS, adapter, max_tokens=2)) for adapter in (None, "plan")]
        assert all(isinstance(future.exception(timeout=60), IndexError) for future in pending)
    assert own.submit(Request(IDS, max_tokens=2)).result(timeout=60)


def test_a_long_prompt_is_kept_and_counted_once(own: Engine) -> None:
    said = own.submit(Request(IDS, max_tokens=4)).result(timeout=60)
    own.submit(Request([*IDS, *said.tokens[:3], 9, 8], max_tokens=1)).result(timeout=60)
    spent = own.profile()["spent"]["base"]
    assert (spent["requests"], spent["prefilled"], spent["reused"]) == (2, len(IDS) + 2, len(IDS) + 3)
    assert spent["decoded"] == said.output_tokens + 1


def test_a_long_prompt_goes_on_from_what_is_kept(own: Engine) -> None:
    own.submit(Request(IDS[:100], max_tokens=1)).result(timeout=60)
    own.submit(Request(IDS, max_tokens=1)).result(timeout=60)
    spent = own.profile()["spent"]["base"]
    assert (spent["prefilled"], spent["reused"]) == (len(IDS), 100)


def test_alike_long_prompts_are_computed_once(own: Engine, bound: int) -> None:
    alike = [own.submit(Request([*IDS, number], max_tokens=1)) for number in range(7, 12)]
    assert all(future.result(timeout=60) for future in alike)
    spent = own.profile()["spent"]["base"]
    assert spent["prefilled"] < len(IDS) + 5 * bound
    assert spent["prefilled"] + spent["reused"] == 5 * len(IDS) + 5


def test_what_was_computed_of_a_prompt_that_was_given_up_is_kept(own: Engine, parts: list[list[int]]) -> None:
    long = own.submit(Request(IDS, max_tokens=2))
    until(lambda: len(parts) > 1)
    long.cancel()
    own.submit(Request(IDS, max_tokens=2)).result(timeout=60)
    spent = own.profile()["spent"]["base"]
    assert (spent["requests"], spent["prefilled"]) == (2, len(IDS))
