"""The pages and their forms. A judge is a name in a cookie, beside a random nonce; a form is signed for both.

A page of another site can send a form here, but not with the cookie, and not under this server's own origin.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autoact.core.records import FINISH
from autoact.core.text import storable
from autoact.prompts.judging import ASPECTS
from autoact.serve.judging.sitting import Sitting
from autoact.serve.refusal import Refusal

COOKIE = "autoact_judge"
COOKIE_SECONDS = 30 * 24 * 3600
LONGEST_NAME = 60
UNNAMED = f"give a name of 1 to {LONGEST_NAME} letters"
NONE = "none"
# Zero-width joiners, which several scripts write with.
JOINERS = re.compile("(?<=\\S)[\u200c\u200d](?=\\w)")

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals |= {"ASPECTS": ASPECTS, "FINISH": FINISH, "NONE": NONE, "LONGEST_NAME": LONGEST_NAME}

routes = APIRouter()


def sitting_of(request: Request) -> Sitting:
    """The app's sitting."""
    sitting: Sitting = request.app.state.sitting
    return sitting


def judge_of(request: Request) -> str:
    """The judge's name, or nothing."""
    return named(unquote(request.cookies.get(COOKIE, "").partition(".")[2]))


def nonce_of(request: Request) -> str:
    """What this browser was given to tell its forms from those of others, or nothing."""
    return request.cookies.get(COOKIE, "").partition(".")[0]


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form. Raises Refusal unless it is one that this judge was shown."""
    try:
        form = await request.form(max_files=0)
    except ValueError as problem:  # of a codec that is no charset
        raise Refusal(400, "this form cannot be read") from problem
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    own, nonce = f"{request.url.scheme}://{request.headers.get('host')}", nonce_of(request)
    signed = signature(request, nonce, judge_of(request))
    if (
        request.headers.get("origin", own) != own
        or not nonce
        or not hmac.compare_digest(fields.get("signature", "").encode(errors="replace"), signed.encode())
    ):
        raise Refusal(403, "this form is out of date, or not from here; go back to the start and open it again")
    return fields


def a_case(number: str, sitting: Annotated[Sitting, Depends(sitting_of)]) -> int:
    """The number of a question. Raises Refusal when there is no such question."""
    numbers = {str(known): known for known in range(1, len(sitting.cases) + 1)}
    if number not in numbers:
        raise Refusal(404, "there is no such question")
    return numbers[number]


Here = Annotated[Sitting, Depends(sitting_of)]
Judge = Annotated[str, Depends(judge_of)]
Fields = Annotated[dict[str, str], Depends(sent)]
Number = Annotated[int, Depends(a_case)]


@routes.get("/")
def start(request: Request, sitting: Here, judge: Judge) -> Response:
    """Where the judge stands."""
    if not judge:
        return _name_form(request, judge)
    progress = sitting.progress(identity(judge))
    return shown("progress.html", judge=judge, progress=progress, total=len(sitting.cases))


@routes.get("/name")
def another_name(request: Request, judge: Judge) -> Response:
    """The form for the name."""
    return _name_form(request, judge)


@routes.post("/name")
def name(request: Request, judge: Judge, fields: Fields) -> Response:
    """Who judges from now on in this browser."""
    new = named(fields.get("name", ""))
    if not new:
        return _name_form(request, judge, UNNAMED, 422)
    response = RedirectResponse("/", 303)
    _remember(response, secrets.token_hex(16), new)
    return response


@routes.get("/questions/{number}")
def question(request: Request, sitting: Here, judge: Judge, number: Number) -> Response:
    """The trajectories, and the form with what this judge has chosen before."""
    if not judge:
        return RedirectResponse("/", 303)
    if number in sitting.progress(identity(judge)).closed:
        return RedirectResponse("/", 303)
    return _form(request, sitting, judge, number, sitting.choices(identity(judge), number))


@routes.post("/questions/{number}")
def judged(request: Request, sitting: Here, judge: Judge, number: Number, fields: Fields) -> Response:
    """Keep a judgement, whole or not at all."""
    if not judge:
        return RedirectResponse("/", 303)
    letters = {NONE: "", **{letter: letter for letter in sitting.shown(identity(judge), number)}}
    chosen = {aspect.id: fields.get(aspect.id, "") for aspect in ASPECTS}
    choices = {aspect: letters[value] for aspect, value in chosen.items() if value in letters}
    if len(choices) < len(ASPECTS):
        return _form(request, sitting, judge, number, choices, "Choose in each of the five respects.", 422)
    if not sitting.cast(identity(judge), number, choices):
        raise Refusal(409, "others have closed this question meanwhile, and your judgement of it does not count")
    onward = sitting.progress(identity(judge)).next
    return RedirectResponse(f"/questions/{onward}" if onward else "/", 303)


def _form(
    request: Request,
    sitting: Sitting,
    judge: str,
    number: int,
    choices: Mapping[str, str],
    line: str = "",
    status: int = 200,
) -> Response:
    case = sitting.case(number)
    return shown(
        "question.html",
        status,
        judge=judge,
        number=number,
        total=len(sitting.cases),
        question=case.question,
        trajectories={letter: case.steps[method] for letter, method in sitting.shown(identity(judge), number).items()},
        choices={aspect: letter or NONE for aspect, letter in choices.items()},
        line=line,
        signature=signature(request, nonce_of(request), judge),
    )


def _name_form(request: Request, judge: str, line: str = "", status: int = 200) -> Response:
    nonce = nonce_of(request) or secrets.token_hex(16)
    response = shown("name.html", status, judge=judge, line=line, signature=signature(request, nonce, judge))
    _remember(response, nonce, judge)
    return response


def _remember(response: Response, nonce: str, judge: str) -> None:
    cookie = f"{nonce}.{quote(judge, safe='')}"
    response.set_cookie(COOKIE, cookie, COOKIE_SECONDS, httponly=True, samesite="strict")


def shown(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page."""
    return HTMLResponse(storable(templates.get_template(template).render(values)), status)


def named(text: str) -> str:
    """A name in one line, or nothing when it cannot be one."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    return name if len(name) <= LONGEST_NAME and JOINERS.sub("", name).isprintable() else ""


def identity(judge: str) -> str:
    """Who a name is, however it is written."""
    return JOINERS.sub("", judge).casefold()


def signature(request: Request, nonce: str, judge: str) -> str:
    """What only a page of ours can hold for this browser and judge."""
    secret: bytes = request.app.state.secret
    return hmac.new(secret, f"{nonce}.{judge}".encode(), hashlib.sha256).hexdigest()
