"""The commands, called in this process or as a program, and a task to call them with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from autoact.cli.main import app

PROGRAM = (sys.executable, "-c", "from autoact.cli.main import app; app()")
TASK = {
    "name": "Toy",
    "description": "Answer questions about countries.",
    "model": "transformers:none",
    "tools": ["Retrieve", "Lookup"],
    "corpus": "corpus.jsonl",
    "examples": [{"question": "What is the capital of Japan?", "answer": "Tokyo"}],
    "benchmarks": {"dev": "dev.jsonl"},
}


@pytest.fixture
def call() -> Callable[..., Result]:
    """Calls a command in this process."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command as a program of its own."""

    def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [*PROGRAM, *map(str, words)]
        return subprocess.run(command, text=True, capture_output=True, timeout=60, check=False, **options)

    return run


@pytest.fixture
def task_file(tmp_path: Path) -> Callable[[Mapping[str, Any]], Path]:
    """Writes a small task with some fields replaced; a field replaced by None is left out."""
    (tmp_path / "corpus.jsonl").write_text('{"title": "Lima", "text": "Lima is in Peru."}\n', "utf-8")
    (tmp_path / "dev.jsonl").write_text('{"id": "peru", "question": "Capital of Peru?", "answer": "Lima"}\n', "utf-8")

    def write(fields: Mapping[str, Any]) -> Path:
        data = {name: value for name, value in {**TASK, **fields}.items() if value is not None}
        path = tmp_path / "task.yaml"
        path.write_text(yaml.safe_dump(data), "utf-8")
        return path

    return write
