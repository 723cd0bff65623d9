"""`autoact view` serves the logs of one run, to this machine, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import Result

PROGRAM = (sys.executable, "-c", "from autoact.cli.main import app; app()")
Call = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a log, which need not be one to be served, and a secret beside its evaluations."""
    for name in ("eval/toy-1/logs/autoact.eval", "secret.eval"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("log")
    return tmp_path


@pytest.fixture
def viewer(run: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and the address that it prints."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [*PROGRAM, "view", str(run), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_DATA_HOME": str(run / "home"), "XDG_CACHE_HOME": str(run / "home")},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == f"{run / 'eval'} is shown at http://127.0.0.1:{port} (Ctrl-C ends it)\n", process.communicate()[1]
    yield process, f"http://127.0.0.1:{port}"
    process.kill()
    process.communicate()


def test_it_serves_the_logs_and_nothing_else_and_ctrl_c_ends_it_quietly(
    viewer: tuple[subprocess.Popen[str], str], run: Path
) -> None:
    process, address = viewer
    client = httpx.Client(base_url=address, transport=httpx.HTTPTransport(retries=20), timeout=20)
    with client:
        assert "html" in client.get("/").headers["content-type"]
        listed = client.get("/api/logs").json()
        assert [file["name"].rpartition("/eval/")[2] for file in listed["files"]] == ["toy-1/logs/autoact.eval"]
        assert client.get(f"/api/log-size/{run}/secret.eval").status_code == 403
        assert client.get("/", headers={"host": "evil.example"}).status_code in (400, 403, 421)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (out, "Traceback" in errors) == ("", False)
    assert not (run / "home").exists()


def test_a_run_without_evaluations_is_one_line(call: Call, tmp_path: Path) -> None:
    result = call("view", tmp_path)
    assert result.exit_code == 2
    assert "holds no evaluation; make one first" in result.stderr


def test_a_taken_port_is_one_line(call: Call, run: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = call("view", run / "eval" / "toy-1", "--port", taken.getsockname()[1])
    assert result.exit_code == 2
    assert "cannot be used (Address already in use); choose another --port" in result.stderr


def test_other_machines_are_not_served(call: Call, run: Path) -> None:
    result = call("view", run, "--host", "0.0.0.0", "--port", 45873)
    assert result.exit_code == 2
    assert "--host 0.0.0.0 can be reached from other machines" in result.stderr
