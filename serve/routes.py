"""The routes: ask, stream, interrupt, resume; what was asked on a thread; who answers.

    POST /ask                        Ask → Answer            POST /stream                          Ask → events
    POST /threads/{thread}/resume    Decisions → Answer      POST /threads/{thread}/resume/stream  Decisions → events
    GET  /threads/{thread}           → Thread                GET  /team  /metrics  /health

Events are server-sent: start, token, action, observation, step, and last end (with the Answer), interrupt (with the
Answer that waits) or error. Who hangs up stops the run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer
from fastapi.sse import EventSourceResponse, ServerSentEvent

from autoact.serve.metrics import exposed
from autoact.serve.playing import Play
from autoact.serve.runs import until_hung_up
from autoact.serve.schema import THREAD, Answer, Ask, Decisions, Problem, TeamCard, Thread
from autoact.serve.threads import Threads

bearer = HTTPBearer(auto_error=False, description="The server's key, when it has one.")


async def threads_of(request: Request) -> Threads:
    """The app's threads."""
    threads: Threads = request.app.state.threads
    return threads


Named = Annotated[str, Path(pattern=THREAD, description="The thread's name.")]
AllThreads = Annotated[Threads, Depends(threads_of)]


async def asked(threads: AllThreads, body: Ask) -> AsyncIterator[Play]:
    """The question, its thread held until the response is sent."""
    async with threads.asked(body) as play:
        yield play


async def resumed(threads: AllThreads, thread: Named, body: Decisions) -> AsyncIterator[Play]:
    """What a thread waits for, decided; the thread is held until the response is sent."""
    async with threads.resumed(thread, body) as play:
        yield play


Asking = Annotated[Play, Depends(asked)]
Resuming = Annotated[Play, Depends(resumed)]

Responses = dict[int | str, dict[str, Any]]


def _refusals(**told: str) -> Responses:
    return {int(status[1:]): {"model": Problem, "description": text} for status, text in told.items()}


ALWAYS = _refusals(_401="no key", _403="a foreign Host header", _422="a bad field")
GONE = _refusals(_404="no such thread")
PLAYED = _refusals(_409="the thread is busy, or waits", _413="the body is too large", _503="too many at once")
FAILED: Responses = {502: {"model": Answer, "description": "a model failed, and there is no answer"}}
EVENTS: Responses = {200: {"description": "server-sent events: start, token, action, observation, step, end …"}}

routes = APIRouter(dependencies=[Depends(bearer)], responses=ALWAYS)


@routes.post("/ask", responses=PLAYED | FAILED)
async def ask(play: Asking, request: Request, response: Response) -> Answer:
    """Ask a question and wait for the answer, or for the interrupt that asks for a human's word."""
    return await _answer(play, request, response)


@routes.post("/stream", response_class=EventSourceResponse, responses=PLAYED | EVENTS)
async def stream(play: Asking) -> AsyncIterator[ServerSentEvent]:
    """Ask a question and follow it; hanging up stops it."""
    async for event in _events(play):
        yield event


@routes.post("/threads/{thread}/resume", responses=GONE | PLAYED | FAILED)
async def resume(play: Resuming, request: Request, response: Response) -> Answer:
    """Approve, edit or reject the call that a thread waits with, and wait for what comes of it."""
    return await _answer(play, request, response)


@routes.post("/threads/{thread}/resume/stream", response_class=EventSourceResponse, responses=GONE | PLAYED | EVENTS)
async def resume_stream(play: Resuming) -> AsyncIterator[ServerSentEvent]:
    """Approve, edit or reject the call that a thread waits with, and follow what comes of it."""
    async for event in _events(play):
        yield event


@routes.get("/threads/{thread}", responses=GONE)
async def look(
    threads: AllThreads,
    thread: Named,
    last: Annotated[int, Query(ge=1, le=100, description="How many questions at most.")] = 20,
) -> Thread:
    """What was asked on a thread, and how it stands."""
    return await threads.look(thread, last)


@routes.delete("/threads/{thread}", status_code=204, responses=GONE)
async def forget(threads: AllThreads, thread: Named) -> None:
    """Delete a thread and all that was asked on it."""
    await threads.forget(thread)


@routes.get("/team")
async def team(threads: AllThreads) -> TeamCard:
    """Who answers here, and what a question's settings may be."""
    return threads.team.card()


@routes.get("/health")
async def health() -> dict[Literal["status"], Literal["ok"]]:
    """Whether the server runs. It asks for no key."""
    return {"status": "ok"}


@routes.get("/metrics", response_class=PlainTextResponse)
async def metrics(threads: AllThreads) -> Response:
    """How the questions went and what they cost, as Prometheus reads it."""
    return exposed(threads.meter.registry)


async def _answer(play: Play, request: Request, response: Response) -> Answer:
    """The answer; a failed model is the server's failure and not an answer."""
    async with until_hung_up(request, play.run):
        answer = await play.answer()
    if answer.status == "error":
        response.status_code = 502
    return answer


async def _events(play: Play) -> AsyncIterator[ServerSentEvent]:
    async for name, data in play.events():
        yield ServerSentEvent(event=name, data=data)
