"""vLLM as a child process: what it is started with, how it is waited for and ended. The real one: tests/vllm."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from autoact.core.errors import EndpointError, UserError
from autoact.models.team import Weights
from autoact.serve.vllm import command, last_line, require_vllm, running

SERVER = """
    import json, os, signal, sys
    from http.server import BaseHTTPRequestHandler, HTTPServer
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"data": [{"id": "base"}, {"id": "plan-1"}], "env": dict(os.environ)}).encode()
            self.send_response(200); self.end_headers(); self.wfile.write(body)
        def log_message(self, *_): pass
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.SIG_IGN); signal.pause()
    print("started", child, flush=True)
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    """A base with two adapters, of ranks 4 and 12."""
    adapters = {}
    for name, rank in (("plan-1", 4), ("tool-1", 12)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"r": rank}))
        adapters[name] = tmp_path / name
    return Weights(str(tmp_path / "base"), adapters)


def line(weights: Weights, *more: str) -> list[str]:
    base = Path(weights.base)
    return command(weights, base, ("127.0.0.1", 8001), python="py", template=Path("t.jinja"), more=more)


def after(flag: str, said: list[str]) -> str:
    return said[said.index(flag) + 1]


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    """A server that answers as vLLM does, with a child that does not heed Ctrl-C; its port comes last."""
    path = tmp_path / "server.py"
    path.write_text(textwrap.dedent(SERVER))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return [sys.executable, str(path), str(free.getsockname()[1])]


def test_the_base_and_its_adapters_are_served_under_their_folders_names(weights: Weights) -> None:
    said = line(weights)
    assert (after("--model", said), after("--served-model-name", said)) == (weights.base, "base")
    modules = [json.loads(item) for item in said if item.startswith("{")]
    assert modules == [{"name": name, "path": str(path)} for name, path in weights.adapters.items()]
    assert (after("--max-loras", said), after("--max-lora-rank", said)) == ("2", "16")
    assert (after("--host", said), after("--chat-template", said)) == ("127.0.0.1", "t.jinja")


def test_a_base_without_adapters_needs_no_lora(weights: Weights) -> None:
    assert "--enable-lora" not in line(Weights(weights.base, {}))


def test_further_flags_are_passed_on(weights: Weights) -> None:
    assert line(weights, "--dtype", "float32")[-2:] == ["--dtype", "float32"]


@pytest.mark.parametrize(
    "flag",
    [
        "--host",
        "--api-key=x",
        "--lora_modules",
        "--max-lora",
        "--trust-remote-code",
        "--serv",
        "--config",
        "--headless",
    ],
)
def test_flags_that_are_ours_are_refused_also_shortened(weights: Weights, flag: str) -> None:
    with pytest.raises(UserError, match=f"^{flag} cannot be given to vLLM here"):
        line(weights, flag, "x")


def test_a_server_is_ready_once_it_answers_under_every_name(script: list[str], tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{script[-1]}"
    with running(script, tmp_path / "log", key="secret") as server:
        server.ready(url, ["base", "plan-1"], "secret")
        told = httpx.get(url).json()["env"]
        with pytest.raises(EndpointError, match="does not serve tool-1"):
            server.ready(url, ["base", "tool-1"], "")
    assert (told["VLLM_API_KEY"], told["VLLM_ALLOW_RUNTIME_LORA_UPDATING"], told["HF_HUB_OFFLINE"]) == (
        "secret",
        "0",
        "1",
    )


def test_a_proxy_and_a_key_of_the_environment_are_not_for_it(
    script: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("VLLM_API_KEY", "another")
    url = f"http://127.0.0.1:{script[-1]}"
    with running(script, tmp_path / "log", key="") as server:
        server.ready(url, ["base"], "")
        assert "VLLM_API_KEY" not in httpx.get(url, trust_env=False).json()["env"]


@pytest.mark.parametrize("listed", ['{"error": "no key"}', '["base"]', "<html>", '{"data": [1]}', "null"])
def test_an_answer_that_lists_no_models_is_a_line(script: list[str], tmp_path: Path, listed: str) -> None:
    path = Path(script[1])
    path.write_text(re.sub(r"body = .*", f"body = {listed.encode()!r}", path.read_text()))
    line = r"^vLLM does not list its models \(.+\); its log is "
    with running(script, tmp_path / "log", key="") as server, pytest.raises(EndpointError, match=line):
        server.ready(f"http://127.0.0.1:{script[-1]}", ["base"], "")


def test_what_it_started_ends_with_it(script: list[str], tmp_path: Path) -> None:
    with running(script, tmp_path / "log", key="") as server:
        server.ready(f"http://127.0.0.1:{script[-1]}", ["base"], "")
        child = int(last_line(tmp_path / "log").split()[1])
    assert server.process.returncode is not None
    assert gone(child)


def gone(process: int) -> bool:
    """Whether a process ends within seconds; one that is only not waited for has ended."""
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_a_server_that_ends_before_it_answers_says_its_last_word(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "print('no room for the weights'); raise SystemExit(1)"]
    with running(failing, tmp_path / "log", key="") as server:
        with pytest.raises(EndpointError, match=r"ended before it answered \(no room for the weights\)"):
            server.ready("http://127.0.0.1:9", ["base"], "")
        with pytest.raises(EndpointError, match="ended by itself"):
            server.wait()


def test_another_process_s_last_words_and_address_are_not_taken_for_its_own(script: list[str], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("INFO: Application shutdown complete.\n")
    silent = [sys.executable, "-c", "raise SystemExit(1)"]
    with running(script, tmp_path / "other", key="") as other:
        url = f"http://127.0.0.1:{script[-1]}"
        other.ready(url, ["base"], "")
        with running(silent, tmp_path / "log", key="secret") as server:
            server.process.wait(60)
            with pytest.raises(EndpointError, match=r"ended before it answered \(it said nothing\)"):
                server.ready(url, ["base"], "secret")


def test_asked_again_to_end_it_is_not_waited_for(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    program = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from autoact.serve.vllm import running
        log = Path({str(tmp_path / "log")!r})
        with running([sys.executable, "-c", {deaf!r}], log, key="") as server:
            while not log.read_text():
                time.sleep(0.01)
            print(server.process.pid, flush=True)
            server.wait()
    """)
    ours = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert ours.stdout is not None
    child = int(ours.stdout.readline())
    for _ in range(2):
        ours.send_signal(signal.SIGINT)
        time.sleep(0.5)
    assert ours.wait(10) != 0
    ours.stdout.close()
    assert gone(child)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_of_ours_ends_it_too(script: list[str], tmp_path: Path, sign: signal.Signals) -> None:
    program = textwrap.dedent(f"""
        from pathlib import Path
        from autoact.serve.vllm import running
        with running({script!r}, Path({str(tmp_path / "log")!r}), key="") as server:
            server.ready("http://127.0.0.1:{script[-1]}", ["base"], "")
            print("ready", flush=True)
            server.wait()
    """)
    ours = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    assert ours.stdout.readline() == "ready\n"
    child = int(last_line(tmp_path / "log").split()[1])
    ours.send_signal(sign)
    assert ours.wait(60) == 128 + sign
    ours.stdout.close()
    assert gone(child)


def test_a_python_without_vllm_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no vLLM: pip install 'langgraph-autoact\[vllm\]', or give --python"):
        require_vllm(sys.executable)
    with pytest.raises(UserError, match="cannot be started"):
        require_vllm(str(tmp_path / "python"))


def test_a_vllm_of_another_version_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 0.9.1\n")
    python.chmod(0o755)
    with pytest.raises(UserError, match=r"has vLLM 0\.9\.1, and 0\.32 or 0\.33 is needed"):
        require_vllm(str(python))
