"""A server that fails, hangs, hangs up or talks nonsense is no answer, and asked again only where that may help."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from socket import socket
from typing import Any

import pytest
from httpx2 import ConnectError, TimeoutException, TransportError
from langchain_core.language_models import BaseChatModel

from autoact.core.errors import EndpointError
from autoact.graph.group import group_planning
from autoact.models.failures import ATTEMPTS, asking, is_down, is_passing
from autoact.models.load import load_model
from tests.models.endpoints.loopback import STREAM, Answer, Body, Loopback, completion, http, spoken, streamed

Serve = Callable[[Callable[[Body], Answer] | Answer], Loopback]

OVERLOADED = {"error": {"message": "overloaded", "type": "server_error"}}
PASSING = {
    "500": http(500, OVERLOADED),
    "500 in HTML": http(500, "<html>Oh no", "text/html"),
    "502 of a proxy": http(502, "bad gateway", "text/plain"),
    "503 without a word": http(503, ""),
    "429": http(429, OVERLOADED, header="retry-after: 1\r\n"),
    "hangs": Answer(b"", "hang"),
    "hangs in the middle": Answer(completion("Lima").data[:-20], "hang"),
    "cut before a word": Answer(b"", "cut"),
    "cut in the head": Answer(b"HTTP/1.1 200", "cut"),
    "cut in the middle": completion("Lima").cut(20),
    "no HTTP": Answer(b"SSH-2.0-OpenSSH_9.6\r\n", "cut"),
    "sends on to no host": http(307, "", header="location: http://a..b/\r\n"),
    "no gzip": http(200, "Lima", header="content-encoding: gzip\r\n"),
}
LASTING = {
    "401": http(401, {"error": {"message": "no such key"}}),
    "403": http(403, {"error": {"message": "not you"}}),
    "404": http(404, {"error": {"message": "no such model"}}),
    "broken JSON": http(200, "{{{"),
    "nothing": http(200, ""),
    "a page": http(200, "<html>Log in", "text/html"),
    "a word": http(200, "Lima", "text/plain"),
    "a list": http(200, [1, 2]),
    "null": http(200, "null"),
    "no choice": completion("Lima", choices=[]),
    "choices that are null": completion("Lima", choices=None),
    "a choice without a message": completion("Lima", choices=[{"index": 0, "finish_reason": "stop"}]),
    "a message that is a number": completion("Lima", choices=[{"index": 0, "message": {"content": 5}}]),
    "tokens that are words": completion("Lima", usage={"prompt_tokens": "many"}),
    "an error as 200": http(200, OVERLOADED),
    "an error as 200, otherwise": http(200, {"object": "error", "message": "overloaded", "code": 500}),
}
STREAMS = {
    "cut in the middle": Answer(STREAM.replace("close", "close\r\ncontent-length: 9999").encode() + b"data: ", "cut"),
    "hangs in the middle": Answer(streamed("Li", done="").data, "hang"),
    "ends in the middle": streamed("Li", "ma", done=""),
    "no number of tokens": streamed("Lima", {"choices": [], "usage": {"prompt_tokens": "many"}}),
    "a piece that is a number": streamed({"choices": [{"index": 0, "delta": {"content": 5}}]}),
    "broken JSON": Answer(STREAM.encode() + b"data: {{{\n\n", "cut"),
    "an error": streamed("Li", OVERLOADED),
    "no event": streamed(done=""),
    "a whole turn instead": completion("Lima"),
    "a page": http(200, "<html>Log in", "text/html"),
    "500": http(500, OVERLOADED),
}


def hurried(server: Loopback) -> BaseChatModel:
    """A model at the server, which is given half a second."""
    model = load_model("vllm:plan", f"{server.url}/v1")
    return model.model_copy(update={"timeout": 0.5})


def failure(call: Callable[[], Any]) -> Exception:
    """What a call of a model raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is tested
        call()
    with pytest.raises(EndpointError, match="the model plan does not answer"), asking("plan"):
        raise caught.value
    return caught.value


@pytest.mark.parametrize("name", [*PASSING, *LASTING])
def test_what_is_no_answer_is_the_servers_failure_and_asked_for_once(serve: Serve, name: str) -> None:
    server = serve((PASSING | LASTING)[name])
    model = hurried(server)
    for problem in (failure(lambda: model.invoke("Hello")), failure(lambda: asyncio.run(model.ainvoke("Hello")))):
        assert is_down(problem)
        assert is_passing(problem) is (name in PASSING)
    assert len(server.asked) == 2


def test_a_connection_that_is_refused_is_told_as_that() -> None:
    with socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        model = load_model("vllm:plan", f"http://127.0.0.1:{unheard.getsockname()[1]}/v1")
        for problem in (failure(lambda: model.invoke("Hello")), failure(lambda: asyncio.run(model.ainvoke("Hello")))):
            assert isinstance(problem, ConnectError)


def test_a_connection_that_was_cut_is_not_told_as_one_that_took_too_long(serve: Serve) -> None:
    model = hurried(serve(PASSING["cut before a word"]))
    for problem in (failure(lambda: model.invoke("Hello")), failure(lambda: asyncio.run(model.ainvoke("Hello")))):
        assert not isinstance(problem, TimeoutException)
        assert "disconnect" in str(problem)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_is_no_answer_is_the_servers_failure(serve: Serve, name: str) -> None:
    server = serve(STREAMS[name])
    model = hurried(server)

    async def follow() -> None:
        async for _ in model.astream("Hello"):
            pass

    for problem in (failure(lambda: list(model.stream("Hello"))), failure(lambda: asyncio.run(follow()))):
        assert is_down(problem)
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [200, 307])
def test_a_reply_that_is_no_http_from_some_piece_on_is_not_waited_for_for_ever(serve: Serve, status: int) -> None:
    def gives_up(_: Body) -> Answer:
        head = f"HTTP/1.1 {status} x\r\nlocation: /\r\ntransfer-encoding: chunked\r\n\r\n"
        server.connections[-1].sendall(f"{head}6\r\ndata: \r\n".encode())
        time.sleep(0.1)
        return Answer(b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "cut")

    server = serve(gives_up)
    model = hurried(server)

    async def follow() -> None:
        async for _ in model.astream("Hello"):
            pass

    async def ask() -> None:
        for asked in (follow(), model.ainvoke("Hello")):
            with pytest.raises(TransportError):
                await asyncio.wait_for(asked, 5)

    asyncio.run(ask())


def test_a_bad_request_is_this_questions_and_not_the_servers_failure(serve: Serve) -> None:
    server = serve(http(400, {"error": {"message": "temperature must be at most 2"}}))
    with pytest.raises(Exception, match="temperature") as caught:
        hurried(server).invoke("Hello")
    assert not is_down(caught.value)
    assert not is_passing(caught.value)


def test_a_turn_of_no_words_is_the_models_and_not_the_servers_failure(serve: Serve) -> None:
    assert hurried(serve(completion(""))).invoke("Hello").text == ""


def test_a_graph_ends_in_error_and_asks_again_only_where_it_may_help(serve: Serve) -> None:
    servers = {name: serve(answer) for name, answer in (PASSING | LASTING).items()}

    async def play(server: Loopback) -> dict[str, Any]:
        return await group_planning(hurried(server), (), "Answer.").compile().ainvoke({"question": "q"})

    async def play_all() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(play, servers.values()))

    for (name, server), state in zip(servers.items(), asyncio.run(play_all()), strict=True):
        assert (state["status"], state["down"], state["answer"], state["steps"]) == ("error", True, "", []), name
        assert len(server.asked) == (ATTEMPTS if name in PASSING else 1), name


@pytest.mark.parametrize("name", ["429", "500", "cut in the middle", "hangs"])
def test_a_server_that_recovers_is_asked_until_it_answers(serve: Serve, name: str) -> None:
    left = [PASSING[name]]
    server = serve(lambda body: left.pop() if left else completion(spoken(body)))
    state = group_planning(hurried(server), (), "Answer.").compile().invoke({"question": "q"})
    assert (state["status"], state["answer"], len(server.asked)) == ("answered", "Lima", 4)
