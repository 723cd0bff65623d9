"""Every request that our client can send is one that vLLM 0.32 knows, with no property that it would pass over.

`vllm_0.32_openapi.json` is its server's own description of a chat request, closed to unknown properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.models.load import load_model, sampled
from tests.models.endpoints.loopback import Answer, Body, Loopback, completion, spoken, streamed

Serve = Callable[[Callable[[Body], Answer] | Answer], Loopback]
SCHEMA = Draft202012Validator(json.loads(Path(__file__).with_name("vllm_0.32_openapi.json").read_text()))
CHAT = [SystemMessage("Be brief."), HumanMessage("Hello"), AIMessage("Yes?"), HumanMessage("Which castle?")]


def unknown(body: Body) -> list[str]:
    """What vLLM would not take, or pass over."""
    return [problem.message for problem in SCHEMA.iter_errors(body)]


def test_a_plain_request_is_known(serve: Serve) -> None:
    server = serve(completion("Lima"))
    load_model("vllm:plan", f"{server.url}/v1").invoke(CHAT)
    assert [message["role"] for message in server.asked[0]["messages"]] == ["system", "user", "assistant", "user"]
    assert unknown(server.asked[0]) == []


@pytest.mark.parametrize("regex", ["", "right|wrong"])
@pytest.mark.parametrize(("temperature", "seed"), [(0, None), (0.7, 2**63 - 1), (None, 7)])
@pytest.mark.parametrize("stop", [None, ["\n"], ["\n", "Observation:"]])
@pytest.mark.parametrize("provider", ["vllm", "openai"])
def test_every_setting_is_known_whole_and_in_pieces(
    serve: Serve, provider: str, regex: str, temperature: float | None, seed: int | None, stop: list[str] | None
) -> None:
    server = serve(lambda body: streamed("Li", "ma") if body.get("stream") else completion("Lima"))
    model = load_model(f"{provider}:plan", f"{server.url}/v1")
    asked = sampled(model, temperature=temperature, seed=seed, max_tokens=9, regex=regex)
    asked.invoke(CHAT, stop=stop)
    list(asked.stream(CHAT, stop=stop))
    assert [unknown(body) for body in server.asked] == [[], []]
    assert all(body.get("structured_outputs") == held for body in server.asked for held in [wanted(provider, regex)])


def wanted(provider: str, regex: str) -> dict[str, str] | None:
    return {"regex": regex} if regex and provider == "vllm" else None


def test_a_stream_asks_for_its_usage(serve: Serve) -> None:
    server = serve(streamed("Li", "ma"))
    list(load_model("vllm:plan", f"{server.url}/v1").stream("Hello"))
    assert server.asked[0]["stream_options"] == {"include_usage": True}
    assert unknown(server.asked[0]) == []


@pytest.mark.parametrize("constrain", [False, True])
def test_a_whole_question_asks_nothing_that_is_not_known(serve: Serve, constrain: bool) -> None:
    server = serve(lambda body: completion(spoken(body)))
    team = {role: load_model(f"vllm:{role}-1", f"{server.url}/v1") for role in ("plan", "tool", "reflect")}
    settings = Context(seed=5, temperature=0.8, constrain=constrain)
    state = group_planning(team, (), "Answer.").compile().invoke({"question": "q"}, context=settings)
    assert state["answer"] == "Lima"
    assert [body["model"] for body in server.asked] == ["plan-1", "tool-1", "reflect-1"]
    assert [unknown(body) for body in server.asked] == [[], [], []]
    assert ["structured_outputs" in body for body in server.asked] == [constrain, False, constrain]


@pytest.mark.parametrize(
    "added",
    [
        {"guided_regex": "right|wrong"},
        {"structured_outputs": {"regexp": "right|wrong"}},
        {"structured_outputs": "right|wrong"},
        {"stream_options": {"usage": True}},
        {"messages": [{"role": "user", "content": "Hello", "prefix": True}]},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"seed": 2**63 + 2048},
    ],
    ids=str,
)
def test_what_vllm_does_not_know_is_found_out(serve: Serve, added: dict[str, Any]) -> None:
    server = serve(completion("Lima"))
    load_model("vllm:plan", f"{server.url}/v1").bind(max_tokens=9).invoke("Hello")
    assert unknown(server.asked[0]) == []
    assert len(unknown(server.asked[0] | added)) == 1
