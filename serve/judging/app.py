"""The judging page: plain HTML forms, no script, nothing loaded from elsewhere.

api = app(sitting, key="")
http_server(api).run(sockets=[listener])

GET  /                     who judges: their progress; others are asked for a name
POST /name                 the name, kept in a cookie
GET  /questions/{number}   the trajectories of a question, and the form
POST /questions/{number}   the form; on to the next question
"""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from autoact.core.errors import UserError
from autoact.serve.gate import Gate
from autoact.serve.judging.pages import routes, shown
from autoact.serve.judging.sitting import Sitting
from autoact.serve.refusal import Refusal
from autoact.serve.runs import Runs

MAX_BODY = 1 << 16
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def app(sitting: Sitting, key: str) -> FastAPI:
    """The app of one poll; an empty key asks for none."""
    api = FastAPI(openapi_url=None, max_body_size=MAX_BODY)
    api.state.sitting = sitting
    api.state.secret = sitting.secret.encode()
    # Nothing is played here, but a server of ours stops what is when it ends.
    api.state.runs = Runs(1)
    api.include_router(routes)
    api.middleware("http")(_guarded)
    api.add_middleware(Gate, key=key)
    api.add_exception_handler(HTTPException, _unknown)
    api.add_exception_handler(UserError, _refused)
    return api


async def _guarded(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """What a page may do in a browser: show itself and send its own form."""
    response = await call_next(request)
    response.headers.update(HEADERS)
    return response


def _refused(_: Request, problem: Exception) -> Response:
    """What is not taken, in a line; a Refusal says which status it has."""
    return shown("message.html", problem.status if isinstance(problem, Refusal) else 500, line=str(problem))


def _unknown(_: Request, problem: Exception) -> Response:
    """A page that there is not, or a form that is none."""
    assert isinstance(problem, HTTPException)
    return shown("message.html", problem.status_code, line=problem.detail)
