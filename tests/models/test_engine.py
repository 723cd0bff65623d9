"""The engine gives each request what it would get alone, and lets the short ones go first."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import EndpointError, ModelError, PromptTooLong
from autoact.models.decoding import Row
from autoact.models.engine import Completion, Engine, EngineClosed, Request
from autoact.models.request import Job

ADAPTERS = (None, "plan", "tool", "reflect")


def requests(count: int, **settings: Any) -> list[Request]:
    draw = random.Random(count)
    return [
        Request([draw.randrange(5, 300) for _ in range(draw.randrange(1, 90))], ADAPTERS[i % 4], **settings)
        for i in range(count)
    ]


def results(futures: list[Future[Completion]]) -> list[Completion]:
    return [future.result(timeout=60) for future in futures]


def one_at_a_time(home: Path, request: Request, tokenizer: Any) -> str:
    """The reference: transformers' own generate on a model that holds one adapter at most."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(home / "base")
    if request.adapter:
        model = PeftModel.from_pretrained(model, str(home / f"{request.adapter}-1"))
    ids = torch.tensor([list(request.ids)])
    out = model.eval().generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=request.max_tokens, do_sample=False
    )
    return str(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))


def test_a_mixed_batch_says_what_generate_says_one_at_a_time(engine: Engine, home: Path) -> None:
    asked = requests(12, max_tokens=24)
    said = results([engine.submit(request) for request in asked])
    assert [answer.text for answer in said] == [one_at_a_time(home, request, engine.tokenizer) for request in asked]


def test_a_crowd_coming_and_going_changes_nobodys_answer(engine: Engine) -> None:
    lengths = random.Random(1)
    asked = [Request(request.ids, request.adapter, lengths.randrange(1, 200)) for request in requests(80)]
    alone = [engine.submit(request).result(timeout=60) for request in asked[::8]]
    assert results([engine.submit(request) for request in asked])[::8] == alone


def test_a_seeded_sample_is_the_same_alone_and_in_a_crowd(engine: Engine) -> None:
    asked = requests(24, max_tokens=30, temperature=1.0, seed=7)
    alone = [engine.submit(request).result(timeout=60) for request in asked]
    assert results([engine.submit(request) for request in asked]) == alone


def test_other_seeds_and_no_seed_give_other_samples(engine: Engine) -> None:
    seeds = [1, 2, 3, None, None]
    asked = [Request([9, 10, 11], max_tokens=20, temperature=1.0, seed=seed) for seed in seeds]
    assert len({answer.text for answer in results([engine.submit(request) for request in asked])}) == 5


def test_a_short_request_admitted_late_finishes_first(engine: Engine) -> None:
    long = engine.submit(endless(400))
    while not engine._decoder.rows:
        pass
    engine.submit(Request([7, 8], max_tokens=2)).result(timeout=60)
    assert not long.done()
    long.result(timeout=60)


def endless(tokens: int) -> Request:
    return Request([9, 10, 11], max_tokens=tokens, temperature=50.0, seed=1)


def test_a_stop_string_is_cut_off_and_ends_the_request(engine: Engine) -> None:
    whole = engine.submit(Request([9, 10, 11], max_tokens=40)).result(timeout=60).text
    stop = whole[len(whole) // 2 :][:3]
    short = engine.submit(Request([9, 10, 11], max_tokens=40, stop=("never said", "\ud800", stop))).result(timeout=60)
    assert short.text == whole[: whole.index(stop)]
    assert short.finish == "stop"
    assert short.output_tokens < 40


@pytest.mark.parametrize("silent", [2, 9, 40])
def test_a_stop_string_is_found_across_tokens_without_text(engine: Engine, silent: int) -> None:
    mark = engine.tokenizer.convert_tokens_to_ids("<|user|>")
    a, b = (engine.tokenizer.convert_tokens_to_ids(letter) for letter in "ab")
    job = Job(Request([9], stop=("ab",)), Future())
    assert engine._decoder._finish(Row(job, (), None, [b, a, *[mark] * silent, b])) == "stop"
    assert engine._decoder._finish(Row(job, (), None, [b, a, *[mark] * silent])) is None


def test_a_prompt_too_long_for_the_window_is_refused_with_its_sizes(engine: Engine) -> None:
    with pytest.raises(PromptTooLong, match=r"500 tokens and 13 more .* window is 512"):
        engine.submit(Request([9] * 500, max_tokens=13))
    assert engine.submit(Request([9] * 500, max_tokens=12)).result(timeout=60).input_tokens == 500


def test_a_setting_that_cannot_be_met_is_refused(engine: Engine) -> None:
    with pytest.raises(ModelError, match="no adapter 'poet'"):
        engine.submit(Request([9], adapter="poet"))
    with pytest.raises(ModelError, match="needs a prompt"):
        engine.submit(Request([]))


@pytest.mark.parametrize("temperature", [1e-5, 1e-300, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_logits_cannot_be_divided_by_is_refused(engine: Engine, temperature: float) -> None:
    with pytest.raises(ModelError, match=r"no temperature .* use 0 for the likeliest token") as caught:
        engine.submit(Request([9], temperature=temperature))
    assert "\n" not in str(caught.value)
    assert engine.submit(Request([9], temperature=1e-4, max_tokens=1)).result(timeout=60)


class Panic(BaseException):
    """What Rust raises through Python is no Exception."""


def panic(_: object) -> None:
    raise Panic("all is lost")


def test_a_listeners_panic_is_its_own_and_the_engine_lives_on(engine: Engine) -> None:
    beside = engine.submit(Request([7, 8], max_tokens=20))
    assert isinstance(engine.submit(Request([9, 10, 11], max_tokens=20), panic).exception(timeout=60), Panic)
    assert beside.result(timeout=60)


def test_a_panic_in_the_loop_is_an_error_to_all_in_flight_and_the_engine_lives_on(engine: Engine) -> None:
    long = engine.submit(endless(400))
    while not engine._decoder.rows:
        pass
    engine.submit(Request([7, 8], max_tokens=2)).add_done_callback(panic)
    with pytest.raises(RuntimeError, match="the engine failed: Panic: all is lost"):
        long.result(timeout=60)
    assert engine.submit(Request([7, 8], max_tokens=2)).result(timeout=60)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_engine_whose_thread_has_ended_lets_nobody_wait(home: Path) -> None:
    engine = Engine(str(home / "base"), threads=-1)
    for _ in range(2):
        with pytest.raises(EndpointError, match="closed"):
            engine.submit(Request([9])).result(timeout=60)
    assert not engine.alive
    engine.close()


def test_a_cancelled_request_frees_its_row(engine: Engine) -> None:
    future = engine.submit(endless(450))
    while not engine._decoder.rows:
        pass
    assert future.cancel()
    engine.submit(Request([7, 8], max_tokens=2)).result(timeout=60)
    assert not engine._decoder.rows
    with pytest.raises(CancelledError):
        future.result()


def test_async_callers_share_the_engine(engine: Engine) -> None:
    async def ask() -> list[Completion]:
        futures = [asyncio.wrap_future(engine.submit(request)) for request in requests(4, max_tokens=5)]
        return await asyncio.gather(*futures)

    assert asyncio.run(ask()) == results([engine.submit(r) for r in requests(4, max_tokens=5)])


def test_a_token_that_the_model_has_not_is_refused_before_it_harms_others(engine: Engine) -> None:
    for ids in ([10**6], [7, 400], [-1]):
        with pytest.raises(ModelError, match="its tokenizer is of another model"):
            engine.submit(Request(ids, max_tokens=3))


def test_an_error_in_the_loop_reaches_its_callers_and_the_engine_lives_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise IndexError

    with monkeypatch.context() as patched:
        patched.setattr(engine._decoder, "_admit", fail)
        broken = [engine.submit(Request([number], max_tokens=3)) for number in (7, 8)]
        wait(broken, timeout=60)
    assert all(isinstance(future.exception(), IndexError) for future in broken)
    assert engine.submit(Request([7, 8], max_tokens=2)).result(timeout=60).output_tokens <= 2


def test_closing_fails_what_is_pending_and_refuses_what_comes(home: Path) -> None:
    engine = Engine(str(home / "base"), threads=1)
    pending = [engine.submit(endless(500)) for _ in range(3)]
    engine.close()
    assert all(isinstance(future.exception(timeout=5), EndpointError) for future in pending)
    with pytest.raises(EndpointError, match="closed"):
        engine.submit(Request([9]))


def test_a_callback_in_the_engines_thread_may_close_it(home: Path) -> None:
    engine, closed = Engine(str(home / "base"), threads=1), threading.Event()

    def close(_: object) -> None:
        engine.close()
        closed.set()

    engine.submit(Request([9], max_tokens=2)).add_done_callback(close)
    engine._thread.join(60)
    assert closed.is_set()
    assert not engine.alive
    engine.close()


def test_more_requests_than_rows_are_all_answered(home: Path) -> None:
    engine = Engine(str(home / "base"), max_batch=3, threads=1)
    asked = [Request(request.ids, max_tokens=6) for request in requests(10)]
    assert len(results([engine.submit(request) for request in asked])) == 10
    engine.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_is_told_that_the_engine_is_not_its_own(engine: Engine) -> None:
    if not (fork := os.fork()):
        try:
            with pytest.raises(EngineClosed, match="make a new one"):
                engine.submit(Request([5, 6]))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(fork, 0)[1] == 0
    assert engine.submit(Request([5, 6], max_tokens=1)).result(timeout=60)
