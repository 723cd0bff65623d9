"""`autoact serve` as a program: over HTTP until Ctrl-C, over MCP until the client leaves; a line when it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent
from typer.testing import Result

from autoact.cli.serve import key_in_environment, require
from autoact.core.errors import UserError
from autoact.core.records import ROLES, Team, to_json
from autoact.core.store import write_json

AUTOACT = str(Path(sys.executable).parent / "autoact")
TASK = {
    "name": "Sums",
    "description": "Add numbers.",
    "model": "openai:seed",
    "tools": ["Calculator"],
    "examples": [{"question": "What is 1 + 1?", "answer": "2"}],
}
TEAM = Team("seed", "ab12", {role: f"adapters/{role}-1a2b" for role in ROLES}, ("Calculator",), "Sums")


class Completions(BaseHTTPRequestHandler):
    """A model that plays sums; to "Wait" it says nothing until it is let go, and it will not hear of "down"."""

    asked = threading.Event()
    let_go = threading.Event()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = [message["content"] for message in body["messages"]]
        if "Wait" in said[1]:
            self.asked.set()
            self.let_go.wait(20)
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        choice = {"index": 0, "message": {"role": "assistant", "content": played(said)}, "finish_reason": "stop"}
        told = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
        answer = json.dumps(told | {"usage": usage}).encode()
        self.send_response(401 if "down" in said[1] else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def played(said: list[str]) -> str:
    """The next turn of a sum."""
    match said[-1]:
        case "Input for Calculator:":
            return said[1].removeprefix("Question: What is ").rstrip("?")
        case "Input for Finish:":
            return next(text for text in said if text.startswith("Observation: ")).removeprefix("Observation: ")
        case "Is this answer right?":
            return "Thought: It is.\nVerdict: right"
    return f"Thought: Next.\nAction: {'Finish' if said[-1].startswith('Observation') else 'Calculator'}"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Where the team's models are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Completions)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    Completions.let_go.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run's folder."""
    folder = tmp_path / "run"
    write_json(folder / "task.json", {"task": TASK, "file": str(tmp_path / "task.yaml")})
    write_json(folder / "team.json", to_json(TEAM))
    return folder


@pytest.fixture
def process(run: Path, endpoint: str) -> Iterator[subprocess.Popen[str]]:
    """The program, serving on a free port with a key."""
    command = [AUTOACT, "serve", str(run), "--endpoint", endpoint, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"AUTOACT_KEY": "k3y"}
    ) as process:
        yield process
        process.kill()


def test_it_answers_over_http_until_ctrl_c_and_ends_with_a_line(
    run: Path, process: subprocess.Popen[str], endpoint: str
) -> None:
    assert process.stdout
    said = process.stdout.readline()
    assert said.startswith("Sums answers at http://127.0.0.1:")
    with httpx.Client(base_url=said.split()[3], headers={"Authorization": "Bearer k3y"}, timeout=30) as client:
        assert client.get("/team", headers={"Authorization": ""}).status_code == 401
        assert client.get("/team").json()["models"] == {name: f"{name}-1a2b" for name in ROLES} | {"meta": "seed"}
        assert client.post("/ask", json={"question": "What is 2 + 3?"}).json()["answer"] == "5"
        dead = client.post("/ask", json={"question": "Are you down?"})
        assert (dead.status_code, dead.json()["status"], endpoint in dead.json()["error"]) == (502, "error", True)
        with client.stream("POST", "/stream", json={"question": "Wait, what is 2 + 3?"}) as response:
            lines = response.iter_lines()
            assert next(lines) == "event: start"
            assert Completions.asked.wait(10)
            process.send_signal(signal.SIGINT)
            assert 'data: {"detail":"the server is closing; ask again"}' in list(lines)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "autoact: stopped\n")
    assert (run / "threads.sqlite").is_file()


def ask(words: list[str], log: Path, *questions: dict[str, Any]) -> list[CallToolResult]:
    """What a real MCP client is given; it starts the program, and ends it."""

    async def session() -> list[CallToolResult]:
        with log.open("w") as errors:
            program = StdioServerParameters(command=AUTOACT, args=["serve", *words, "--mcp"])
            async with stdio_client(program, errlog=errors) as (read, write), ClientSession(read, write) as session:
                told = await session.initialize()
                assert told.serverInfo.name == "autoact"
                assert [tool.name for tool in (await session.list_tools()).tools] == ["ask"]
                return await asyncio.gather(*(session.call_tool("ask", question) for question in questions))

    return asyncio.run(session())


def test_an_mcp_client_starts_it_and_asks(run: Path, endpoint: str, tmp_path: Path) -> None:
    questions = [{"question": f"What is {n} + 1?"} for n in range(4)] + [{"question": "Are you down?"}]
    *answers, failed = ask([str(run), "--endpoint", endpoint], tmp_path / "log", *questions)
    assert [answer.structuredContent for answer in answers] == [
        {"answer": str(n + 1), "status": "answered", "steps": 3} for n in range(4)
    ]
    assert isinstance(failed.content[0], TextContent)
    assert (failed.isError, endpoint in failed.content[0].text) == (True, True)
    assert (tmp_path / "log").read_text() == ""


def test_over_stdio_nothing_but_the_protocol_goes_to_stdout() -> None:
    code = (
        "import os, autoact.serve.mcp as mcp\n"
        "protocol = mcp.keep_stdout()\n"
        "print('printed', flush=True)\n"
        "os.write(1, b'written')\n"
        "protocol.write('protocol')\n"
        "protocol.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == ("protocol", "printed\nwritten")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines, and this server has no key"),
        (["--host", "nowhere.invalid"], "--host 'nowhere.invalid' is no address of this machine"),
        (["--database", "threads.sqlite"], "--database is no URL of a database: write sqlite:///FILE"),
        (["--database", "postgresql://ann:pw@127.0.0.1:1/x"], "the database of --database cannot be used"),
        (["--key-env", "NOT_SET_ANYWHERE"], "--key-env NOT_SET_ANYWHERE: that environment variable is not set"),
        (["--endpoint", "nowhere"], "the endpoint 'nowhere' is no address"),
    ],
)
def test_what_cannot_be_served_is_a_line(run: Path, call: Callable[..., Result], words: list[str], told: str) -> None:
    result = call("serve", run, "--port", 0, *words)
    assert (result.exit_code, told in result.stderr, result.stderr.count("\n")) == (2, True, 1)
    assert "pw@" not in result.stderr


def test_a_port_in_use_is_a_line(run: Path, call: Callable[..., Result]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        result = call("serve", run, "--port", taken.getsockname()[1])
    assert (result.exit_code, "choose another --port" in result.stderr) == (2, True)


@pytest.mark.parametrize("words", [(), ("--mcp",)])
def test_what_is_no_finished_run_is_a_line(run: Path, call: Callable[..., Result], words: tuple[str, ...]) -> None:
    (run / "team.json").unlink()
    result = call("serve", run, *words)
    assert (result.exit_code, "is not finished" in result.stderr) == (2, True)
    nowhere = call("serve", run / "no", *words)
    assert (nowhere.exit_code, "does not exist; is" in nowhere.stderr) == (2, True)


def test_a_missing_extra_is_named_with_what_to_install() -> None:
    with pytest.raises(UserError, match=r"needs no_such_package: pip install 'langgraph-autoact\[serve\]'"):
        require("serve", ["fastapi", "no_such_package"])


@pytest.mark.parametrize("key", ["two words", "schlüssel", "line\n"])
def test_a_key_that_no_client_can_send_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AUTOACT_KEY", key)
    with pytest.raises(UserError, match="the key in AUTOACT_KEY must be ASCII without spaces"):
        key_in_environment("")
