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


def embedded(*vectors: Any) -> Answer:
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return http(200, {"object": "list", "data": data})


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("data", ["<html>busy</html>", "", {}, [], {"data": []}, {"data": 3}, {"error": "busy"}])
def test_an_answer_that_is_none_is_one_line(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, data: Any, kind: str
) -> None:
    embed = load_embeddings(at(serve(http(200, data, kind)), monkeypatch))
    with pytest.raises(
        EndpointError, match=r"^the model openai:e answered with something that is no embeddings [^\n]*$"
    ):
        embed(["one"])


@pytest.mark.parametrize("vector", [None, [], [1.0, None], [1.0, "x"], [[1.0]], 3.0])
def test_what_is_no_vector_is_one_line(serve: Serve, monkeypatch: pytest.MonkeyPatch, vector: Any) -> None:
    embed = load_embeddings(at(serve(embedded(vector)), monkeypatch))
    with pytest.raises(EndpointError, match=r"^the model openai:e (gave|answered with) something [^\n]*$"):
        embed(["one"])


def test_too_few_vectors_are_one_line(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    embed = load_embeddings(at(serve(embedded([1.0])), monkeypatch))
    with pytest.raises(EndpointError, match="gave 1 vectors for 2 texts"):
        embed(["one", "two"])


def test_vectors_of_changing_length_are_one_line(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    embed = load_embeddings(
        at(serve(lambda body: embedded([3.0, 4.0] if body["input"] == ["one"] else [1.0])), monkeypatch)
    )
    embed(["one"])
    with pytest.raises(EndpointError, match=r"^the model openai:e gave vectors of different lengths \(1, 2\), which"):
        embed(["two"])


@pytest.mark.parametrize(
    ("spec", "line"),
    [("nomic", "write provider:name"), ("nobody:x", "cannot be used"), ("cohere:x", "a package that is missing")],
)
def test_a_name_that_is_none_is_one_line(spec: str, line: str) -> None:
    with pytest.raises(ModelError, match=line):
        load_embeddings(spec)
