"""Over a real socket: ask, stream, interrupt, resume, look, forget."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

APPROVAL = {"settings": {"approve_tools": ["Calculator"]}}
APPROVED = {"decisions": [{"type": "approve"}]}


def events(response: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a response, read as they come."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def waiting(client: httpx.Client) -> dict[str, Any]:
    """A question that waits for a human."""
    answer: dict[str, Any] = client.post("/ask", json={"question": "What is 2 + 3?"} | APPROVAL).json()
    return answer


def test_a_question_is_answered_with_its_steps_and_usage(client: httpx.Client) -> None:
    response = client.post("/ask", json={"question": "What is 2 + 3?"})
    answer = response.json()
    assert (response.status_code, answer["status"], answer["answer"], answer["error"]) == (200, "answered", "5", "")
    assert [step["tool"] for step in answer["steps"]] == ["Calculator", "Finish", "Reflect"]
    assert answer["steps"][0]["wrote"] == {"plan": "plan-1a2b", "tool": "tool-1a2b"}
    assert {role: spent["calls"] for role, spent in answer["usage"].items()} == {"plan": 2, "tool": 2, "reflect": 1}


def test_a_question_is_followed_as_it_is_played(client: httpx.Client) -> None:
    with client.stream("POST", "/stream", json={"question": "What is 2 + 3?"}) as response:
        told = list(events(response))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in told if name != "token"] == [
        *("start", "action", "observation", "step", "step", "step", "end"),
    ]
    assert "".join(data["text"] for name, data in told if name == "token" and data["agent"] == "reflect") == (
        "Thought: It was computed.\nVerdict: right"
    )
    assert told[0][1]["thread"] == told[-1][1]["thread"]
    assert told[-1][1]["answer"] == "5"


def test_a_call_waits_for_a_human_and_runs_as_edited(client: httpx.Client) -> None:
    answer = waiting(client)
    assert answer["status"] == "interrupted"
    assert answer["interrupt"]["action_requests"] == [
        {"name": "Calculator", "args": {"input": "2 + 3"}, "description": "I compute."}
    ]
    edit = {"type": "edit", "edited_action": {"name": "Calculator", "args": {"input": "2 + 4"}}}
    resumed = client.post(f"/threads/{answer['thread']}/resume", json={"decisions": [edit]}).json()
    assert (resumed["status"], resumed["answer"], resumed["steps"][0]["wrote"]["tool"]) == ("answered", "6", "human")


def test_a_rejection_is_read_by_the_planner(client: httpx.Client) -> None:
    answer = waiting(client)
    decision = {"decisions": [{"type": "reject", "message": "not today"}]}
    with client.stream("POST", f"/threads/{answer['thread']}/resume/stream", json=decision) as response:
        told = dict(events(response))
    assert "not today" in told["observation"]["observation"]
    assert told["end"]["status"] == "answered"


def test_an_interrupt_ends_a_stream(client: httpx.Client) -> None:
    with client.stream("POST", "/stream", json={"question": "What is 2 + 3?"} | APPROVAL) as response:
        name, data = list(events(response))[-1]
    assert (name, data["status"], data["interrupt"]["review_configs"][0]["action_name"]) == (
        *("interrupt", "interrupted", "Calculator"),
    )


def test_a_thread_keeps_its_questions_apart(client: httpx.Client) -> None:
    thread = client.post("/ask", json={"question": "What is 1 + 1?"}).json()["thread"]
    client.post("/ask", json={"question": "What is 2 + 2?", "thread": thread})
    found = client.get(f"/threads/{thread}").json()
    assert [(asked["question"], asked["answer"], len(asked["steps"])) for asked in found["questions"]] == [
        ("What is 1 + 1?", "2", 3),
        ("What is 2 + 2?", "4", 3),
    ]
    assert not found["playing"]
    assert len(client.get(f"/threads/{thread}?last=1").json()["questions"]) == 1


def test_a_thread_is_free_as_soon_as_its_answer_is_there(client: httpx.Client) -> None:
    body = {"question": "What is 1 + 1?", "thread": "free"}
    for _ in range(10):
        with client.stream("POST", "/stream", json=body) as response:
            assert "end" in (name for name, _ in events(response))
            assert client.post("/ask", json=body).status_code == 200


def test_a_thread_is_forgotten(client: httpx.Client) -> None:
    thread = client.post("/ask", json={"question": "What is 1 + 1?"}).json()["thread"]
    assert client.delete(f"/threads/{thread}").status_code == 204
    assert client.get(f"/threads/{thread}").status_code == 404


def test_a_question_on_a_waiting_thread_is_refused(client: httpx.Client) -> None:
    answer = waiting(client)
    again = client.post("/ask", json={"question": "What is 1 + 1?", "thread": answer["thread"]})
    assert (again.status_code, "waits for a decision" in again.json()["detail"]) == (409, True)
    assert client.get(f"/threads/{answer['thread']}").json()["questions"][-1]["interrupt"]


@pytest.mark.parametrize("path", ["resume", "resume/stream"])
def test_what_waits_for_nothing_cannot_be_resumed(client: httpx.Client, path: str) -> None:
    thread = client.post("/ask", json={"question": "What is 1 + 1?"}).json()["thread"]
    assert client.post(f"/threads/{thread}/{path}", json=APPROVED).status_code == 409
    assert client.post(f"/threads/nobody/{path}", json=APPROVED).status_code == 404


def test_two_requests_at_once_on_a_thread_are_refused(serving: Callable[..., httpx.Client], door: Any) -> None:
    client = serving()
    body = {"question": "Wait, 2 + 3?", "thread": "mine"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/ask", json=body)
        assert door.reached.wait(10)
        second = client.post("/stream", json=body)
        assert (second.status_code, "is playing" in second.json()["detail"]) == (409, True)
        assert second.headers["retry-after"] == "1"
        assert client.delete("/threads/mine").status_code == 409
        door.opened.set()
        assert first.result(10).json()["status"] == "answered"


@pytest.mark.parametrize("path", ["/ask", "/stream"])
def test_who_hangs_up_stops_the_run_and_the_thread_goes_on_clean(
    serving: Callable[..., httpx.Client], door: Any, path: str
) -> None:
    client = serving()
    with pytest.raises(httpx.TimeoutException):
        client.post(path, json={"question": "Wait, 2 + 3?", "thread": "mine"}, timeout=0.5)
    assert door.reached.is_set()
    assert door.left.wait(10)
    assert not door.opened.is_set()
    body = {"question": "What is 1 + 1?", "thread": "mine"}
    while (response := client.post("/ask", json=body)).status_code == 409:
        time.sleep(0.01)
    answer = response.json()
    assert (answer["answer"], len(answer["steps"])) == ("2", 3)
    assert [asked["status"] for asked in client.get("/threads/mine").json()["questions"]] == ["error", "answered"]


def test_a_dead_model_is_an_error_and_no_answer(client: httpx.Client) -> None:
    response = client.post("/ask", json={"question": "Are you down?"})
    answer = response.json()
    assert (response.status_code, answer["status"], answer["answer"]) == (502, "error", "")
    assert "plan-1a2b: RuntimeError: no model is there" in answer["error"]
    with client.stream("POST", "/stream", json={"question": "Are you down?"}) as stream:
        name, data = list(events(stream))[-1]
    assert (name, data["status"]) == ("end", "error")


def test_metrics_count_questions_by_how_they_ended_and_tokens_by_role(client: httpx.Client) -> None:
    def counted(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    before = counted('autoact_questions_total{status="answered"}'), counted('autoact_calls_total{role="plan"}')
    client.post("/ask", json={"question": "What is 2 + 3?"})
    with client.stream("POST", "/stream", json={"question": "What is 2 + 4?"}) as response:
        response.read()
    assert counted('autoact_questions_total{status="answered"}') == before[0] + 2
    assert counted('autoact_calls_total{role="plan"}') == before[1] + 4
    assert counted("autoact_question_seconds_count") >= 2
