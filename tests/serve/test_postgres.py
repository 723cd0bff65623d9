"""Threads in a real PostgreSQL: asked at one server, resumed at another, and kept when the connection is lost."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

pytestmark = pytest.mark.long

Serving = Callable[..., httpx.Client]
SUM = {"question": "What is 2 + 3?"}
APPROVAL = SUM | {"settings": {"approve_tools": ["Calculator"]}}
APPROVED = {"decisions": [{"type": "approve"}]}


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a database."""
    with runpy.run_path(str(Path(__file__).parents[1] / "postgres.py"))["server"]() as url:
        yield url


def test_a_thread_is_resumed_at_another_server(serving: Serving, database: str) -> None:
    one, other = serving(database=database), serving(database=database)
    thread = one.post("/ask", json=APPROVAL).json()["thread"]
    assert other.post("/ask", json=SUM | {"thread": thread}).status_code == 409
    answer = other.post(f"/threads/{thread}/resume", json=APPROVED).json()
    assert (answer["status"], answer["answer"]) == ("answered", "5")
    one.post("/ask", json={"question": "What is 2 + 4?", "thread": thread})
    assert [asked["answer"] for asked in other.get(f"/threads/{thread}").json()["questions"]] == ["5", "6"]
    assert other.delete(f"/threads/{thread}").status_code == 204
    assert one.get(f"/threads/{thread}").status_code == 404


def test_what_a_text_column_cannot_hold_does_no_harm(serving: Serving, database: str) -> None:
    body = b'{"question": "What is 2 + 3?", "context": "\\u0000 \\ud800", "settings": {"task_prompt": "a\\u0000b"}}'
    client = serving(database=database)
    answer = client.post("/ask", content=body, headers={"content-type": "application/json"}).json()
    assert answer["answer"] == "5"
    assert answer["steps"][0]["thought"] == "I compute.\ufffd\ufffd"
    assert client.get(f"/threads/{answer['thread']}").json()["questions"][0]["answer"] == "5"
    body = b'{"question": "Are you \\u0000 down?", "thread": "nul"}'
    assert client.post("/ask", content=body, headers={"content-type": "application/json"}).status_code == 502
    assert client.get("/threads/nul").json()["questions"][0]["question"] == "Are you \N{REPLACEMENT CHARACTER} down?"


def test_a_lost_connection_is_replaced(serving: Serving, database: str) -> None:
    client = serving(database=database)
    thread = client.post("/ask", json=SUM).json()["thread"]
    with psycopg.connect(database, autocommit=True) as mine:
        mine.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert client.post("/ask", json={"question": "What is 2 + 4?", "thread": thread}).json()["answer"] == "6"


def test_50_questions_at_once_are_kept_apart(serving: Serving, database: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    client = serving(database=database)

    def ask(number: int) -> str:
        body = {"question": f"What is {number} + 1000?", "thread": f"p{number}"}
        client.post("/ask", json=body)
        answer: str = client.get(f"/threads/p{number}").json()["questions"][0]["answer"]
        return answer

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(50))) == [str(number + 1000) for number in range(50)]
