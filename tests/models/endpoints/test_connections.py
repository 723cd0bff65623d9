"""Connections are kept, shared and bounded, and each event loop has its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import create_ssl_context

from autoact.core.errors import ModelError
from autoact.models.load import load_model
from autoact.models.pool import AT_ONCE, connections
from tests.models.endpoints.loopback import Answer, Body, Loopback, completion, streamed

CLOSED_LOOP = """
import asyncio, sys
from autoact.models.load import load_model
model = load_model("vllm:plan", sys.argv[1])
loop = asyncio.new_event_loop()
print(loop.run_until_complete(model.ainvoke("Hello")).text)
loop.close()
print(asyncio.run(model.ainvoke("Hello")).text)
"""
Serve = Callable[[Callable[[Body], Answer] | Answer], Loopback]


def test_many_calls_one_after_the_other_go_over_one_connection(serve: Serve) -> None:
    server = serve(completion("Lima"))
    model = load_model("vllm:plan", f"{server.url}/v1")

    async def ask() -> None:
        for _ in range(20):
            assert (await model.ainvoke("Hello")).text == "Lima"

    asyncio.run(ask())
    assert (len(server.asked), len(server.connections)) == (20, 1)
    for _ in range(20):
        model.invoke("Hello")
    assert (len(server.asked), len(server.connections)) == (40, 2)


def test_a_name_and_a_password_in_the_address_are_sent_in_the_keys_place(serve: Serve) -> None:
    server = serve(lambda body: streamed("Lima") if "stream" in body else completion("Lima"))
    model = load_model("vllm:plan", f"{server.url.replace('//', '//ann:p%40ss@')}/v1")

    async def ask() -> list[str]:
        return [(await model.ainvoke("Hello")).text, *[piece.text async for piece in model.astream("Hello")]]

    assert [model.invoke("Hello").text, *asyncio.run(ask())] == ["Lima"] * 3
    assert all("authorization: basic yw5uonbac3m=\r\n" in head for head in server.heads)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_this_machine_is_not_asked_for_by_a_proxy(
    serve: Serve, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    url = serve(completion("Lima")).url.replace("127.0.0.1", host)
    model = load_model("vllm:plan", f"{url}/v1")
    assert model.invoke("Hello").text == "Lima"
    assert asyncio.run(model.ainvoke("Hello")).text == "Lima"


def test_another_server_is_asked_for_by_the_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(completion("Lima"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert load_model("vllm:plan", "http://gpu.example/v1").invoke("Hello").text == "Lima"
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("name", ["ALL_PROXY", "HTTP_PROXY"])
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://127.0.0.1:9", "http://127.0.0.1:port"])
@pytest.mark.parametrize(("spec", "endpoint"), [("vllm:plan", "http://gpu.example/v1"), ("openai:gpt", "")])
def test_a_proxy_that_is_none_is_one_line_before_anything_is_asked(
    name: str, proxy: str, spec: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.cache_clear()
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv(name, proxy)
    with pytest.raises(ModelError, match="set HTTP_PROXY, HTTPS_PROXY and ALL_PROXY to http://HOST:PORT"):
        load_model(spec, endpoint)


def test_certificates_that_are_not_there_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoact.models.pool._trusted", create_ssl_context)
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    with pytest.raises(ModelError, match=r"No such file .* SSL_CERT_FILE to a file of certificates"):
        load_model("vllm:plan", "https://not.asked.before/v1")


def test_all_roles_at_one_address_share_its_connections(serve: Serve) -> None:
    server = serve(completion("Lima"))
    for name in ("plan", "tool", "reflect"):
        load_model(f"vllm:{name}", f"{server.url}/v1").invoke("Hello")
    assert [body["model"] for body in server.asked] == ["plan", "tool", "reflect"]
    assert len(server.connections) == 1


def test_no_more_connections_are_opened_than_a_server_answers_at_once(serve: Serve) -> None:
    full = threading.Barrier(AT_ONCE)
    waiting = threading.Semaphore(AT_ONCE)

    def answer(_: Body) -> Answer:
        if waiting.acquire(blocking=False):
            full.wait(30)
        return completion("Lima")

    server = serve(answer)
    model = load_model("vllm:plan", f"{server.url}/v1")

    async def ask() -> list[Any]:
        return await asyncio.gather(*(model.ainvoke("Hello") for _ in range(AT_ONCE + 40)))

    assert {reply.text for reply in asyncio.run(ask())} == {"Lima"}
    assert (len(server.asked), len(server.connections)) == (AT_ONCE + 40, AT_ONCE)


@pytest.mark.parametrize("spec", ["vllm:plan", "openai:plan"])
def test_a_model_is_asked_in_one_event_loop_after_another(serve: Serve, spec: str) -> None:
    server = serve(completion("Lima"))
    model = load_model(spec, f"{server.url}/v1")

    async def ask() -> list[Any]:
        return await asyncio.gather(*(model.ainvoke("Hello") for _ in range(4)))

    for _ in range(3):
        assert [reply.text for reply in asyncio.run(ask())] == ["Lima"] * 4


def test_a_loop_that_was_only_closed_is_not_complained_of(serve: Serve) -> None:
    program = [sys.executable, "-c", CLOSED_LOOP, f"{serve(completion('Lima')).url}/v1"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Lima\nLima\n", "")


def test_loops_in_threads_ask_at_the_same_time(serve: Serve) -> None:
    server = serve(completion("Lima"))
    model = load_model("vllm:plan", f"{server.url}/v1")
    heard: list[str] = []

    async def ask() -> None:
        for _ in range(10):
            heard.append((await model.ainvoke("Hello")).text)

    threads = [threading.Thread(target=asyncio.run, args=[ask()]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == ["Lima"] * 40


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("spec", ["vllm:plan", "openai:gpt"])
def test_a_fork_asks_over_a_connection_of_its_own(serve: Serve, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(completion("Lima"))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    model = load_model(spec, f"{server.url}/v1" if spec == "vllm:plan" else "")
    model.invoke("Hello")
    if not (fork := os.fork()):
        try:
            assert model.invoke("Hello").text == "Lima"
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(fork, 0)[1] == 0
    model.invoke("Hello")
    assert (len(server.asked), len(server.connections)) == (3, 2)


def test_a_connection_that_its_server_closed_meanwhile_is_opened_anew(serve: Serve) -> None:
    server = serve(completion("Lima"))
    model = load_model("vllm:plan", f"{server.url}/v1")
    for _ in range(3):
        assert model.invoke("Hello").text == "Lima"
        server.connections[-1].shutdown(2)
    assert len(server.connections) == 3

    async def ask() -> None:
        for _ in range(3):
            assert (await model.ainvoke("Hello")).text == "Lima"
            server.connections[-1].shutdown(2)
            await asyncio.sleep(0.05)  # for the news of it

    asyncio.run(ask())
    assert len(server.connections) == 6
