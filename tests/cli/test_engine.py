"""`autoact engine` as a program over Atlas's own model, and a line for what it cannot do."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import Result

from autoact.core.records import Team, to_json
from autoact.core.store import write_json
from autoact.core.task import load_task
from autoact.models.load import load_model
from autoact.models.weights import model_hash

AUTOACT = str(Path(sys.executable).with_name("autoact"))
ATLAS = Path(__file__).parents[2] / "examples" / "atlas"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of Atlas without adapters: its base speaks in every role."""
    folder = tmp_path_factory.mktemp("run")
    task = load_task(ATLAS / "task.yaml")
    write_json(folder / "task.json", {"file": str(task.file), "task": task.model_dump(mode="json")})
    team = Team(str(ATLAS / "seed"), model_hash(ATLAS / "seed"), {}, ("Retrieve",), task.name)
    write_json(folder / "team.json", to_json(team))
    return folder


@pytest.fixture(scope="module")
def url(run: Path) -> Iterator[str]:
    line = [AUTOACT, "engine", str(run), "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = server.stdout.readline()
        assert told.startswith("seed answer at http://127.0.0.1:")
        yield told.split(" at ")[1].split()[0]
        server.send_signal(signal.SIGINT)
        assert server.wait(30) in (0, 130)


def test_a_team_at_the_engine_s_endpoint_answers_as_it_does_in_process(run: Path, url: str) -> None:
    asked = [AUTOACT, "ask", str(run), "What is the capital of Cuba?", "--trace"]
    there = subprocess.run([*asked, "--endpoint", url], capture_output=True, text=True, check=False)
    here = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert there.stdout == here.stdout
    assert "Retrieve" in here.stdout


def test_the_base_is_served_by_its_folder_s_name(url: str) -> None:
    assert load_model("vllm:seed", url).bind(max_tokens=4).invoke("Hello").usage_metadata is not None
    assert httpx.get(f"{url}/models").json()["data"][0]["id"] == "seed"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--", "--dtype", "float32"), "--dtype: the local engine takes no further flags"),
        (("--host", "0.0.0.0"), "this server has no key"),
        (("--host", "0.0.0.0", "--backend", "vllm"), "vLLM's key leaves some of its routes open"),
        (("--backend", "vllm"), "has no vLLM: pip install"),
        (("--backend", "vllm", "--python", "/nowhere/python"), "--python /nowhere/python cannot be started"),
        (("--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY"),
    ],
)
def test_what_cannot_be_served_is_a_line(
    run: Path, call: Callable[..., Result], words: tuple[str, ...], line: str
) -> None:
    result = call("engine", run, *words)
    assert result.exit_code == 2
    assert line in result.stderr
    assert result.stderr.count("\n") == 1


def test_flags_for_vllm_that_are_ours_are_refused_before_it_starts(
    run: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 0.32.0\n")
    python.chmod(0o755)
    result = call("engine", run, "--backend", "vllm", "--python", python, "--", "--port", "1")
    assert (result.exit_code, result.stderr) == (
        2,
        "autoact: --port cannot be given to vLLM here: AutoAct says it; leave it out\n",
    )
    assert not (run / "vllm.log").exists()
