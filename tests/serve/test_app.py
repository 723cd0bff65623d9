"""Who is let in, what is too much, and what a refused request is told: one line each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

Serving = Callable[..., httpx.Client]
KEY = "correct-horse-battery-staple"
SUM = {"question": "What is 2 + 3?"}
ROUTES = [
    ("GET", "/team"),
    ("POST", "/ask"),
    ("POST", "/stream"),
    ("POST", "/mcp"),
    ("GET", "/threads/x"),
    ("DELETE", "/threads/x"),
    ("POST", "/threads/x/resume"),
    ("POST", "/threads/x/resume/stream"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/static-offline-docs/swagger-ui.css"),
    ("GET", "/nowhere"),
]


def line(response: httpx.Response) -> str:
    """The one line that a refusal is."""
    detail: str = response.json()["detail"]
    assert "\n" not in detail
    return detail


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "question: Field required"),
        ({"question": "  "}, "question: String should match"),
        ({"question": 5}, "question: Input should be a valid string"),
        (SUM | {"choices": "a or b"}, "choices: Input should be a valid list"),
        (SUM | {"image": "/etc/passwd"}, "image: Extra inputs are not permitted"),
        (SUM | {"thread": "../up"}, "thread: String should match"),
        (SUM | {"settings": {"shell": True}}, "shell is no setting; choose from max_steps"),
        (SUM | {"settings": {"max_steps": "many"}}, "max_steps is wrong"),
        (SUM | {"settings": {"plan_model": "openai:gpt-9"}}, "is not one of this team's; choose from plan, tool"),
        (SUM | {"settings": {"tools": ["Shell"]}}, "is not one of this team's; choose from Calculator"),
        (SUM | {"settings": {"max_steps": 11}}, "settings.max_steps: must not be looser than this team's own, 10"),
        (SUM | {"settings": {"input_prompt": "{tool.__class__}"}}, "input_prompt is wrong"),
    ],
)
def test_a_bad_question_is_refused_in_a_line(client: httpx.Client, body: dict[str, Any], told: str) -> None:
    for path in ("/ask", "/stream"):
        response = client.post(path, json=body)
        assert response.status_code == 422
        assert told in line(response)


@pytest.mark.parametrize(
    "decisions",
    [
        [],
        [{"type": "approve"}] * 2,
        [{"type": "respond"}],
        [{"type": "edit"}],
        [{"type": "edit", "edited_action": {"name": "Shell", "args": {"input": "ls"}}}],
    ],
)
def test_a_bad_decision_is_refused_in_a_line(client: httpx.Client, decisions: list[Any]) -> None:
    body = SUM | {"settings": {"approve_tools": ["Calculator"]}}
    thread = client.post("/ask", json=body).json()["thread"]
    response = client.post(f"/threads/{thread}/resume", json={"decisions": decisions})
    assert (response.status_code, bool(line(response))) == (422, True)
    assert client.get(f"/threads/{thread}").json()["questions"][0]["status"] == "interrupted"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_a_web_page_could_send_unasked_is_refused(client: httpx.Client, kind: str) -> None:
    response = client.post("/ask", content=json.dumps(SUM), headers={"content-type": kind} if kind else {})
    assert (response.status_code, "Content-Type: application/json" in line(response)) == (422, True)


@pytest.mark.parametrize("body", [b"{", b'{"question": NaN}', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused_in_a_line(client: httpx.Client, body: bytes) -> None:
    response = client.post("/ask", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert line(response)


def test_half_a_character_and_a_nul_do_no_harm(client: httpx.Client) -> None:
    body = b'{"question": "What is 2 + 3?", "context": "\\ud800 \\u0000"}'
    response = client.post("/ask", content=body, headers={"content-type": "application/json"})
    assert response.json()["answer"] == "5"


def test_without_the_key_only_health_answers(serving: Serving) -> None:
    client = serving(key=KEY)
    for method, path in ROUTES:
        for given in ("", "Bearer wrong", f"Bearer {KEY}x", f"bearer{KEY}", "Basic !", "Bearer \xff"):
            response = client.request(method, path, headers=[(b"authorization", given.encode("latin-1"))])
            assert (response.status_code, bool(line(response))) == (401, True), (path, given)
            assert "Bearer" in response.headers["www-authenticate"]
    assert client.get("/health", headers={"Authorization": ""}).json() == {"status": "ok"}
    assert client.post("/ask", json=SUM).json()["answer"] == "5"


def test_a_browser_gives_the_key_as_a_password(serving: Serving) -> None:
    client = serving(key=KEY)
    assert client.get("/docs", auth=("anyone", KEY)).status_code == 200
    assert client.get("/docs", auth=(KEY, "anyone")).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "[::2]", "[", ""])
def test_without_a_key_a_foreign_name_is_refused(client: httpx.Client, host: str) -> None:
    for path in ("/team", "/mcp"):
        response = client.get(path, headers={"host": host})
        assert (response.status_code, "answers only to localhost" in line(response)) == (403, True)
    assert client.get("/team", headers={"host": "localhost:99"}).status_code == 200


def test_a_body_over_the_limit_is_refused(serving: Serving) -> None:
    client = serving(max_body=1000)
    long = json.dumps(SUM | {"context": "x" * 1000}).encode()
    headers = {"content-type": "application/json"}

    def pieces() -> Iterator[bytes]:
        yield from (long[i : i + 100] for i in range(0, len(long), 100))

    for path in ("/ask", "/mcp"):
        assert client.post(path, content=long, headers=headers).status_code == 413
        assert client.post(path, content=pieces(), headers=headers).status_code == 413
    assert client.post("/ask", json=SUM).status_code == 200


def test_questions_over_the_limit_are_told_to_come_again(serving: Serving, door: Any) -> None:
    client = serving(max_in_flight=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/ask", json={"question": "Wait, 2 + 3?"})
        assert door.reached.wait(10)
        second = client.post("/ask", json=SUM)
        assert (second.status_code, second.headers["retry-after"]) == (503, "1")
        assert "1 questions are in flight" in line(second)
        assert client.get("/health").status_code == 200
        door.opened.set()
        assert first.result(10).status_code == 200
    assert client.post("/ask", json=SUM).status_code == 200


def test_the_page_loads_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs").text
    parts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {part.rpartition(".")[2] for part in parts} == {"js", "css", "png"}
    assert "://" not in page
    assert all(client.get(part).status_code == 200 for part in parts)


def test_the_page_describes_every_field(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    models = schema["components"]["schemas"]
    fields = [(name, field, told) for name, model in models.items() for field, told in model["properties"].items()]
    assert not [(name, field) for name, field, told in fields if "description" not in told]
    assert all(route["description"] for path in schema["paths"].values() for route in path.values())


def test_the_team_says_who_answers_and_what_may_be_set(client: httpx.Client) -> None:
    team = client.get("/team").json()
    assert (team["name"], team["description"]) == ("Sums", "Add numbers.")
    assert team["models"] == {role: f"{role}-1a2b" for role in ("plan", "tool", "reflect")}
    assert [tool["name"] for tool in team["tools"]] == ["Calculator", "Wait", "Finish"]
    assert team["settings"]["properties"]["max_steps"]["default"] == 10


def test_our_own_failure_is_told_to_the_log_and_not_to_the_caller(serving: Serving, tmp_path: Any) -> None:
    client = serving()
    client.post("/ask", json=SUM | {"thread": "mine"})
    import sqlite3

    with sqlite3.connect(tmp_path / "threads.sqlite") as database:
        database.execute("DROP TABLE checkpoints")
    response = client.get("/threads/mine")
    assert (response.status_code, line(response)) == (500, "the server failed; its log says how")
