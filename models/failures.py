"""What can go wrong between us and a model server, named in one place.

    with asking("openai:plan"):
        model.invoke(…)          # refused, wrong key, 500 → EndpointError with one line
    too_long(problem)            # the prompt must be shortened; asking again is of no use
    is_passing(problem)          # asking again may help
    is_down(problem)             # the server failed, and not this one request

The errors of a provider's client are known once its package is loaded. What such a client raises over an answer that
is none – a page, no JSON, an empty list – is known by where it was raised.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from tenacity import AsyncRetrying, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from autoact.core.errors import EndpointError, PromptTooLong
from autoact.core.text import line_of

ATTEMPTS = 4

FAMILIES = {
    "openai": ("APIError",),
    "anthropic": ("APIError",),
    "ollama": ("ResponseError",),
    "httpx": ("HTTPError",),
    "httpx2": ("HTTPError",),
}
STATUS = ("APIConnectionError", "RateLimitError", "InternalServerError")
TRANSPORT = ("TimeoutException", "NetworkError", "RemoteProtocolError", "ProxyError", "DecodingError")
PASSING = {
    "openai": STATUS,
    "anthropic": STATUS,
    # One type for all that its server answers; the status tells them apart.
    "ollama": ("ResponseError",),
    "httpx": TRANSPORT,
    "httpx2": TRANSPORT,
}

# Where every chat model of LangChain is called.
CALLED = "langchain_core.language_models.chat_models"

# The request was understood and not taken: another may well be.
REFUSED = (400, 413, 422)
MAY_PASS = (408, 429)

# What OpenAI, vLLM (the first three) and llama.cpp (its error's type) say; langchain-openai knows the first alone.
TOO_LONG = ("context_length_exceeded", "maximum context length", "maximum model length", "exceed_context")


class ServerError(EndpointError):
    """A server's refusal, or what it said that is no answer. `status_code` is HTTP's, `code` the server's own word."""

    def __init__(self, line: str, status_code: int | None = None, code: str = "") -> None:
        super().__init__(line)
        self.status_code = status_code
        self.code = code


class ServerBusy(ServerError):
    """One that may pass: 429, 5xx, a stream that was broken off."""


def is_passing(problem: BaseException) -> bool:
    """Whether asking again may help: a refused or dropped connection, silence, 429 and 5xx; never a wrong key."""
    status = getattr(problem, "status_code", None)
    lasting = isinstance(status, int) and 400 <= status < 500 and status not in MAY_PASS
    return isinstance(problem, (ServerBusy, *_known(PASSING))) and not lasting


def server_errors() -> tuple[type[Exception], ...]:
    """All errors of model servers and their clients, of the packages that are loaded."""
    return (ServerError, *_known(FAMILIES))


def too_long(problem: BaseException) -> bool:
    """Whether a model refused its prompt for not fitting its context window, in whichever words."""
    if isinstance(problem, PromptTooLong | ContextOverflowError):
        return True
    if getattr(problem, "status_code", None) != 400:
        return False
    said = " ".join(str(part) for part in (problem, getattr(problem, "code", ""), getattr(problem, "type", "")))
    return any(words in said.lower() for words in TOO_LONG)


def is_down(problem: BaseException) -> bool:
    """Whether a model's server failed, a wrong key or name among the causes, so that nothing follows for a question."""
    known = isinstance(problem, (EndpointError, *server_errors())) or _misread(problem)
    return known and getattr(problem, "status_code", None) not in REFUSED


AGAIN: dict[str, Any] = {
    "retry": retry_if_exception(is_passing),
    "stop": stop_after_attempt(ATTEMPTS),
    "wait": wait_exponential(multiplier=0.5),
    "reraise": True,
}


def patient(model: Runnable[LanguageModelInput, AIMessage]) -> Runnable[LanguageModelInput, AIMessage]:
    """The model, asked up to four times when it fails in passing; graphs have LangGraph's RetryPolicy for this."""

    def ask(given: LanguageModelInput, config: RunnableConfig) -> AIMessage:
        return Retrying(**AGAIN)(model.invoke, given, config)

    async def aask(given: LanguageModelInput, config: RunnableConfig) -> AIMessage:
        return await AsyncRetrying(**AGAIN)(model.ainvoke, given, config)

    return RunnableLambda(ask, aask)


@contextmanager
def asking(model: str) -> Iterator[None]:
    """Turns a server's error into an EndpointError that names the model and says what to do."""
    try:
        yield
    except Exception as problem:
        if not (isinstance(problem, server_errors()) or _misread(problem)):
            raise
        raise EndpointError(
            f"the model {model} does not answer ({type(problem).__name__}: {line_of(problem)}); "
            "see to the server and its key, then run the same command again"
        ) from problem


def _misread(problem: BaseException) -> bool:
    """Whether a provider's client stumbled over its server's answer: no JSON, a page of HTML, an empty list.

    Each client raises another of Python's own errors then; that it was raised below a chat model's call, and not in
    a model of ours, tells it from our own mistakes.
    """
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(problem.__traceback__)]
    below = modules[modules.index(CALLED) :] if CALLED in modules else []
    return bool(below) and not any(module.startswith("autoact.") for module in below)


def _known(names: Mapping[str, Sequence[str]]) -> tuple[type[Exception], ...]:
    loaded = [getattr(sys.modules.get(package), name, None) for package, kinds in names.items() for name in kinds]
    return (ConnectionError, TimeoutError, *(kind for kind in loaded if kind is not None))
