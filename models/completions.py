"""What an OpenAI-compatible server says to a chat request, read: a whole turn, a stream of pieces, or a refusal.

    message = whole(content, "plan")         # AIMessage, with its usage if it was told
    said = Said("plan")
    for data in response.iter_bytes():
        for piece in said.hear(data):        # "Bass", " Rock"
            …
    said.message()                           # the same AIMessage
    raise refusal(429, content)

What is none of these – a page, no JSON, an empty list, a stream that was cut – is a ServerError, never a reply.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

from autoact.core.text import line_of
from autoact.models.failures import ServerBusy, ServerError

DATA = b"data:"
DONE = b"[DONE]"


def whole(content: bytes, model: str) -> AIMessage:
    """A turn that came in one piece; `model` names its writer where the server does not. Raises ServerError."""
    try:
        said = json.loads(content)
        choice = said["choices"][0]
        return _message(_text(choice["message"]), said, choice, model)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ServerError(f"what it said is no completion: {line_of(content.decode(errors='replace'))}") from None


def refusal(status: int, content: bytes) -> ServerError:
    """The error that a status of 400 or more is."""
    told = content.decode(errors="replace")
    try:
        said = json.loads(content)
        error = said.get("error", said)
        line, code = str(error["message"]), f"{error.get('code')} {error.get('type')}"
    except (ValueError, LookupError, TypeError, AttributeError):
        line, code = told, ""
    kind = ServerBusy if status == 429 or status >= 500 else ServerError
    return kind(f"HTTP {status}: {line_of(line)}" if line.strip() else f"HTTP {status}", status, code)


class Said:
    """A stream as far as it was heard."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._rest = b""
        self._pieces: list[str] = []
        self._told: dict[str, Any] = {}
        self._choice: dict[str, Any] = {}
        self._done = False

    def hear(self, data: bytes) -> Iterator[str]:
        """The pieces of text in some more of its bytes. Raises ServerError on what is no event of a completion."""
        # Not by lines of text: JSON may hold line separators that are none here.
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            event = line.strip().removeprefix(DATA).strip() if line.startswith(DATA) else b""
            if event == DONE:
                self._done = True
            elif event and (piece := self._piece(event)):
                self._pieces.append(piece)
                yield piece

    def message(self) -> AIMessage:
        """The whole turn. Raises ServerBusy when the stream ended before the turn did."""
        if not self._done and not self._choice.get("finish_reason"):
            raise ServerBusy("it broke off its stream")
        return _message("".join(self._pieces), self._told, self._choice, self._model)

    def _piece(self, event: bytes) -> str:
        try:
            said = json.loads(event)
            _usage(said)
            self._told |= {name: value for name, value in said.items() if value is not None}
            if not said["choices"]:
                return ""
            self._choice |= {name: value for name, value in said["choices"][0].items() if value is not None}
            return _text(said["choices"][0].get("delta") or {})
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ServerError(f"what it streams is no completion: {line_of(event.decode(errors='replace'))}") from None


def _text(message: Mapping[str, Any]) -> str:
    text = message.get("content")
    if not isinstance(text, str | None):
        raise TypeError(f"{text!r:.40} is no text")
    return text or ""


def _message(text: str, said: Mapping[str, Any], choice: Mapping[str, Any], model: str) -> AIMessage:
    about = {"model_name": said.get("model") or model, "finish_reason": choice.get("finish_reason") or "stop"}
    return AIMessage(text, usage_metadata=_usage(said), response_metadata=about)


def _usage(said: Mapping[str, Any]) -> UsageMetadata | None:
    spent = said.get("usage")
    if spent is None:
        return None
    read, wrote = spent["prompt_tokens"], spent["completion_tokens"]
    if not isinstance(read, int) or not isinstance(wrote, int):
        raise TypeError(f"{read!r:.40} and {wrote!r:.40} are no numbers of tokens")
    return UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)
