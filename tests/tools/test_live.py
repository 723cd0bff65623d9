"""Live tools are asked once for each input, recorded, and replayed without a network."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool, ToolException, tool

from autoact.tools.cassette import Answer, Call, Cassette
from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.library import NoSettings, card, input_fields
from autoact.tools.live import CACHED, Live
from autoact.tools.memory import Output, library_tool, memory_of, remember
from autoact.tools.pace import Paced
from autoact.tools.threads import MOST, in_thread

NONE = NoSettings()


class Oracle:
    """A tool that counts how often it is asked, and answers or raises as told."""

    def __init__(self, *answers: Any, seconds: float = 0.0) -> None:
        self.answers = answers
        self.seconds = seconds
        self.asked: list[str] = []

    def run(self, query: str) -> Output:
        self.asked.append(query)
        time.sleep(self.seconds)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return Output(f"{answer} {query}", remember("page"), raw=[1])

    def tool(self) -> BaseTool:
        return library_tool("Oracle", "knows.", "a query.", self.run, slow=True)


def wrapped(oracle: Oracle, live: Live | None = None) -> BaseTool:
    return (live or Live()).wrap(oracle.tool(), "oracle 1", NONE)


def said(tool: BaseTool, query: str = "Lima") -> str:
    return str(tool.invoke({"query": query}))


def test_a_live_tool_reads_the_same_to_a_model_and_keeps_its_artifact() -> None:
    plain = Oracle("yes").tool()
    live = wrapped(Oracle("yes"))
    assert (card(live), input_fields(live)) == (card(plain), input_fields(plain))
    reply = live.invoke({"type": "tool_call", "id": "1", "name": "Oracle", "args": {"query": "x"}})
    assert (reply.text, reply.artifact["raw"], memory_of(reply.artifact)) == ("yes x", [1], remember("page"))


def test_the_same_input_is_asked_once() -> None:
    oracle = Oracle("yes")
    live = wrapped(oracle)
    assert {said(live) for _ in range(5)} == {"yes Lima"}
    assert said(live, "Peru") == "yes Peru"
    assert oracle.asked == ["Lima", "Peru"]


def test_threads_and_coroutines_that_ask_the_same_share_one_flight() -> None:
    oracle = Oracle("yes", seconds=0.2)
    live = wrapped(oracle)

    async def many() -> list[Any]:
        return await asyncio.gather(*(live.ainvoke({"query": "Lima"}) for _ in range(20)))

    with ThreadPoolExecutor(20) as pool:
        loops = [pool.submit(asyncio.run, many()) for _ in range(2)]
        plain = [pool.submit(said, live) for _ in range(18)]
        assert {answer for loop in loops for answer in loop.result()} == {"yes Lima"}
        assert {answer.result() for answer in plain} == {"yes Lima"}
    assert oracle.asked == ["Lima"]


def test_a_refusal_is_remembered_and_a_failure_is_not() -> None:
    oracle = Oracle(ToolException("no such page"))
    live = wrapped(oracle)
    for _ in range(3):
        with pytest.raises(ToolException, match="no such page"):
            said(live)
    assert len(oracle.asked) == 1
    flaky = Oracle(ToolFailure("quota"), "yes")
    live = wrapped(flaky)
    with pytest.raises(ToolFailure, match="quota"):
        said(live)
    assert said(live) == "yes Lima"


def test_a_failure_is_shared_by_those_who_wait_for_it() -> None:
    oracle = Oracle(ToolFailure("quota"), "yes", seconds=0.2)
    live = wrapped(oracle)

    def ask(_: int) -> str:
        try:
            return said(live)
        except ToolFailure as problem:
            return str(problem)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"quota"}
    assert len(oracle.asked) == 1


def test_the_cache_is_bounded() -> None:
    oracle = Oracle("yes")
    live = wrapped(oracle)
    for number in range(CACHED + 1):
        said(live, str(number))
    said(live, "1")
    said(live, "0")
    assert oracle.asked[CACHED + 1 :] == ["0"]


# ── record and replay ──


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.sqlite"


def test_what_was_recorded_is_replayed_without_the_tool(path: Path) -> None:
    said(wrapped(Oracle("yes"), Live(Cassette(path))))
    with pytest.raises(ToolException):
        said(wrapped(Oracle(ToolException("no Lma")), Live(Cassette(path))), "Lma")
    silent = Oracle(AssertionError("asked although offline"))
    replay = wrapped(silent, Live(Cassette(path), offline=True))
    reply = replay.invoke({"type": "tool_call", "id": "1", "name": "Oracle", "args": {"query": "Lima"}})
    assert (reply.text, memory_of(reply.artifact)) == ("yes Lima", remember("page"))
    with pytest.raises(ToolException, match="no Lma"):
        said(replay, "Lma")
    assert silent.asked == []


def test_what_was_not_recorded_is_a_failure_that_says_so(path: Path) -> None:
    for cassette in (Cassette(path), None):
        with pytest.raises(ToolFailure, match="Oracle has no recorded answer to this, and offline: true refuses"):
            said(wrapped(Oracle("yes"), Live(cassette, offline=True)))


def test_a_failure_is_not_recorded(path: Path) -> None:
    cassette = Cassette(path)
    with pytest.raises(ToolFailure):
        said(wrapped(Oracle(ToolTimeout("late")), Live(cassette)))
    assert len(cassette) == 0


def test_online_a_tool_is_asked_anew_and_a_change_is_noticed(path: Path) -> None:
    said(wrapped(Oracle("yes"), Live(Cassette(path))))
    cassette = Cassette(path)
    assert said(wrapped(Oracle("no"), Live(cassette))) == "no Lima"
    assert [(drift.recorded, drift.now) for drift in cassette.drifts()] == [("yes Lima", "no Lima")]
    assert said(wrapped(Oracle("?"), Live(cassette, offline=True))) == "yes Lima"


# ── tools of others ──


@tool
async def fetched(query: str) -> str:
    """is async only."""
    await asyncio.sleep(0)
    return f"fetched {query}"


def breaking(problem: Exception) -> BaseTool:
    def run(query: str) -> str:
        raise problem if query else AssertionError

    return StructuredTool.from_function(run, name="Broken", description="breaks.")


def test_a_tool_that_is_async_only_is_asked_from_anywhere() -> None:
    live = Live().wrap(fetched, "x", NONE)
    assert live.invoke({"query": "a"}) == "fetched a"
    assert asyncio.run(live.ainvoke({"query": "b"})) == "fetched b"


@pytest.mark.parametrize(
    ("problem", "kind", "told"),
    [
        (ValueError("HTTP error 429"), ToolFailure, "Broken failed: ValueError: HTTP error 429"),
        (ConnectionError("refused"), ToolFailure, "Broken failed: ConnectionError: refused"),
        (TimeoutError("late"), ToolTimeout, "Broken took too long: late"),
        (ToolException("no such city"), ToolException, "no such city"),
    ],
)
def test_whatever_a_tool_of_others_raises_is_sorted(problem: Exception, kind: type[Exception], told: str) -> None:
    with pytest.raises(ToolException) as caught:
        Live().wrap(breaking(problem), "x", NONE).invoke({"query": "a"})
    assert (type(caught.value), str(caught.value)) == (kind, told)


def test_a_tool_that_turns_its_error_into_a_message_has_refused() -> None:
    quiet = breaking(ToolException("no such city")).model_copy(update={"handle_tool_error": True})
    with pytest.raises(ToolException, match="no such city"):
        Live().wrap(quiet, "x", NONE).invoke({"query": "a"})


def test_content_and_artifacts_of_other_forms_are_taken(path: Path) -> None:
    def run(query: str) -> tuple[Any, Any]:
        return [{"type": "text", "text": "a"}, {"type": "image", "url": "u"}], threading.Lock() if query else [1]

    blocks = StructuredTool.from_function(run, name="B", description="b.", response_format="content_and_artifact")
    live = Live(Cassette(path)).wrap(blocks, "x", NONE)
    replies = [live.invoke({"type": "tool_call", "id": "1", "name": "B", "args": {"query": q}}) for q in ("x", "")]
    assert [reply.text for reply in replies] == ["a", "a"]
    assert [reply.artifact for reply in replies] == [{"memory": None, "raw": None}, {"memory": None, "raw": [1]}]


# ── tools that hang ──


def test_who_waits_in_an_event_loop_holds_no_thread() -> None:
    go = threading.Event()

    def ask() -> Answer:
        go.wait(10)
        return Answer("yes")

    async def many(live: Live) -> list[Answer]:
        waiting = [asyncio.ensure_future(live.aanswer(Call("a", "b", "c"), ask)) for _ in range(MOST + 10)]
        await asyncio.sleep(0.05)
        await asyncio.wait_for(in_thread(go.set), 5)
        return await asyncio.gather(*waiting)

    assert {answer.text for answer in asyncio.run(many(Live()))} == {"yes"}


def test_a_flight_is_not_waited_for_for_ever() -> None:
    go, live, call = threading.Event(), Live(longest=0.05), Call("Oracle", "b", "c")

    def hang() -> Answer:
        go.wait(10)
        return Answer("late")

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(live.answer, call, hang)
        time.sleep(0.02)
        with pytest.raises(ToolTimeout, match="Oracle took too long"):
            live.answer(call, hang)
        assert live.answer(call, lambda: Answer("new")) == Answer("new")
        go.set()
    assert isinstance(first.exception(), ToolTimeout)


def test_who_is_cancelled_leaves_the_answer_to_those_who_wait() -> None:
    go, live, call = threading.Event(), Live(), Call("Oracle", "b", "c")

    def slow() -> Answer:
        go.wait(10)
        return Answer("late")

    async def both() -> Answer:
        first, second = (asyncio.ensure_future(live.aanswer(call, slow)) for _ in range(2))
        await asyncio.sleep(0.02)
        first.cancel()
        await asyncio.wait((first,))
        go.set()
        return await asyncio.wait_for(second, 5)

    assert asyncio.run(both()) == Answer("late")


def test_who_is_cancelled_before_a_thread_was_free_gives_up_for_those_who_wait() -> None:
    live, call = Live(), Call("Oracle", "b", "c")

    async def never(_: Callable[[], None]) -> None:
        await asyncio.sleep(60)

    async def both() -> None:
        first, second = (asyncio.ensure_future(live.aanswer(call, lambda: Answer("yes"), never)) for _ in range(2))
        await asyncio.sleep(0.02)
        first.cancel()
        with pytest.raises(ToolTimeout, match="Oracle took too long"):
            await asyncio.wait_for(second, 5)

    asyncio.run(both())


def test_an_interrupt_frees_those_who_wait() -> None:
    live = Live()

    def interrupted() -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live.answer(Call("a", "b", "c"), interrupted)
    assert live.answer(Call("a", "b", "c"), lambda: Answer("yes")) == Answer("yes")


def test_a_tool_that_hangs_on_every_input_leaves_the_others_their_threads() -> None:
    go = threading.Event()

    def hang(query: str) -> str:
        go.wait(20)
        return query

    live = Live()
    hung = live.wrap(StructuredTool.from_function(hang, name="Hung", description="hangs."), "x", NONE)
    other = wrapped(Oracle("yes"), live)

    async def both() -> list[Any]:
        lost = [asyncio.ensure_future(hung.ainvoke({"query": str(number)})) for number in range(MOST + 10)]
        await asyncio.sleep(0.1)
        local = await asyncio.wait_for(Oracle("local").tool().ainvoke({"query": "Lima"}), 5)
        said = await asyncio.wait_for(other.ainvoke({"query": "Lima"}), 5)
        for each in lost:
            each.cancel()
        return [local, said]

    try:
        assert asyncio.run(both()) == ["local Lima", "yes Lima"]
    finally:
        go.set()


def test_who_waits_for_a_turn_in_an_event_loop_holds_no_thread() -> None:
    oracle, before = Oracle("yes"), threading.active_count()
    slow = Live().wrap(oracle.tool(), "x", Paced(per_second=10))

    async def many() -> int:
        waiting = [asyncio.ensure_future(slow.ainvoke({"query": str(number)})) for number in range(50)]
        await asyncio.sleep(0.25)
        for each in waiting:
            each.cancel()
        return threading.active_count()

    assert asyncio.run(many()) <= before + 2
    assert 2 <= len(oracle.asked) <= 4


def test_offline_nobody_waits_for_a_turn(path: Path) -> None:
    fast = Live(Cassette(path)).wrap(Oracle("yes").tool(), "x", Paced())
    answers = [said(fast, str(number)) for number in range(5)]
    slow = Live(Cassette(path), offline=True).wrap(Oracle("no").tool(), "x", Paced(per_second=0.1))

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(slow.ainvoke({"query": str(number)}) for number in range(5)))

    began = time.monotonic()
    assert asyncio.run(all_of_them()) == answers
    assert time.monotonic() - began < 5
