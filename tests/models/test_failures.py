"""A model server's failure is one line that names the model; anything else passes through."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import BaseMessage

from autoact.core.errors import EndpointError, PromptTooLong
from autoact.models.failures import (
    ATTEMPTS,
    ServerBusy,
    ServerError,
    asking,
    is_down,
    is_passing,
    patient,
    server_errors,
    too_long,
)
from autoact.models.load import load_model
from autoact.models.scripted import ScriptedChatModel


def test_a_refused_connection_names_the_model_and_what_to_do() -> None:
    model = load_model("openai:plan", endpoint="http://127.0.0.1:1/v1")
    with pytest.raises(EndpointError, match=r"openai:plan does not answer .* see to the server"), asking("openai:plan"):
        model.invoke("Hello")


def test_an_error_of_our_own_is_not_dressed_as_the_servers() -> None:
    with pytest.raises(KeyError), asking("openai:plan"):
        raise KeyError("ours")


def test_an_error_within_a_model_of_our_own_is_no_servers() -> None:
    def fail(_: list[BaseMessage]) -> str:
        raise RuntimeError("no GPU")

    with pytest.raises(RuntimeError, match="no GPU") as caught, asking("scripted"):
        ScriptedChatModel(replies=fail).invoke("Hello")
    assert not is_down(caught.value)


def test_a_servers_long_page_is_one_line_and_silence_has_a_name() -> None:
    with pytest.raises(EndpointError) as caught, asking("openai:plan"):
        raise ConnectionError("<html>\n" * 900)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    with pytest.raises(EndpointError, match="TimeoutError: TimeoutError"), asking("openai:plan"):
        raise TimeoutError


VLLM = "This model's maximum context length is 8 tokens. However, you requested 12 tokens (3 in the messages)."
OPENAI_TOO_LONG = {
    "message": "Your input exceeds the limit. Please adjust it and try again.",
    "type": "invalid_request_error",
    "param": "input",
    "code": "context_length_exceeded",
}
LLAMA_TOO_LONG = {
    "code": 400,
    "message": "request (12 tokens) exceeds the available context size (8 tokens), try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 12,
    "n_ctx": 8,
}
LENGTH = "The decoder prompt (length 12) is longer than the maximum model length of 8. Make sure that it is no smaller."
SAID: dict[str, dict[str, Any]] = {
    "openai": {"error": OPENAI_TOO_LONG},
    "vllm": {"error": {"message": VLLM, "type": "BadRequestError", "param": None, "code": 400}},
    "vllm, older": {"object": "error", "message": VLLM, "type": "BadRequestError", "param": None, "code": 400},
    "vllm, length": {"error": {"message": LENGTH, "type": "BadRequestError", "param": None, "code": 400}},
    "llama.cpp": {"error": LLAMA_TOO_LONG},
}
ANOTHER = {"error": {"message": "temperature must be at most 2", "type": "BadRequestError", "param": None, "code": 400}}


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with 400, in the words that its prompt names."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps(SAID.get(body["messages"][-1]["content"], ANOTHER)).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("spec", ["vllm:x", "openai:x"])
@pytest.mark.parametrize("wording", SAID)
def test_a_prompt_too_long_is_known_by_every_servers_words(refusing: str, spec: str, wording: str) -> None:
    with pytest.raises(server_errors()) as caught:
        load_model(spec, refusing).invoke(wording)
    assert too_long(caught.value)


@pytest.mark.parametrize("spec", ["vllm:x", "openai:x"])
def test_another_bad_request_is_not_too_long(refusing: str, spec: str) -> None:
    with pytest.raises(server_errors()) as caught:
        load_model(spec, refusing).invoke("another")
    assert not too_long(caught.value)


def test_our_own_error_and_langchains_are_too_long_and_mere_words_are_not() -> None:
    assert too_long(PromptTooLong("12 tokens"))
    assert too_long(ContextOverflowError("12 tokens"))
    assert not too_long(ValueError(VLLM))


def test_both_clients_over_http_are_known() -> None:
    import httpx
    import httpx2

    for package in (httpx, httpx2):
        assert is_passing(package.ReadTimeout("late"))
        assert is_passing(package.ConnectError("refused"))
        assert not is_passing(package.UnsupportedProtocol("gopher"))
        assert issubclass(package.UnsupportedProtocol, server_errors())


def test_a_passing_failure_is_asked_again_and_a_lasting_one_raised() -> None:
    def refuse(_: list[BaseMessage]) -> str:
        raise ConnectionError("refused")

    def fail(_: list[BaseMessage]) -> str:
        raise KeyError("ours")

    refused, failing = ScriptedChatModel(replies=refuse), ScriptedChatModel(replies=fail)
    with pytest.raises(ConnectionError):
        patient(refused).invoke("Hello")
    with pytest.raises(ConnectionError):
        asyncio.run(patient(refused).ainvoke("Hello"))
    with pytest.raises(KeyError):
        patient(failing).invoke("Hello")
    assert (len(refused.calls), len(failing.calls)) == (2 * ATTEMPTS, 1)


def test_what_is_asked_again_is_told_by_the_status() -> None:
    assert [status for status in range(400, 600) if is_passing(ServerBusy("x", status))] == [408, 429, *range(500, 600)]
    assert not is_passing(ServerError("x", 503))
    assert not is_passing(ValueError("x"))
