"""The front door is quick, and says what there is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from typer.testing import Result

Call = Callable[..., Result]
Program = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS = (
    *("learn", "train", "ask", "eval", "grid", "show", "view", "judge", "push"),
    *("serve", "engine", "tools", "example"),
)


def test_help_takes_less_than_half_a_second(program: Program) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        assert program("--help").returncode == 0
        return time.perf_counter() - began

    assert min(seconds() for _ in range(5)) < 0.5


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "langgraph", "langchain_core", "pydantic", "rich", "yaml", "transformers")
    code = f"import sys, autoact.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout == "[]\n"


def test_version_is_that_of_the_package(call: Call) -> None:
    from importlib.metadata import version

    result = call("--version")
    assert (result.exit_code, result.stdout) == (0, f"autoact {version('langgraph-autoact')}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, call: Call) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f" {command} [OPTIONS]" in result.stdout


@pytest.mark.parametrize("words", [("nonsense",), ("learn",), ("ask", "runs/x"), ("tools", "--nonsense")])
def test_a_wrong_command_line_exits_with_2(words: tuple[str, ...], call: Call) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
