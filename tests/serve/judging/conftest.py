"""An evaluation on disk whose methods say their names, so that a page which tells them is caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest

from autoact.core.records import QAPair, Reward, Scored, Step, Trajectory
from autoact.core.store import Store
from autoact.serve.judging.app import app
from autoact.serve.judging.cases import drawn_poll, load_cases
from autoact.serve.judging.sitting import Sitting
from autoact.serve.judging.votes import Votes
from autoact.serve.server import bound, http_server, url_of

METHODS = ("autoact", "react", "zero-shot")
COUNTRIES = ("peru", "cuba", "chad", "mali")
# What tells a method apart on the page: how many rounds it took.
ROUNDS = dict(zip(METHODS, (1, 2, 3), strict=True))


def played(method: str, country: str, epoch: int = 0) -> Scored:
    """A trajectory that opens pages and answers, with a reflection in its middle and at its end."""
    wrote = {"plan": f"plan-of-{method}"}
    opened = Step("I read on.", "Retrieve", country, f"A page on {country} & others.\ud800", wrote=wrote)
    answer = Step(f"I know <b>{country}</b>.", "Finish", "an answer", wrote=wrote)
    verdict = Step("The verdict on it.", "Reflect", "right", wrote=wrote)
    steps = (*[opened] * (ROUNDS[method] - 1), verdict, answer, verdict)
    trajectory = Trajectory(f"{country}/{epoch}", country, steps, "an answer", "answered")
    return Scored(trajectory, Reward(1.0, True))


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """An evaluation of three methods on four questions."""
    folder = tmp_path / "run" / "eval" / "toy-1a2b"
    pairs = [QAPair(name, f"What is the capital of {name}?", f"gold of {name}", ("x", "y")) for name in COUNTRIES]
    Store(folder / "questions.jsonl", QAPair).append(*pairs)
    for method in METHODS:
        Store(folder / f"{method}.jsonl", Scored).append(*(played(method, name) for name in COUNTRIES))
    return folder


@pytest.fixture
def sitting(trial: Path) -> Sitting:
    """A poll of three judges on all of it."""
    votes = Votes(trial / "judging.sqlite")
    votes.begin(poll := drawn_poll(trial, METHODS, None, judges=3, seed=7))
    return Sitting(poll, load_cases(trial, poll), votes)


@contextmanager
def served(sitting: Sitting, key: str = "") -> Iterator[str]:
    """The address of a real server of the page."""
    with bound("127.0.0.1", 0, key) as listener:
        server = http_server(app(sitting, key))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            listener.listen()
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[str]]:
    """Starts servers of a sitting."""
    return served


@pytest.fixture
def address(sitting: Sitting) -> Iterator[str]:
    """Where the page is."""
    with served(sitting) as url:
        yield url


@pytest.fixture
def browser(address: str) -> Iterator[Callable[[], httpx.Client]]:
    """Makes clients that know nothing of each other's cookies."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(httpx.Client(base_url=address, follow_redirects=True, timeout=20))
