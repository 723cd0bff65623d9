"""`langgraph dev` serves the Atlas team on a machine without a key."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a running server, on a free port of the loopback address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).parent / "langgraph"
    words = [str(command), "dev", "--no-browser", "--no-reload", "--host", "127.0.0.1", "--port", str(port)]
    known = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "OPENAI"))}
    log = (tmp_path_factory.mktemp("studio") / "log").open("w+b")
    process = subprocess.Popen(words, cwd=ROOT, env=known, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _wait(client, process, Path(log.name))
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        log.close()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-3000:]
        try:
            if client.get("/ok").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8", "replace")[-3000:])


def test_a_question_is_answered(server: httpx.Client) -> None:
    asked = {"assistant_id": "autoact", "input": {"question": "What is the language of Cuba?"}}
    state = server.post("/runs/wait", json=asked).json()
    assert state["status"] in {"answered", "unsure", "halted"}, state
    assert state["steps"]


def test_the_settings_are_shown_with_their_descriptions(server: httpx.Client) -> None:
    assistant = server.post("/assistants/search", json={"graph_id": "autoact"}).json()[0]["assistant_id"]
    schemas = server.get(f"/assistants/{assistant}/schemas").json()
    fields = schemas["context_schema"]["properties"]
    assert all(field.get("description") for field in fields.values())
    assert "question" in schemas["input_schema"]["properties"]


def test_the_graph_has_the_four_nodes(server: httpx.Client) -> None:
    assistant = server.post("/assistants/search", json={"graph_id": "autoact"}).json()[0]["assistant_id"]
    names = {node["id"] for node in server.get(f"/assistants/{assistant}/graph").json()["nodes"]}
    assert {"plan", "tool", "executor", "reflect"} <= names
