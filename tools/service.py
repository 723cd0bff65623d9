"""Asking a JSON service: its key from the environment, a bounded number of retries, every error as one clear line.

    brave = Service("brave", "https://api.search.brave.com/res/v1/web/search", key_variable="BRAVE_API_KEY")
    ask(brave, params={"q": "Lima"}, headers={"X-Subscription-Token": key_of(brave)})

Asked again are 429, 5xx, timeouts and lost connections; a wait that the service asks for is kept if it is short.
"""

from __future__ import annotations

import json as json_text
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from autoact.tools.failures import ToolFailure, ToolTimeout, ToolUnreachable
from autoact.tools.network import SECONDS, Reply, fetch
from autoact.tools.pace import Pace

ATTEMPTS = 3
FIRST_WAIT = 0.5
LONGEST_WAIT = 5.0
# 402: payment required; 432 and 433: the two spending limits of Tavily.
QUOTA = (402, 429, 432, 433)
KEY = (401, 403)


@dataclass(frozen=True, slots=True)
class Service:
    """A JSON service at a URL; its name is what messages call it, `access` what lets us in beside a key."""

    name: str
    url: str
    key_variable: str = ""
    access: str = ""
    seconds: float = SECONDS
    pace: Pace = field(default_factory=lambda: Pace(0), compare=False)


def unset(*variables: str) -> str:
    """The first of the variables that the environment does not set, as `autoact tools` tells it; empty when none."""
    return next((f"{name} in the environment" for name in variables if not os.environ.get(name, "").strip()), "")


def key_of(service: Service) -> str:
    """The service's key. Raises ToolFailure when the environment has none."""
    key = os.environ.get(service.key_variable, "").strip()
    if not key:
        raise ToolFailure(f"{service.name} needs a key; set {service.key_variable} in the environment.")
    return key


def ask(
    service: Service,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
) -> Any:
    """The service's answer as JSON. Raises ToolFailure with what it said, after three attempts at most."""
    for attempt in range(1, ATTEMPTS + 1):
        last = attempt == ATTEMPTS
        wait = FIRST_WAIT * attempt
        service.pace.wait()
        try:
            reply = fetch(
                service.url, trusted=service.url, params=params, headers=headers, json=json, seconds=service.seconds
            )
        except (ToolTimeout, ToolUnreachable) as problem:
            if last:
                raise type(problem)(f"{service.name}: {problem}") from None
        else:
            if reply.status == 200:
                return _value(service, reply)
            wait = _asked_wait(reply, wait)
            if last or wait > LONGEST_WAIT or not (reply.status == 429 or reply.status >= 500):
                raise ToolFailure(_refusal(service, reply))
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def what_it_said(reply: Reply, key_variable: str, length: int) -> str:
    """The start of an answer as one line; the key is taken out before the cut, which could leave a part of it."""
    said = reply.body.decode("utf-8", "replace")
    key = os.environ.get(key_variable, "").strip()
    said = said.replace(key, "[key]") if key else said
    return " ".join(said.split())[:length]


def _value(service: Service, reply: Reply) -> Any:
    try:
        return json_text.loads(reply.body)
    except (ValueError, RecursionError):
        raise ToolFailure(f"{service.name} answered something that is not JSON.") from None


def _asked_wait(reply: Reply, otherwise: float) -> float:
    """Seconds that the service asks to wait; Brave has a list of limits in X-RateLimit-Reset, shortest first."""
    asked = reply.headers.get("retry-after") or reply.headers.get("x-ratelimit-reset", "").split(",")[0]
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return otherwise


def _refusal(service: Service, reply: Reply) -> str:
    """What happened and what to do, with what the service said but without its key."""
    start = f"{service.name} answered {reply.status}"
    if reply.status in QUOTA:
        start += ", its quota or rate limit is spent; wait, ask more slowly (per_second:), or raise the plan"
    elif reply.status in KEY:
        start += f", it does not let us in; see to {service.key_variable or service.access or 'its address'}"
    said = what_it_said(reply, service.key_variable, 200)
    return f"{start}: {said}" if said and not said.startswith("<") else f"{start}."
