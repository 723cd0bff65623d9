"""A JSON service that fails in passing is asked again; every other failure is one line that says what to do."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable
from autoact.tools.service import Service, ask, key_of, unset

SOON = {"Retry-After": "0"}


def service(url: str, **changes: Any) -> Service:
    return Service("bazaar", url, key_variable="BAZAAR_KEY", **changes)


def in_turn(serve: Any, *answers: Any) -> Any:
    """A server that gives one answer after the other, and the last one for ever."""
    left = list(answers)
    return serve(lambda _: left.pop(0) if len(left) > 1 else left[0])


def test_an_answer_is_read_as_json(serve: Any, say: Any) -> None:
    assert ask(service(serve(lambda _: say({"a": [1]})).url)) == {"a": [1]}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_asked_again(serve: Any, say: Any, status: int) -> None:
    server = in_turn(serve, say(b"", status, SOON), say(b"", status, SOON), say({"a": 1}))
    assert ask(service(server.url)) == {"a": 1}
    assert len(server.asked) == 3


def test_after_three_attempts_it_is_enough(serve: Any, say: Any) -> None:
    server = in_turn(serve, say(b"", 503, SOON))
    with pytest.raises(ToolFailure, match=r"^bazaar answered 503\.$"):
        ask(service(server.url))
    assert len(server.asked) == 3


@pytest.mark.parametrize("headers", [{"Retry-After": "0.3"}, {"X-RateLimit-Reset": "0.3, 1419704"}])
def test_a_short_wait_that_is_asked_for_is_kept(serve: Any, say: Any, headers: dict[str, str]) -> None:
    server = in_turn(serve, say(b"", 429, headers), say({}))
    began = time.monotonic()
    assert ask(service(server.url)) == {}
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("wait", ["3600", formatdate(time.time() + 3600, usegmt=True)])
def test_a_long_wait_that_is_asked_for_is_not_kept(serve: Any, say: Any, wait: str) -> None:
    server = in_turn(serve, say(b"", 429, {"Retry-After": wait}), say({}))
    with pytest.raises(ToolFailure, match="quota or rate limit is spent"):
        ask(service(server.url))
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [402, 429, 432, 433])
def test_a_spent_quota_says_so(serve: Any, say: Any, status: int) -> None:
    body = {"detail": {"error": "This request exceeds your plan's set usage limit."}}
    server = serve(lambda _: say(body, status, {"Retry-After": "3600"}))
    with pytest.raises(
        ToolFailure, match=f"bazaar answered {status}, its quota or rate limit is spent.*exceeds your plan"
    ):
        ask(service(server.url))
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_names_the_variable_and_is_never_shown(
    serve: Any, say: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAZAAR_KEY", "very-secret")
    server = serve(lambda _: say({"error": "no user has very-secret"}, status))
    with pytest.raises(ToolFailure, match=r"does not let us in; see to BAZAAR_KEY.*no user has \[key\]"):
        ask(service(server.url))


def test_a_key_is_taken_out_whole_wherever_the_answer_is_cut(
    serve: Any, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAZAAR_KEY", "very-secret\n")
    server = serve(lambda _: say(b"x" * 195 + b"very-secret", 401))
    with pytest.raises(ToolFailure) as caught:
        ask(service(server.url))
    assert "very" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"\xff\xfe", b"[" * 200_000, b"nope"])
def test_what_is_no_json_is_a_failure(serve: Any, say: Any, body: bytes) -> None:
    with pytest.raises(ToolFailure, match="bazaar answered something that is not JSON"):
        ask(service(serve(lambda _: say(body)).url))


def test_a_page_of_html_is_not_shown_as_the_reason(serve: Any, say: Any) -> None:
    with pytest.raises(ToolFailure, match=r"^bazaar answered 404\.$"):
        ask(service(serve(lambda _: say(b"<html>Not here</html>", 404)).url))


def test_a_slow_service_is_asked_three_times(serve: Any, say: Any) -> None:
    server = serve(lambda _: say({}, after=0.3))
    with pytest.raises(ToolTimeout, match=r"bazaar: .* did not answer within 0\.1 s"):
        ask(service(server.url, seconds=0.1))
    assert len(server.asked) == 3


def test_a_service_that_is_down_is_unreachable(serve: Any, say: Any) -> None:
    server = serve(lambda _: say())
    server.close()
    with pytest.raises(ToolUnreachable, match="bazaar: "):
        ask(service(server.url))


def test_a_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAZAAR_KEY", " k ")
    assert key_of(service("http://x")) == "k"
    monkeypatch.delenv("BAZAAR_KEY")
    with pytest.raises(ToolFailure, match="bazaar needs a key; set BAZAAR_KEY in the environment"):
        key_of(service("http://x"))


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAZAAR_KEY", " k ")
    monkeypatch.setenv("BAZAAR_USER", " ")
    assert unset() == unset("BAZAAR_KEY") == ""
    assert unset("BAZAAR_KEY", "BAZAAR_USER") == "BAZAAR_USER in the environment"
