"""Threads outlive the server, and a database that cannot be used is named in a line, without its password."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from autoact.core.errors import UserError
from autoact.serve.storage import check_database

Serving = Callable[..., httpx.Client]


def test_a_thread_is_resumed_by_a_new_server_with_the_settings_it_was_asked_with(serving: Serving) -> None:
    before, after = serving(), serving()
    settings = {"approve_tools": ["Calculator", "Finish"]}
    thread = before.post("/ask", json={"question": "What is 2 + 3?", "settings": settings}).json()["thread"]
    approved = {"decisions": [{"type": "approve"}]}
    second = after.post(f"/threads/{thread}/resume", json=approved).json()
    assert (second["status"], second["interrupt"]["action_requests"][0]["name"]) == ("interrupted", "Finish")
    third = before.post(f"/threads/{thread}/resume", json=approved).json()
    assert (third["status"], third["answer"]) == ("answered", "5")
    assert [asked["status"] for asked in after.get(f"/threads/{thread}").json()["questions"]] == ["answered"]


@pytest.mark.parametrize(
    "url", ["", "threads.sqlite", "sqlite:threads.sqlite", "sqlite:///", "mysql://x/y", "sqlite://a"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="write sqlite:///FILE or postgresql://"):
        check_database(url)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database, but a text that is long enough to be taken for one" * 9, "utf-8")
    for path in (tmp_path / "notes.txt", tmp_path / "no" / "folder.sqlite", tmp_path):
        with pytest.raises(UserError, match=r"cannot be used .* name another with --database"):
            check_database(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:secret@127.0.0.1:1/threads",
        "postgresql://ann:secret@127.0.0.1:port/threads",
        "postgres://ann:secret@[127.0.0.1/threads",
    ],
)
def test_a_database_that_is_not_there_is_a_line_without_the_password(url: str) -> None:
    with pytest.raises(UserError, match="the database of --database cannot be used") as caught:
        check_database(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
