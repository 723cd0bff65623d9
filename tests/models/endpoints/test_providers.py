"""Ollama, Anthropic and OpenAI by LangChain, at loopback servers that speak their protocols."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from autoact.core.errors import EndpointError, ModelError
from autoact.graph.group import group_planning
from autoact.models.failures import ATTEMPTS, asking, is_down, is_passing, patient, too_long
from autoact.models.load import load_model, sampled
from tests.models.endpoints.loopback import Answer, Body, Loopback, completion, http, spoken

Serve = Callable[[Callable[[Body], Answer] | Answer], Loopback]


def ollama(body: Body) -> Answer:
    """A turn in two pieces, a line of JSON each."""
    first, rest = spoken(body)[:2], spoken(body)[2:]
    lines = [{"message": {"role": "assistant", "content": first}, "done": False}]
    lines.append({"message": {"role": "assistant", "content": rest}, "done": True, "done_reason": "stop"} | COUNTS)
    said = "".join(json.dumps({"model": "qwen3", "created_at": "2026-11-21T00:00:00Z"} | line) + "\n" for line in lines)
    return http(200, said, "application/x-ndjson")


COUNTS = {"prompt_eval_count": 5, "eval_count": 2}


def anthropic(body: Body) -> Answer:
    """A turn as one message."""
    said = {"id": "1", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "end_turn"}
    content = [{"type": "text", "text": spoken(body)}]
    return http(200, said | {"content": content, "usage": {"input_tokens": 5, "output_tokens": 2}})


def openai(body: Body) -> Answer:
    """A turn as one choice."""
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    return completion(spoken(body), model=body["model"], usage=usage)


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider speaks, where its address and its key go, and how it names our settings."""

    spec: str
    answer: Callable[[Body], Answer]
    address: str
    below: str
    path: str
    key: str
    settings: dict[str, Any]


OLLAMA = Provider(
    "ollama:qwen3", ollama, "OLLAMA_HOST", "", "/api/chat", "", {"temperature": 0.5, "seed": 7, "num_predict": 9}
)
ANTHROPIC = Provider(
    "anthropic:claude",
    anthropic,
    "ANTHROPIC_BASE_URL",
    "",
    "/v1/messages",
    "authorization: bearer sesame",
    {"temperature": 0.5, "max_tokens": 9},
)
OPENAI = Provider(
    "openai:gpt",
    openai,
    "OPENAI_BASE_URL",
    "/v1",
    "/chat/completions",
    "authorization: bearer sesame",
    {"temperature": 0.5, "max_completion_tokens": 9},
)
PROVIDERS = (OLLAMA, ANTHROPIC, OPENAI)
each_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.spec)


@pytest.fixture
def reach(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Callable[[Provider, Any], Loopback]:
    """`reach(provider, answer)`: a server that the provider's client takes for the provider's own."""

    def start(provider: Provider, answer: Callable[[Body], Answer] | Answer) -> Loopback:
        server = serve(answer)
        monkeypatch.setenv(provider.address, server.url + provider.below)
        return server

    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "sesame")
    return start


Reach = Callable[[Provider, Callable[[Body], Answer] | Answer], Loopback]


@each_provider
def test_a_whole_question_is_played(reach: Reach, provider: Provider) -> None:
    server = reach(provider, provider.answer)
    graph = group_planning(load_model(provider.spec), (), "Answer.").compile()
    states = [graph.invoke({"question": "q"}), asyncio.run(graph.ainvoke({"question": "q"}))]
    assert [(state["status"], state["answer"]) for state in states] == [("answered", "Lima")] * 2
    assert states[0]["usage"]["plan"] == {"calls": 1, "input_tokens": 5, "output_tokens": 2}
    assert set(states[0]["steps"][0]["wrote"].values()) == {provider.spec.partition(":")[2]}
    assert len(server.heads) == 6
    for head in server.heads:
        assert head.startswith(f"post {provider.below}{provider.path} ")
        assert provider.key in head


@pytest.mark.parametrize("provider", [OLLAMA, ANTHROPIC], ids=lambda provider: provider.spec)
def test_an_endpoint_is_an_address_of_ones_own(reach: Reach, serve: Serve, provider: Provider) -> None:
    usual, server = reach(provider, provider.answer), serve(provider.answer)
    assert load_model(provider.spec, server.url).invoke("Input for Finish:").text == "Lima"
    assert (len(usual.asked), len(server.asked)) == (0, 1)


@each_provider
def test_settings_arrive_as_the_provider_names_them(reach: Reach, provider: Provider) -> None:
    server = reach(provider, provider.answer)
    sampled(load_model(provider.spec), temperature=0.5, seed=7, max_tokens=9, regex="right|wrong").invoke("Hello")
    sent = server.asked[0] | server.asked[0].get("options", {})
    names = {"temperature", "seed", "max_tokens", "max_completion_tokens", "num_predict", "regex", "structured_outputs"}
    assert {name: sent[name] for name in names & sent.keys()} == provider.settings


@each_provider
def test_a_model_is_asked_in_one_event_loop_after_another(reach: Reach, provider: Provider) -> None:
    reach(provider, provider.answer)
    model = load_model(provider.spec)
    assert [asyncio.run(model.ainvoke("Input for Finish:")).text for _ in range(4)] == ["Lima"] * 4


def refusal(status: int, kind: str, message: str = "no") -> Answer:
    """An error in a form that all three know."""
    return http(status, {"type": "error", "error": {"type": kind, "message": message}})


@each_provider
def test_a_wrong_key_is_a_line_that_names_the_model(reach: Reach, provider: Provider) -> None:
    reach(provider, refusal(401, "authentication_error", "no such key"))
    with pytest.raises(EndpointError, match=f"{provider.spec} does not answer .*no such key"), asking(provider.spec):
        load_model(provider.spec).invoke("Hello")


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_the_server_refuses_for_good_is_not_asked_again(reach: Reach, status: int) -> None:
    servers = [reach(provider, refusal(status, "invalid_request_error")) for provider in PROVIDERS]
    models = [load_model(provider.spec) for provider in PROVIDERS]
    for model in models:
        assert group_planning(model, (), "Answer.").compile().invoke({"question": "q"})["status"] == "error"
        with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
            patient(model).invoke("Hello")
        assert not is_passing(caught.value)
    assert [len(server.asked) for server in servers] == [2, 2, 2]


@each_provider
def test_what_is_no_answer_is_the_servers_failure(reach: Reach, provider: Provider) -> None:
    left = [http(200, "{{{"), http(200, "<html>", "text/html"), http(200, ""), http(200, [1]), http(200, {})]
    server = reach(provider, lambda _: left.pop())
    model = load_model(provider.spec)
    while left:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
            model.invoke("Hello")
        assert is_down(caught.value)
    assert len(server.asked) == 5


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error")])
def test_a_busy_server_is_asked_again_a_bounded_number_of_times(reach: Reach, status: int, kind: str) -> None:
    servers = [reach(provider, refusal(status, kind)) for provider in PROVIDERS]
    graphs = [group_planning(load_model(provider.spec), (), "Answer.").compile() for provider in PROVIDERS]

    async def play() -> list[Any]:
        return list(await asyncio.gather(*(graph.ainvoke({"question": "q"}) for graph in graphs)))

    assert [(state["status"], state["down"]) for state in asyncio.run(play())] == [("error", True)] * 3
    assert [len(server.asked) for server in servers] == [ATTEMPTS] * 3


def test_a_prompt_too_long_for_anthropic_is_known_and_not_asked_again(reach: Reach) -> None:
    reach(ANTHROPIC, refusal(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"))
    with pytest.raises(Exception, match="too long") as caught:
        load_model("anthropic:claude").invoke("Hello")
    assert too_long(caught.value)
    assert not is_down(caught.value)
    assert not is_passing(caught.value)


@each_provider
def test_a_server_that_hangs_is_waited_for_so_long_and_no_longer(
    reach: Reach, monkeypatch: pytest.MonkeyPatch, provider: Provider
) -> None:
    monkeypatch.setattr("autoact.models.providers.PATIENCE", 0.5)
    reach(provider, Answer(b"", "hang"))
    model = load_model(provider.spec)
    calls: list[Callable[[], Any]] = [lambda: model.invoke("Hello"), lambda: asyncio.run(model.ainvoke("Hello"))]
    for call in calls:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
            call()
        assert is_down(caught.value)
        assert is_passing(caught.value)


@pytest.mark.usefixtures("reach")
def test_a_missing_key_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelError, match=r"openai:gpt cannot be used: .*OPENAI_API_KEY") as caught:
        load_model("openai:gpt")
    assert "\n" not in str(caught.value)
