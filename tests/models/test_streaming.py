"""Tokens are streamed as they are said, none of them empty, and who stops listening gives the row up."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage
from langgraph.graph import StateGraph

from autoact.core.errors import PromptTooLong
from autoact.models.engine import Engine, Request
from autoact.models.local import LocalChatModel
from autoact.models.scripted import ScriptedChatModel

ASK = "Which castle?"
TEXT = "  Thought: look it up.\nAction: Retrieve\n"


@pytest.fixture
def local(engine: Engine) -> LocalChatModel:
    return LocalChatModel(engine=engine, adapter="plan", model_name="plan-1", max_tokens=30)


@pytest.fixture
def scripted() -> ScriptedChatModel:
    return ScriptedChatModel(replies=lambda _: TEXT)


@pytest.fixture(params=["local", "scripted"])
def model(request: pytest.FixtureRequest) -> BaseChatModel:
    found: BaseChatModel = request.getfixturevalue(request.param)
    return found


def streamed(model: BaseChatModel, **settings: Any) -> list[AIMessageChunk]:
    return list(model.stream(ASK, **settings))


async def astreamed(model: BaseChatModel) -> list[AIMessageChunk]:
    return [chunk async for chunk in model.astream(ASK)]


def idle(engine: Engine) -> bool:
    """Whether the engine, once it has answered a short request, has no row left."""
    engine.submit(Request([7, 8], max_tokens=2)).result(timeout=60)
    return not engine._decoder.rows


def endless(engine: Engine) -> LocalChatModel:
    return LocalChatModel(engine=engine, model_name="base", temperature=50.0, seed=1, max_tokens=450)


# ── the engine ──


@pytest.mark.parametrize("temperature", [0.0, 1.0, 50.0])
@pytest.mark.parametrize("stop", [(), ("a", "the ", "\n"), ("e" * 5,)])
def test_the_pieces_make_up_the_completion(engine: Engine, temperature: float, stop: tuple[str, ...]) -> None:
    for seed in range(3):
        pieces: list[str] = []
        asked = Request([9, 10, 11 + seed], max_tokens=50, temperature=temperature, seed=seed, stop=stop)
        said = engine.submit(asked, pieces.append).result(timeout=60)
        assert "".join(pieces) == said.text == engine.submit(asked).result(timeout=60).text
        assert "" not in pieces


def test_a_listener_that_fails_loses_its_own_answer_only(engine: Engine) -> None:
    def deaf(_: str) -> None:
        raise OSError("cannot hear")

    lost = engine.submit(Request([9, 10, 11], max_tokens=100, temperature=50.0, seed=1), deaf)
    kept = engine.submit(Request([9, 10, 11], max_tokens=100, temperature=50.0, seed=1))
    assert isinstance(lost.exception(timeout=60), OSError)
    assert kept.result(timeout=60).output_tokens > 1
    assert idle(engine)


# ── the chat models ──


def test_chunks_make_up_the_reply_and_the_last_says_what_it_cost(model: BaseChatModel) -> None:
    whole, chunks = model.invoke(ASK), streamed(model)
    assert len(chunks) > 3
    assert all(chunk.text for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert chunks[-1].response_metadata == whole.response_metadata
    assert set(whole.response_metadata) >= {"model_name", "finish_reason"}


def test_async_streams_the_same(model: BaseChatModel) -> None:
    texts = [chunk.text for chunk in asyncio.run(astreamed(model))]
    assert "".join(texts) == model.invoke(ASK).text
    assert all(texts)


def test_an_empty_reply_is_one_empty_chunk(engine: Engine) -> None:
    silent = LocalChatModel(engine=engine, model_name="base")
    for model in (silent.bind(regex="()"), ScriptedChatModel(replies=["", ""])):
        chunks = list(model.stream(ASK))
        assert [chunk.text for chunk in chunks] == [""]
        assert chunks[0].usage_metadata is not None


class Tokens(BaseCallbackHandler):
    """Hears every token."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.heard.append(token)


def test_a_handler_hears_each_token_once(model: BaseChatModel) -> None:
    tokens = Tokens()
    chunks = list(model.stream(ASK, config={"callbacks": [tokens]}))
    assert tokens.heard == [chunk.text for chunk in chunks]


def test_nothing_is_streamed_when_nobody_listens(model: BaseChatModel) -> None:
    tokens = Tokens()
    assert model.invoke(ASK, config={"callbacks": [tokens]}).text
    assert tokens.heard == []


class Told(TypedDict):
    said: str


def graph_over(model: BaseChatModel, native: bool) -> Any:
    """A graph of one node that asks `model`, by `ainvoke` when native."""

    def ask(_: Told) -> Told:
        return {"said": str(model.invoke(ASK).text)}

    async def aask(_: Told) -> Told:
        return {"said": str((await model.ainvoke(ASK)).text)}

    graph = StateGraph(Told)
    node: Any = aask if native else ask
    graph.add_node("ask", node)
    graph.add_edge("__start__", "ask")
    return graph.compile()


def test_a_graph_streams_the_tokens_of_its_models(model: BaseChatModel) -> None:
    said = [message.text for message, _ in graph_over(model, False).stream({"said": ""}, stream_mode="messages")]
    assert len(said) > 3
    assert all(said)
    assert "".join(said) == model.invoke(ASK).text


def test_a_graph_streams_them_to_async_callers_too(model: BaseChatModel) -> None:
    async def collect() -> list[str]:
        stream = graph_over(model, True).astream({"said": ""}, stream_mode="messages")
        return [message.text async for message, _ in stream]

    said = asyncio.run(collect())
    assert all(said)
    assert "".join(said) == model.invoke(ASK).text


# ── leaving early, and errors ──


def leave_a_loop(model: LocalChatModel) -> None:
    for _ in model.stream(ASK):
        break


def interrupt_a_stream(model: LocalChatModel) -> None:
    interrupted(lambda: streamed(model), model)


def interrupt_an_invoke(model: LocalChatModel) -> None:
    interrupted(lambda: model.invoke(ASK), model)


def interrupted(work: Callable[[], Any], model: LocalChatModel) -> None:
    """What Ctrl-C does while `work` waits for the engine."""

    main = threading.get_ident()

    def interrupt() -> None:
        while not model.engine._decoder.rows:
            time.sleep(0.001)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        work()


def leave_an_async_loop(model: LocalChatModel) -> None:
    async def leave() -> None:
        async for _ in model.astream(ASK):
            break

    asyncio.run(leave())


def cancel_a_stream(model: LocalChatModel) -> None:
    asyncio.run(cancelled(lambda: astreamed(model), model))


def cancel_an_ainvoke(model: LocalChatModel) -> None:
    asyncio.run(cancelled(lambda: model.ainvoke(ASK), model))


async def cancelled(work: Callable[[], Any], model: LocalChatModel) -> None:
    task = asyncio.ensure_future(work())
    while not model.engine._decoder.rows:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


WAYS_OUT = [
    leave_a_loop,
    interrupt_a_stream,
    interrupt_an_invoke,
    leave_an_async_loop,
    cancel_a_stream,
    cancel_an_ainvoke,
]


@pytest.mark.parametrize("leave", WAYS_OUT)
def test_who_leaves_early_gives_the_row_up(engine: Engine, leave: Callable[[LocalChatModel], None]) -> None:
    assert idle(engine)
    leave(endless(engine))
    assert idle(engine)


def test_a_prompt_too_long_reaches_who_listens(local: LocalChatModel) -> None:
    long = [HumanMessage("long " * 600)]
    with pytest.raises(PromptTooLong):
        list(local.stream(long))
    with pytest.raises(PromptTooLong):
        asyncio.run(anext(aiter(local.astream(long))))  # type: ignore[arg-type]


@pytest.fixture
def closing(home: Path) -> Iterator[Engine]:
    engine = Engine(str(home / "base"), threads=1)
    yield engine
    engine.close()


def test_an_engine_closed_in_midstream_is_an_error_to_who_listens(closing: Engine) -> None:
    stream = endless(closing).stream(ASK)
    next(stream)
    threading.Thread(target=closing.close).start()
    with pytest.raises(Exception, match="closed before it could answer"):
        list(stream)
