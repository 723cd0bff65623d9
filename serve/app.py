"""The team over HTTP: a FastAPI app, whatever the team and wherever its threads are kept.

api = app(served_run(run), lambda: saver_at("sqlite:///threads.sqlite"), key="…")
uvicorn.run(api, host="127.0.0.1", port=8000)       # the page at /docs needs no network
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from langgraph.checkpoint.base import BaseCheckpointSaver
from starlette.routing import Route

from autoact.core.errors import UserError
from autoact.serve.gate import Gate
from autoact.serve.mcp import mcp_over_http
from autoact.serve.refusal import Refusal, line_of
from autoact.serve.routes import routes
from autoact.serve.runs import Runs
from autoact.serve.team import ServedTeam
from autoact.serve.threads import Threads

ABOUT = "Questions to a trained team of agents: plan, tool, reflect."

Saver = BaseCheckpointSaver[Any]


def app(
    team: ServedTeam,
    saver: Callable[[], AbstractAsyncContextManager[Saver]],
    *,
    key: str = "",
    max_in_flight: int = 256,
    max_body: int = 1 << 20,
) -> FastAPI:
    """The app; `saver` opens the database when the server starts, and closes it when it ends."""
    runs = Runs(max_in_flight)
    mcp = mcp_over_http(team, runs)

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with saver() as kept, mcp.run():
            api.state.threads = Threads(team, kept, runs)
            yield

    api = FastAPIOffline(
        redoc_url=None, title="AutoAct", description=ABOUT, version="1", lifespan=lifespan, max_body_size=max_body
    )
    api.state.runs = runs
    api.include_router(routes)
    api.router.routes.append(Route("/mcp", mcp.asgi_app))
    api.add_middleware(Gate, key=key)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(UserError, _refused)
    api.add_exception_handler(Exception, _failed)
    return api


def _refused(_: Request, problem: Exception) -> JSONResponse:
    """Bad input, in a line; a Refusal says which status it has."""
    status = problem.status if isinstance(problem, Refusal) else 422
    again = isinstance(problem, Refusal) and problem.again
    return JSONResponse({"detail": str(problem)}, status, {"Retry-After": "1"} if again else None)


def _invalid(_: Request, problem: Exception) -> JSONResponse:
    """A body or path that does not have the asked form."""
    assert isinstance(problem, RequestValidationError)
    return JSONResponse({"detail": line_of(problem.errors())}, 422)


def _failed(_: Request, __: Exception) -> JSONResponse:
    """Our own mistake, or the database's: the cause is the log's and not the caller's."""
    return JSONResponse({"detail": "the server failed; its log says how"}, 500)
