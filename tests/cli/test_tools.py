"""`autoact tools` says what each tool needs, whether it can be used here, and what the cassette holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from autoact.tools.cassette import Answer, Call, Cassette

Command = Callable[..., Result]
TaskFile = Callable[..., Path]


def test_the_library_has_ten_tools_and_says_which_can_be_used_here(call: Command) -> None:
    listed = {tool["name"]: tool for tool in json.loads(call("tools", "--json").stdout)["tools"]}
    assert len(listed) == 10
    assert listed["Search"]["missing"] == ""
    assert "images endpoint" in listed["Text2Image"]["missing"]
    assert "no:" in call("tools").stdout


def test_a_tool_of_a_task_that_lacks_its_key_says_so(
    call: Command, task_file: TaskFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)
    task = task_file({"tools": ["Search", "Lookup"], "toolbox": {"Search": {"backend": "tavily"}}})
    listed = json.loads(call("tools", task, "--json").stdout)["tools"]
    assert [(tool["name"], tool["missing"]) for tool in listed] == [
        ("Search", "TAVILY_API_KEY in the environment"),
        ("Lookup", ""),
    ]


def test_a_setting_that_is_wrong_is_one_line(call: Command, task_file: TaskFile) -> None:
    result = call("tools", task_file({"toolbox": {"Retrieve": {"backend": "wikipaedia"}}}))
    assert result.exit_code == 2
    assert "toolbox.Retrieve.backend is wrong" in result.stderr


def test_a_cassette_is_counted_and_what_no_longer_matches_is_told(call: Command, task_file: TaskFile) -> None:
    task = task_file({"cassette": "c.sqlite"})
    assert "cassette" not in call("tools", task).stdout
    cassette = Cassette(task.parent / "c.sqlite")
    for answer in ("old", "new"):
        cassette.keep(Call("Search", "brave", "x"), Answer(answer))
    assert "cassette: 1 answers, 1 no longer match" in call("tools", task).stdout
    told: dict[str, Any] = json.loads(call("tools", task, "--json").stdout)["cassette"]
    assert (told["answers"], told["drifts"][0]["recorded"], told["drifts"][0]["now"]) == (1, "old", "new")


def test_a_cassette_that_is_a_database_of_others_is_one_line(call: Command, task_file: TaskFile) -> None:
    task = task_file({"cassette": "c.sqlite"})
    with sqlite3.connect(task.parent / "c.sqlite") as file:
        file.execute("CREATE TABLE answers (question TEXT)")
    result = call("tools", task)
    assert result.exit_code == 2
    assert "is a database, but no cassette" in result.stderr
