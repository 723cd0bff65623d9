"""The engine's server, asked over real HTTP by OpenAI's own client, by ours, and by hand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage
from openai import BadRequestError, NotFoundError, OpenAI

from autoact.core.records import Team
from autoact.models.engine import Request
from autoact.models.load import load_model, sampled
from autoact.models.local import LocalChatModel
from autoact.models.team import named_models, served_models
from autoact.models.weights import model_hash
from autoact.serve.completions import completions_app, engine_of
from autoact.serve.server import bound, http_server, url_of

Models = dict[str, LocalChatModel]
ASKED: Any = [{"role": "user", "content": "Which castle?"}]
# Refused at once: with 404 where there is a place, and with 429 where there is none.
POET: Any = {"model": "poet", "messages": ASKED}
# A reply that takes its time.
LONG: Any = {"model": "base", "messages": ASKED, "max_tokens": 450, "structured_outputs": {"regex": "(a|b){2000}"}}


@contextmanager
def serving(models: Models, **options: Any) -> Iterator[str]:
    with bound("127.0.0.1", 0, options.get("key", "")) as listener:
        server = http_server(completions_app(models, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            listener.listen()
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def team(home: Path) -> Team:
    return Team("base", model_hash(home / "base"), {"plan": "plan-1", "tool": "tool-1"}, ("Retrieve",), "atlas")


@pytest.fixture(scope="module")
def models(home: Path, team: Team) -> Iterator[Models]:
    made = named_models([team], home)
    yield made
    engine_of(made).close()


@pytest.fixture(scope="module")
def url(models: Models) -> Iterator[str]:
    with serving(models) as url:
        yield url


@pytest.fixture
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def test_the_base_and_every_adapter_are_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["base", "plan-1", "tool-1"]


@pytest.mark.parametrize("name", ["base", "plan-1", "tool-1"])
def test_each_says_over_http_what_it_says_in_process(client: OpenAI, models: Models, name: str) -> None:
    said = client.chat.completions.create(model=name, messages=ASKED, max_tokens=12, temperature=0)
    alone = models[name].bind(max_tokens=12).invoke([HumanMessage("Which castle?")])
    assert said.choices[0].message.content == alone.text
    assert said.usage is not None
    assert alone.usage_metadata is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (
        alone.usage_metadata["input_tokens"],
        alone.usage_metadata["output_tokens"],
    )
    assert said.choices[0].finish_reason in ("stop", "length")


def test_a_stream_is_the_same_text_in_pieces_and_ends_with_its_cost(client: OpenAI) -> None:
    given: dict[str, Any] = {"model": "plan-1", "messages": ASKED, "max_tokens": 20, "temperature": 0}
    whole = client.chat.completions.create(**given)
    chunks = list(client.chat.completions.create(**given, stream=True, stream_options={"include_usage": True}))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert len(pieces) > 3
    assert chunks[-1].usage == whole.usage
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason


def test_a_seed_gives_the_same_sample_and_a_stop_text_ends_it(client: OpenAI) -> None:
    def say(**more: Any) -> str:
        given = {"model": "base", "messages": ASKED, "max_tokens": 16, "temperature": 1.0, "seed": 5}
        return str(client.chat.completions.create(**{**given, **more}).choices[0].message.content)

    said = say()
    assert said == say() != say(seed=6)
    assert say(stop=said[3:6]) == said[: said.index(said[3:6])]


def test_our_client_of_vllm_is_answered_and_held_to_a_form(url: str) -> None:
    model = load_model("vllm:plan-1", f"{url}/v1")
    held = sampled(model, temperature=0, seed=None, max_tokens=8, regex="(right|wrong)")
    assert held.invoke("Is it?").text in ("right", "wrong")


def test_a_team_finds_its_models_by_name(url: str, team: Team, tmp_path: Path) -> None:
    replies = {
        role: model.invoke("Hi", max_tokens=4) for role, model in served_models(team, tmp_path, f"{url}/v1").items()
    }
    names = {role: reply.response_metadata["model_name"] for role, reply in replies.items()}
    assert names == {"plan": "plan-1", "tool": "tool-1", "reflect": "base", "meta": "base"}


def test_a_model_that_is_not_there_is_a_404_that_lists_the_others(client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="'poet' does not exist; there are base, plan-1, tool-1"):
        client.chat.completions.create(model="poet", messages=ASKED)


def test_a_prompt_that_does_not_fit_is_a_400_by_its_usual_code(client: OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(BadRequestError) as caught:
            client.chat.completions.create(
                model="base", messages=[{"role": "user", "content": "castle " * 2000}], stream=stream
            )
        assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"tools": []}, "tools: Extra inputs are not permitted"),
        ({"guided_regex": "a"}, "guided_regex: Extra inputs are not permitted"),
        ({"n": 2}, "n: Input should be less than or equal to 1"),
        ({"n": True}, "n: Input should be a valid integer"),
        ({"max_tokens": "3"}, "max_tokens: Input should be a valid integer"),
        ({"stop": ["."] * 17}, "List should have at most 16 items"),
        ({"stop": "." * 201}, "String should have at most 200 characters"),
        ({"messages": []}, "messages: List should have at least 1 item after validation, not 0"),
        ({"structured_outputs": {"regex": "("}}, "regex"),
        ({"structured_outputs": {"regex": "a" * 10_001}}, "the regex has 10001 characters, and may have 10000"),
        ({"temperature": -1}, "temperature: Input should be greater than or equal to 0"),
    ],
)
def test_what_would_not_be_heeded_is_refused_in_a_line(url: str, fields: dict[str, Any], line: str) -> None:
    reply = httpx.post(f"{url}/v1/chat/completions", json={"model": "base", "messages": ASKED, **fields})
    assert reply.status_code == 400
    assert line in reply.json()["error"]["message"]


def test_too_many_at_once_are_told_to_come_again(models: Models) -> None:
    with serving(models, max_in_flight=1) as url, httpx.Client(base_url=url, timeout=30) as client:
        with client.stream("POST", "/v1/chat/completions", json={**LONG, "stream": True}) as reply:
            lines = reply.iter_lines()
            next(lines)
            second = httpx.post(f"{url}/v1/chat/completions", json={"model": "base", "messages": ASKED})
        assert second.status_code == 429
        assert "1 requests are in flight, which is all at once" in second.json()["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_gives_its_row_back(models: Models, url: str, stream: bool) -> None:
    rows = engine_of(models)._decoder.rows
    with httpx.Client(timeout=httpx.Timeout(5, read=0.2)) as client:
        if stream:
            with client.stream("POST", f"{url}/v1/chat/completions", json={**LONG, "stream": True}) as reply:
                lines = reply.iter_lines()
                next(lines)
                assert rows
        else:
            with pytest.raises(httpx.ReadTimeout):
                client.post(f"{url}/v1/chat/completions", json=LONG)
    assert until(lambda: not rows)


def test_a_streaming_client_that_hangs_up_while_it_is_queued_gives_its_place_back(models: Models) -> None:
    go = threading.Event()
    held_up(models, go)
    with serving(models, max_in_flight=1) as url:
        try:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}/v1/chat/completions", json={**LONG, "stream": True}, timeout=0.5)
            assert until(lambda: httpx.post(f"{url}/v1/chat/completions", json=POET).status_code == 404)
        finally:
            go.set()


def held_up(models: Models, go: threading.Event) -> None:
    """Until then, the engine's thread does nothing."""
    engine_of(models).submit(Request([9], max_tokens=1)).add_done_callback(lambda _: go.wait(20))


def until(holds: Callable[[], bool]) -> bool:
    """Whether it holds within a second."""
    limit = time.monotonic() + 1
    while not holds() and time.monotonic() < limit:
        time.sleep(0.005)
    return holds()


def test_health_is_told_while_megabytes_are_tokenised(home: Path, team: Team) -> None:
    models = named_models([team], home)
    engine_of(models).max_positions = 100_000  # so that no bound on its length refuses the prompt sooner
    given = {"model": "base", "messages": [{"role": "user", "content": "castle " * 100_000}]}
    waits = [0.0]
    with serving(models) as url, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(httpx.post, f"{url}/v1/chat/completions", json=given, timeout=60)
        while not asked.done():
            began = time.monotonic()
            assert httpx.get(f"{url}/health", timeout=60).status_code == 200
            waits.append(time.monotonic() - began)
    assert asked.result().json()["error"]["code"] == "context_length_exceeded"
    assert max(waits) < sum(waits) / 2
    engine_of(models).close()


def test_what_cannot_fit_by_its_length_is_never_tokenised(models: Models, url: str) -> None:
    given = {"model": "base", "messages": [{"role": "user", "content": "castle " * 200_000}]}
    began = time.monotonic()
    reply = httpx.post(f"{url}/v1/chat/completions", json=given, timeout=60)
    refused = time.monotonic() - began
    model = models["base"]
    began = time.monotonic()
    model.get_num_tokens("castle " * 200_000)
    assert reply.json()["error"]["code"] == "context_length_exceeded"
    assert refused < (time.monotonic() - began) / 2


def test_a_key_is_asked_for_where_there_is_one(models: Models) -> None:
    with serving(models, key="secret") as url:
        assert httpx.get(f"{url}/v1/models").status_code == 401
        assert httpx.get(f"{url}/health").status_code == 200
        named = OpenAI(base_url=f"{url}/v1", api_key="secret", max_retries=0)
        assert next(model.id for model in named.models.list()) == "base"


SENT = {"content-type": "application/json"}
LOST: list[tuple[str, str, Any, int]] = [
    ("GET", "/v1/poets", b"", 404),
    ("GET", "/v1/chat/completions", b"", 405),
    ("POST", "/v1/chat/completions", b"{", 400),
    ("POST", "/v1/chat/completions", b'{"model": "\xff"}', 400),
    ("POST", "/v1/chat/completions", b"[" * 9000, 400),
    ("POST", "/v1/chat/completions", b"a" * 10_001, 413),
    ("POST", "/v1/chat/completions", [b"a" * 9000, b"a" * 9000], 413),
]


def test_whatever_is_refused_is_told_in_openais_form(models: Models) -> None:
    with serving(models, max_body=10_000) as url:
        replies = [httpx.request(how, url + path, content=body, headers=SENT) for how, path, body, _ in LOST]
        replies.append(httpx.get(f"{url}/v1/models", headers={"host": "evil.example"}))
    with serving(models, key="secret") as url:
        replies.append(httpx.get(f"{url}/v1/models"))
    assert [reply.status_code for reply in replies] == [*(status for *_, status in LOST), 403, 401]
    errors = [reply.json()["error"] for reply in replies]
    assert all(error["message"] and error["type"] == "invalid_request_error" for error in errors)


def test_what_is_in_flight_when_the_server_closes_is_a_503(models: Models) -> None:
    go = threading.Event()
    held_up(models, go)
    with ThreadPoolExecutor(1) as pool:
        with serving(models, max_in_flight=1) as url:
            asked = pool.submit(httpx.post, f"{url}/v1/chat/completions", json=LONG, timeout=60)
            assert until(lambda: httpx.post(f"{url}/v1/chat/completions", json=POET).status_code == 429)
        go.set()
    assert (asked.result().status_code, asked.result().headers["retry-after"]) == (503, "1")


def test_metrics_tell_what_the_engine_computed(url: str, client: OpenAI) -> None:
    client.chat.completions.create(model="tool-1", messages=ASKED, max_tokens=3)
    told = httpx.get(f"{url}/metrics").text
    counted = [
        line for line in told.splitlines() if line.startswith("autoact_engine_tokens_total") and "tool-1" in line
    ]
    assert len(counted) == 3
    assert "autoact_engine_queue_seconds_total" in told
    assert "autoact_engine_steps_total" in told


def test_an_engine_that_failed_is_a_500_and_lives_on(home: Path, team: Team) -> None:
    models = named_models([team], home)
    engine = engine_of(models)

    def broken(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    with serving(models) as url:
        admit = engine._decoder.admit
        engine._decoder.admit = broken  # type: ignore[assignment, method-assign]
        reply = httpx.post(f"{url}/v1/chat/completions", json={"model": "base", "messages": ASKED})
        assert (reply.status_code, json.loads(reply.text)["error"]["type"]) == (500, "server_error")
        assert "memory" not in reply.text
        engine._decoder.admit = admit  # type: ignore[method-assign]
        again = httpx.post(f"{url}/v1/chat/completions", json={"model": "base", "messages": ASKED, "max_tokens": 2})
        assert again.status_code == 200
    engine.close()


def test_an_engine_that_has_ended_is_a_503_and_unwell(home: Path, team: Team) -> None:
    models = named_models([team], home)
    with serving(models) as url:
        engine_of(models).close()
        assert httpx.get(f"{url}/health").status_code == 503
        for stream in (False, True):
            given = {"model": "base", "messages": ASKED, "stream": stream}
            reply = httpx.post(f"{url}/v1/chat/completions", json=given)
            assert (reply.status_code, reply.json()["error"]["type"]) == (503, "server_error")
