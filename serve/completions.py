"""The in-process engine as an OpenAI-compatible server: the base and every adapter, by the names of their folders.

    api = completions_app(models, key="…")          # name → LocalChatModel
    http_server(api).run(sockets=[listener])

    curl localhost:8001/v1/chat/completions --json '{"model": "plan-3fa9c1d2e4b5", "messages": […]}'

Errors have OpenAI's form and status: 400 (a prompt that does not fit: context_length_exceeded), 401, 403, 404, 405,
413, 429, 500, and 503 once the engine has ended.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from starlette.exceptions import HTTPException

from autoact.core.errors import AutoActError, ModelError, PromptTooLong
from autoact.models.chat_format import as_chat, to_ids
from autoact.models.engine import Engine, EngineClosed
from autoact.models.local import LocalChatModel
from autoact.serve.bodies import BodyLimit
from autoact.serve.completions_schema import ChatRequest
from autoact.serve.gate import Gate
from autoact.serve.metrics import engine_metrics, exposed
from autoact.serve.refusal import Refusal, line_of
from autoact.serve.runs import Run, Runs, until_hung_up

Answering = Runnable[Any, AIMessage]
# Characters that are tokenised in milliseconds.
SHORT = 50_000
routes = APIRouter()


async def one_run(request: Request) -> AsyncIterator[Run]:
    """A place among those in flight, kept until the response is sent."""
    async with request.app.state.runs.one() as run:
        yield run


InFlight = Annotated[Run, Depends(one_run)]


def completions_app(
    models: Mapping[str, LocalChatModel], *, key: str = "", max_in_flight: int = 256, max_body: int = 1 << 23
) -> FastAPI:
    """The app over models that share one engine."""
    api = FastAPI(title="AutoAct engine", docs_url=None, redoc_url=None)
    api.state.models = dict(models)
    api.state.runs = Runs(max_in_flight, "requests", full=429)
    api.state.measuring = asyncio.Lock()
    api.state.metrics = engine_metrics(engine_of(models))
    api.include_router(routes)
    api.add_middleware(BodyLimit, most=max_body)
    api.add_middleware(Gate, key=key, form=_error)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _unread)
    api.add_exception_handler(AutoActError, _refused)
    api.add_exception_handler(Exception, _failed)
    return api


def engine_of(models: Mapping[str, LocalChatModel]) -> Engine:
    """The engine that all of them share."""
    return next(iter(models.values())).engine


@routes.get("/v1/models")
async def listed(request: Request) -> dict[str, Any]:
    """The names that `model` may have."""
    made = {"object": "model", "created": 0, "owned_by": "autoact"}
    return {"object": "list", "data": [{"id": name, **made} for name in request.app.state.models]}


@routes.post("/v1/chat/completions")
async def complete(body: ChatRequest, request: Request, run: InFlight) -> Response:
    """The next turn of a conversation, whole or in pieces; hanging up frees its row in the engine."""
    model = _asked(body, request)
    messages = [turn.message() for turn in body.messages]
    await _require_room(body, request, messages)
    about = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": body.model}
    if body.stream:
        pieces = run.followed(model.astream(messages))
        async with until_hung_up(request, run):
            first = await anext(pieces)  # what is refused is refused before a stream begins
        told = bool(body.stream_options and body.stream_options.include_usage)
        return StreamingResponse(_events(first, pieces, about, told), media_type="text/event-stream")
    async with until_hung_up(request, run):
        said = await run.finished(model.ainvoke(messages))
    return JSONResponse({**about, "object": "chat.completion", "choices": [_choice(said)], "usage": _usage(said)})


@routes.get("/health")
async def health(request: Request) -> dict[str, str]:
    """Whether the server runs and its engine with it. It asks for no key."""
    if not engine_of(request.app.state.models).alive:
        raise EngineClosed("the engine has ended; start the server again")
    return {"status": "ok"}


@routes.get("/metrics")
async def metrics(request: Request) -> Response:
    """What the engine has computed and for whom, as Prometheus reads it."""
    return exposed(request.app.state.metrics)


def _asked(body: ChatRequest, request: Request) -> Answering:
    models: dict[str, LocalChatModel] = request.app.state.models
    if body.model not in models:
        raise Refusal(404, f"the model {body.model!r:.80} does not exist; there are {', '.join(models)}")
    return models[body.model].bind(**body.settings())


async def _require_room(body: ChatRequest, request: Request, messages: Sequence[BaseMessage]) -> None:
    """Raises PromptTooLong for megabytes of text, measured in a thread while the server goes on answering."""
    if sum(len(message.text) for message in messages) <= SHORT:
        return
    model: LocalChatModel = request.app.state.models[body.model]
    engine, most = model.engine, body.settings().get("max_tokens", model.max_tokens)

    def measure() -> None:
        longest = max(map(len, engine.tokenizer.get_vocab()))
        engine.require_room(sum(len(message.text) for message in messages) // longest, most)
        engine.require_room(len(to_ids(engine.tokenizer, as_chat(messages), generate=True)), most)

    async with request.app.state.measuring:
        await asyncio.to_thread(measure)


async def _events(first: Any, rest: AsyncIterator[Any], about: dict[str, Any], usage: bool) -> AsyncIterator[bytes]:
    whole = first
    try:
        yield _event(about, {"role": "assistant", "content": str(first.text)})
        async for piece in rest:
            whole = whole + piece
            yield _event(about, {"content": str(piece.text)})
        yield _event(about, {}, whole.response_metadata["finish_reason"])
        if usage:
            yield _line({**about, "object": "chat.completion.chunk", "choices": [], "usage": _usage(whole)})
    except Exception as problem:  # the status is sent: only the stream itself can say that it is cut
        yield _line(_error(500, f"the engine failed: {type(problem).__name__}"))
    yield b"data: [DONE]\n\n"


def _event(about: dict[str, Any], delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _line({**about, "object": "chat.completion.chunk", "choices": [choice]})


def _line(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _choice(said: AIMessage) -> dict[str, Any]:
    message = {"role": "assistant", "content": str(said.text)}
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": said.response_metadata["finish_reason"]}


def _usage(said: AIMessage) -> dict[str, int]:
    spent = said.usage_metadata or {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    read, wrote = spent["input_tokens"], spent["output_tokens"]
    return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


def _error(status: int, line: str, code: str | None = None) -> dict[str, Any]:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": line, "type": kind, "param": None, "code": code or str(status)}}


def _refused(_: Request, problem: Exception) -> JSONResponse:
    """Bad input, or an engine that has ended, in a line."""
    if isinstance(problem, PromptTooLong):
        return JSONResponse(_error(400, str(problem), "context_length_exceeded"), 400)
    if isinstance(problem, Refusal):
        wait = {"Retry-After": "1"} if problem.again else {}
        return JSONResponse(_error(problem.status, str(problem)), problem.status, wait)
    status = 503 if isinstance(problem, EngineClosed) else 400 if isinstance(problem, ModelError) else 500
    return JSONResponse(_error(status, str(problem)), status)


def _invalid(_: Request, problem: Exception) -> JSONResponse:
    """A body that does not have the asked form."""
    assert isinstance(problem, RequestValidationError)
    return JSONResponse(_error(400, line_of(problem.errors())), 400)


def _unread(request: Request, problem: Exception) -> JSONResponse:
    """What reaches no route: a path or method that is not there, a body that is too large or no text."""
    assert isinstance(problem, HTTPException)
    line = line_of([{"type": "json_invalid"}]) if problem.status_code == 400 else problem.detail
    if problem.status_code in (404, 405):
        line = f"there is no {request.method} {request.url.path!r:.80}; ask for POST /v1/chat/completions"
    return JSONResponse(_error(problem.status_code, line), problem.status_code, problem.headers)


def _failed(_: Request, __: Exception) -> JSONResponse:
    """Our own mistake: the cause is the log's and not the caller's."""
    return JSONResponse(_error(500, "the engine failed; its log says how"), 500)
