"""Our client at the in-process engine's own server, over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from autoact.core.errors import EndpointError
from autoact.core.records import Team
from autoact.graph.group import group_planning
from autoact.models.failures import ServerBusy, asking, is_down, is_passing, server_errors, too_long
from autoact.models.load import load_model, sampled
from autoact.models.local import LocalChatModel
from autoact.models.served import held_to
from autoact.models.team import named_models
from autoact.models.weights import model_hash
from autoact.serve.completions import completions_app, engine_of
from autoact.serve.server import bound, http_server, url_of

Models = dict[str, LocalChatModel]


@contextmanager
def serving(models: Models, **options: Any) -> Iterator[str]:
    with bound("127.0.0.1", 0, "") as listener:
        server = http_server(completions_app(models, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            listener.listen()
            yield f"{url_of(listener)}/v1"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def models(home: Path) -> Iterator[Models]:
    adapters = {"plan": "plan-1", "tool": "tool-1", "reflect": "reflect-1"}
    made = named_models([Team("base", model_hash(home / "base"), adapters, ("Retrieve",), "atlas")], home)
    yield made
    engine_of(made).close()


@pytest.fixture(scope="module")
def url(models: Models) -> Iterator[str]:
    with serving(models) as url:
        yield url


def cost(message: AIMessage) -> dict[str, int]:
    """The counts that both clients give."""
    spent: dict[str, Any] = dict(message.usage_metadata or {})
    return {name: spent[name] for name in ("input_tokens", "output_tokens", "total_tokens")}


@pytest.mark.parametrize("provider", ["vllm", "openai"])
@pytest.mark.parametrize("name", ["base", "plan-1", "reflect-1"])
def test_a_turn_is_what_it_is_in_process_whole_and_in_pieces(
    models: Models, url: str, provider: str, name: str
) -> None:
    there = sampled(load_model(f"{provider}:{name}", url), temperature=0, seed=None, max_tokens=12)
    here = models[name].bind(max_tokens=12).invoke("Which castle?")
    whole = there.invoke("Which castle?")
    assert (whole.text, cost(whole)) == (here.text, cost(here))
    pieces = [chunk.text for chunk in there.stream("Which castle?")]
    assert "".join(pieces) == here.text
    assert len(pieces) > 3


def test_a_stream_of_vllms_client_tells_what_it_cost(models: Models, url: str) -> None:
    there = sampled(load_model("vllm:plan-1", url), temperature=0, seed=None, max_tokens=12)
    spent = [cost(chunk) for chunk in there.stream("Which castle?") if chunk.usage_metadata]
    assert spent == [cost(models["plan-1"].bind(max_tokens=12).invoke("Which castle?"))]


def test_a_name_that_is_not_served_is_a_line_that_lists_those_that_are(url: str) -> None:
    with pytest.raises(EndpointError, match="there are base, plan-1, tool-1, reflect-1"), asking("vllm:poet"):
        load_model("vllm:poet", url).invoke("Hello")


def test_a_prompt_that_does_not_fit_halts_its_question_alone(url: str) -> None:
    model = load_model("vllm:base", url)
    with pytest.raises(server_errors()) as caught:
        model.invoke("castle " * 2000)
    assert too_long(caught.value)
    assert not is_down(caught.value)
    state = group_planning(model, (), "Answer.").compile().invoke({"question": "castle " * 2000})
    assert (state["status"], state.get("down", False), state.get("answer", "")) == ("halted", False, "")


def test_too_many_at_once_is_worth_asking_again(models: Models) -> None:
    with serving(models, max_in_flight=1) as url:
        long = load_model("vllm:base", url).bind(max_tokens=200, extra_body=held_to("(a|b){2000}"))

        async def ask() -> list[Any]:
            return await asyncio.gather(*(long.ainvoke("Hello") for _ in range(8)), return_exceptions=True)

        replies = asyncio.run(ask())
    refused = [reply for reply in replies if isinstance(reply, Exception)]
    assert 0 < len(refused) < 8
    assert all(is_passing(problem) and "HTTP 429" in str(problem) for problem in refused)


def test_an_engine_that_has_ended_is_down_and_worth_asking_again(home: Path) -> None:
    models = named_models([Team("base", model_hash(home / "base"), {}, ("Retrieve",), "atlas")], home)
    with serving(models) as url:
        engine_of(models).close()
        with pytest.raises(ServerBusy, match="HTTP 503") as caught:
            load_model("vllm:base", url).invoke("Hello")
    assert is_down(caught.value)
    assert is_passing(caught.value)


def test_a_server_that_is_gone_is_down_and_no_answer(models: Models) -> None:
    with serving(models) as url:
        model = load_model("vllm:base", url)
        assert model.invoke("Hello", max_tokens=2).usage_metadata
    with pytest.raises(server_errors()) as caught:
        model.invoke("Hello")
    assert is_down(caught.value)
    assert is_passing(caught.value)
