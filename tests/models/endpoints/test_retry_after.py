"""A server that says when it may be asked again is left alone until then, by everyone, and no longer than a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
from httpx2 import Response

from autoact.graph.group import group_planning
from autoact.models.failures import ATTEMPTS
from autoact.models.load import load_model
from autoact.models.retry_after import LONGEST, RetryAfter, seconds_of
from tests.models.endpoints.loopback import Answer, Body, Loopback, completion, http, spoken

Serve = Callable[[Callable[[Body], Answer] | Answer], Loopback]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("", 0),
        ("soon", 0),
        ("-3", 0),
        ("inf", 0),
        ("nan", 0),
        ("Mon, 01 Jan 1999 00:00:00 GMT", 0),
    ],
)
def test_a_wait_is_a_number_of_seconds(header: str, seconds: float) -> None:
    assert seconds_of(header) == seconds


def test_a_wait_may_be_given_as_a_date() -> None:
    assert 28 < seconds_of(formatdate(time.time() + 30, usegmt=True)) <= 30


@pytest.mark.parametrize(("status", "waits"), [(429, True), (503, True), (500, False), (200, False)])
def test_only_a_busy_server_is_waited_for(status: int, waits: bool) -> None:
    busy = RetryAfter()
    busy.note(Response(status, headers={"retry-after": "5"}))
    assert (busy.seconds() > 4) is waits


def test_no_server_is_waited_for_longer_than_a_minute() -> None:
    busy = RetryAfter()
    busy.note(Response(429, headers={"retry-after": "86400"}))
    busy.note(Response(429, headers={"retry-after": "1"}))
    assert LONGEST - 1 < busy.seconds() <= LONGEST


def busy_once(seconds: int) -> tuple[list[float], Callable[[Body], Answer]]:
    """When requests came, and a server that is busy for the first of them."""
    came: list[float] = []

    def answer(body: Body) -> Answer:
        came.append(time.monotonic())
        return http(429, "later", header=f"retry-after: {seconds}\r\n") if len(came) == 1 else completion(spoken(body))

    return came, answer


@pytest.mark.parametrize("spec", ["vllm:plan", "openai:plan"])
def test_a_graph_asks_again_when_it_was_told_to(serve: Serve, spec: str) -> None:
    came, answer = busy_once(2)
    graph = group_planning(load_model(spec, f"{serve(answer).url}/v1"), (), "Answer.").compile()
    state = graph.invoke({"question": "q"})
    assert (state["status"], state["answer"], len(came)) == ("answered", "Lima", 4)
    assert came[1] - came[0] >= 1.9


def test_all_that_ask_one_server_wait_alike(serve: Serve) -> None:
    came, answer = busy_once(2)
    url = f"{serve(answer).url}/v1"
    plan, tool = load_model("vllm:plan", url), load_model("vllm:tool", url)

    async def ask() -> None:
        with pytest.raises(Exception, match="HTTP 429"):
            await plan.ainvoke("Hello")
        await asyncio.gather(plan.ainvoke("Hello"), tool.ainvoke("Hello"))

    asyncio.run(ask())
    assert len(came) == 3
    assert min(came[1:]) - came[0] >= 1.9


def test_a_server_that_stays_busy_is_given_up_after_the_same_number_of_times(serve: Serve) -> None:
    server = serve(http(503, "later", header="retry-after: 1\r\n"))
    state = (
        group_planning(load_model("vllm:plan", f"{server.url}/v1"), (), "Answer.").compile().invoke({"question": "q"})
    )
    assert (state["status"], state["down"], len(server.asked)) == ("error", True, ATTEMPTS)
