"""A scripted team that adds, and a real server for it on a loopback port."""

from __future__ import annotations

import asyncio
import runpy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, StructuredTool

from autoact.graph.context import Context
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel
from autoact.serve.app import app
from autoact.serve.server import bound, http_server, url_of
from autoact.serve.storage import check_database, saver_at
from autoact.serve.team import ServedTeam
from autoact.tools.library import build_tools

Serving = Callable[..., Any]


def plays(messages: list[BaseMessage]) -> str:
    """What the team says: "What is 2 + 3?" is computed and answered, "Wait, 2 + 3?" waits first."""
    shown, last = str(messages[1].text), str(messages[-1].text)
    asked = next(line for line in shown.splitlines() if line.startswith("Question: "))
    asked = asked.removeprefix("Question: ").rstrip("?")
    if "down" in asked:
        raise RuntimeError("no model is there")
    told = [str(m.text).removeprefix("Observation: ") for m in messages if str(m.text).startswith("Observation: ")]
    match last:
        case "Input for Finish:":
            return told[-1]
        case "Input for Calculator:" | "Input for Wait:":
            return asked.split(" ", 2)[-1] if asked.startswith("What is") else asked.removeprefix("Wait, ")
        case "Is this answer right?":
            return "Thought: It was computed.\nVerdict: right"
    if told:
        return "Thought: That is it.\nAction: Finish"
    thought = "I compute.\0\ud800" if "\0" in shown else "I compute."
    return f"Thought: {thought}\nAction: {'Wait' if asked.startswith('Wait') else 'Calculator'}"


@dataclass
class Door:
    """Where the tool Wait stands: `reached` once it was called, `left` once its call has ended in any way."""

    opened: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    def tool(self) -> BaseTool:
        async def wait(text: str) -> str:
            self.reached.set()
            try:
                while not self.opened.is_set():
                    await asyncio.sleep(0.002)
            finally:
                self.left.set()
            return text

        return StructuredTool.from_function(coroutine=wait, name="Wait", description="waits.")


def adders(door: Door, defaults: Context | None = None) -> ServedTeam:
    """The team."""
    models = {role: ScriptedChatModel(replies=plays, model_name=f"{role}-1a2b") for role in ("plan", "tool", "reflect")}
    tools = (*build_tools(("Calculator",), None), door.tool())
    return ServedTeam("Sums", Setup(models, "Add numbers.", tools, defaults or Context()))


@contextmanager
def served(team: ServedTeam, database: str, **options: Any) -> Iterator[httpx.Client]:
    """A client of a real server; a failed test does not wait for what hangs."""
    key = options.get("key", "")
    with bound("127.0.0.1", 0, key) as listener:
        check_database(database)
        server = http_server(app(team, partial(saver_at, database), **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            with httpx.Client(base_url=url_of(listener), headers=headers, timeout=20) as client:
                listener.listen()
                yield client
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def door() -> Iterator[Door]:
    """A door that is open once the test is over."""
    door = Door()
    yield door
    door.opened.set()


@pytest.fixture
def team_with(door: Door) -> Callable[[Context], ServedTeam]:
    """The team, with settings of its own."""
    return lambda defaults: adders(door, defaults)


@pytest.fixture
def serving(door: Door, tmp_path: Path) -> Iterator[Serving]:
    """Starts servers of the team behind the door."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(database: str = f"sqlite:///{tmp_path / 'threads.sqlite'}", **options: Any) -> httpx.Client:
            return stack.enter_context(served(adders(door), database, **options))

        yield start
        door.opened.set()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that a module's tests share."""
    with served(adders(Door()), f"sqlite:///{tmp_path_factory.mktemp('serve')}/threads.sqlite") as client:
        yield client


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base model and three adapters."""
    tiny = runpy.run_path(str(Path(__file__).parents[1] / "tiny_llama.py"))
    made: Path = tiny["make_home"](tmp_path_factory.mktemp("models"))
    return made
