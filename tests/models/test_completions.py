"""What a server says is read whole, however it arrives, or is no reply at all."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.models.completions import Said, refusal, whole
from autoact.models.failures import ServerBusy, ServerError

NAMES = st.sampled_from(["choices", "message", "delta", "content", "usage"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
)
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def event(said: Any, spaces: str = " ") -> bytes:
    return f"data:{spaces}{json.dumps(said, ensure_ascii=False)}\r\n\r\n".encode()


def piece(text: str | None, **choice: Any) -> dict[str, Any]:
    return {"model": "plan-1", "choices": [{"index": 0, "delta": {"content": text}, **choice}]}


STREAM = b"".join(
    [
        b": a comment\n\nevent: message\n",
        event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]}),
        event(piece("Bass"), ""),
        event(piece("\u2028Röck 🙂\x85")),
        event(piece(None, finish_reason="length")),
        event({"choices": [], "usage": USAGE}),
        b"data: [DONE]\n\n",
    ]
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_says_the_same_wherever_it_is_cut_into_parts(cuts: list[int]) -> None:
    said, ends = Said("plan"), sorted([*cuts, len(STREAM)])
    heard = [piece for at, end in zip([0, *ends], ends, strict=False) for piece in said.hear(STREAM[at:end])]
    assert heard == ["Bass", "\u2028Röck 🙂\x85"]
    message = said.message()
    assert (message.text, message.response_metadata) == (
        "Bass\u2028Röck 🙂\x85",
        {"model_name": "plan-1", "finish_reason": "length"},
    )
    assert message.usage_metadata == {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def test_a_stream_may_end_with_a_reason_and_without_a_mark() -> None:
    said = Said("plan")
    assert list(said.hear(event(piece("Lima", finish_reason="stop")))) == ["Lima"]
    assert (said.message().text, said.message().usage_metadata) == ("Lima", None)


def test_a_stream_that_breaks_off_is_no_reply() -> None:
    said = Said("plan")
    assert list(said.hear(event(piece("Li")))) == ["Li"]
    with pytest.raises(ServerBusy, match="broke off"):
        said.message()


def test_a_whole_turn_without_a_name_or_usage_is_one() -> None:
    message = whole(json.dumps({"choices": [{"message": {"content": None}}]}).encode(), "plan")
    assert (message.text, message.usage_metadata) == ("", None)
    assert message.response_metadata == {"model_name": "plan", "finish_reason": "stop"}


@given(VALUES)
def test_whatever_else_it_says_is_the_servers_failure(said: Any) -> None:
    with suppress(ServerError):  # and no other error
        whole(json.dumps(said).encode(), "plan")
    with suppress(ServerError):
        list(Said("plan").hear(event(said)))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'{"error": {"message": "no such\\nmodel", "code": "x"}}', "HTTP 404: no such model"),
        (b'{"message": "no such model"}', "HTTP 404: no such model"),
        (b"<html>\nNot found", "HTTP 404: <html> Not found"),
        (b'{"error": "gone"}', 'HTTP 404: {"error": "gone"}'),
        (b"\xff", "HTTP 404: \ufffd"),
        (b"", "HTTP 404"),
    ],
)
def test_a_refusal_is_one_line(content: bytes, line: str) -> None:
    assert str(refusal(404, content)) == line
