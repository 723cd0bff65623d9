"""A request has its time, waiting or not, and what an engine did is counted by speaker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from autoact.core.errors import ModelError
from autoact.models.decoding import Done
from autoact.models.engine import Engine, Request
from autoact.models.load import profile_of
from autoact.models.local import LocalChatModel
from autoact.models.request import Job
from autoact.models.scripted import ScriptedChatModel


def endless(seconds: float | None = None) -> Request:
    return Request([9, 10, 11], max_tokens=450, temperature=50.0, seed=1, seconds=seconds)


def test_a_request_in_flight_whose_time_is_over_frees_its_row(engine: Engine) -> None:
    with pytest.raises(TimeoutError, match=r"longer than 0\.05 seconds"):
        engine.submit(endless(0.05)).result(timeout=60)
    engine.submit(Request([7, 8], max_tokens=2)).result(timeout=60)
    assert not engine._decoder.rows


def test_a_request_that_waits_for_a_row_has_its_time_too(home: Path) -> None:
    engine = Engine(str(home / "base"), max_batch=1, threads=1)
    long = engine.submit(endless())
    waiting = engine.submit(Request([7, 8], max_tokens=2, seconds=0.05))
    with pytest.raises(TimeoutError):
        waiting.result(timeout=60)
    assert not long.done()
    engine.close()


def test_an_answer_that_comes_too_late_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(str(home / "base"), threads=1)
    real = engine._decoder.admit

    def slow(jobs: Sequence[Job]) -> Iterator[Done]:
        time.sleep(0.2)
        return real(jobs)

    monkeypatch.setattr(engine._decoder, "admit", slow)
    with pytest.raises(TimeoutError):
        engine.submit(Request([7, 8], max_tokens=1, seconds=0.1)).result(timeout=60)
    engine.close()


def test_a_crowd_of_long_prompts_does_not_hold_what_is_in_flight(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(str(home / "base"), threads=1)
    decoder, did = engine._decoder, list[str]()
    real_step, real_advance = decoder.step, decoder._advance

    def step() -> Done:
        did.append("step")
        return real_step()

    def advance(first: int, logits: Any) -> Done:
        did.append("pass" if first else "first")
        return real_advance(first, logits)

    monkeypatch.setattr(decoder, "step", step)
    monkeypatch.setattr(decoder, "_advance", advance)
    monkeypatch.setattr("autoact.models.decoding.MAX_TOKENS", 300)
    monkeypatch.setattr("autoact.models.prefill.MAX_TOKENS", 300)
    flying = engine.submit(endless())
    while "step" not in did:
        time.sleep(0.001)
    crowd = [Request([5 + (number + at) % 300 for at in range(200)], max_tokens=2) for number in range(0, 60, 5)]
    for future in [engine.submit(request) for request in crowd]:
        future.result(timeout=60)
    flying.cancel()
    engine.close()
    runs = [len(list(run)) for kind, run in groupby(did) if kind == "pass"]
    assert sum(runs) > 8
    assert max(runs) <= 2


def test_a_request_in_time_is_answered(engine: Engine) -> None:
    assert engine.submit(Request([7, 8], max_tokens=2, seconds=30)).result(timeout=60).output_tokens == 2


def test_a_time_that_is_none_is_refused(engine: Engine) -> None:
    with pytest.raises(ModelError, match="cannot be done in 0 seconds"):
        engine.submit(Request([9], seconds=0))


def test_a_chat_model_has_a_timeout(engine: Engine) -> None:
    model = LocalChatModel(engine=engine, model_name="base", max_tokens=450, temperature=50.0)
    with pytest.raises(TimeoutError):
        model.bind(timeout=0.001).invoke([HumanMessage("hello")])


def test_tokens_are_counted_by_speaker_computed_reused_and_said(home: Path) -> None:
    engine = Engine(str(home / "base"), {"plan-1": home / "plan-1"}, threads=1)
    ids = list(range(9, 60))
    said = engine.submit(Request(ids, "plan-1", max_tokens=4)).result(timeout=60)
    engine.submit(Request([*ids, 70, 71], "plan-1", max_tokens=1)).result(timeout=60)
    engine.submit(Request(ids, max_tokens=1)).result(timeout=60)
    engine.close()
    spent = engine.profile()["spent"]
    plan, base = spent["plan-1"], spent["base"]
    assert (plan["requests"], plan["reused"], plan["prefilled"]) == (2, len(ids), len(ids) + 2)
    assert (plan["decoded"], base["decoded"], base["prefilled"]) == (said.output_tokens + 1, 1, len(ids))
    assert plan["queued"] >= 0


def test_rows_over_steps_is_the_mean_batch(home: Path) -> None:
    engine = Engine(str(home / "base"), threads=1)
    engine.submit(Request([7, 8, 9], max_tokens=5, temperature=50.0, seed=3)).result(timeout=60)
    engine.close()
    profile = engine.profile()
    assert profile["rows"] == profile["steps"] == 4


def test_the_profile_of_a_model_is_its_engine_s_and_one_elsewhere_has_none(engine: Engine) -> None:
    assert profile_of(LocalChatModel(engine=engine, model_name="base")) == engine.profile()
    assert profile_of(ScriptedChatModel(replies=["x"])) is None
