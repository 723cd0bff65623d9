"""Embeddings: asked of a real client over the loopback; what can be wrong is one line."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tenacity import wait_none

from autoact.core.errors import EndpointError, ModelError
from autoact.models.embeddings import load_embeddings
from autoact.models.failures import AGAIN
from tests.models.endpoints.loopback import Answer, Body, Loopback, http

Serve = Callable[[Callable[[Body], Answer] | Answer], Loopback]


def vectors(body: Body) -> Answer:
    data = [{"object": "embedding", "index": i, "embedding": [3.0, 4.0]} for i, _ in enumerate(body["input"])]
    return http(200, {"object": "list", "model": "e", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr("autoact.models.embeddings.AGAIN", {**AGAIN, "wait": wait_none()})
    yield
    # OpenAI's client in LangChain's embeddings has no end: its connections go when it is collected.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


def at(server: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    return "openai:e"


def test_texts_are_sent_as_they_are_and_vectors_have_length_one(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(vectors)
    assert load_embeddings(at(server, monkeypatch))(["one", "two"]) == [pytest.approx((0.6, 0.8))] * 2
    assert server.asked[-1]["input"] == ["one", "two"]


@pytest.mark.parametrize("answer", [http(401, {"error": {"message": "no"}}), http(500, {"error": {"message": "no"}})])
def test_a_server_that_fails_is_one_line(serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    embed = load_embeddings(at(serve(answer), monkeypatch))
    with pytest.raises(EndpointError, match="the model openai:e does not answer"):
        embed(["one"])


@pytest.mark.parametrize("data", ["<html>busy</html>", {}, {"data": []}, {"data": [{"embedding": "x"}]}, {"data": 3}])
def test_an_answer_that_is_none_is_one_line(serve: Serve, monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    embed = load_embeddings(at(serve(http(200, data)), monkeypatch))
    with pytest.raises(EndpointError, match=r"^the model openai:e (does not answer|gave)[^\n]*$"):
        embed(["one"])


@pytest.mark.parametrize("second", [[1.0], [1.0, None], [1.0, "x"]])
def test_vectors_that_cannot_be_compared_are_one_line(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, second: list[Any]
) -> None:
    def changing(body: Body) -> Answer:
        vector = [3.0, 4.0] if body["input"] == ["one"] else second
        return http(200, {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": vector}]})

    embed = load_embeddings(at(serve(changing), monkeypatch))
    embed(["one"])
    with pytest.raises(EndpointError, match=r"^the model openai:e (does not answer|gave)[^\n]*$"):
        embed(["two"])


@pytest.mark.parametrize(
    ("spec", "line"),
    [("nomic", "write provider:name"), ("nobody:x", "cannot be used"), ("cohere:x", "a package that is missing")],
)
def test_a_name_that_is_none_is_one_line(spec: str, line: str) -> None:
    with pytest.raises(ModelError, match=line):
        load_embeddings(spec)
