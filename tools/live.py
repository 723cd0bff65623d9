"""Tools that go to the network: one flight per input, answers shared by all questions, recorded and replayed.

    live = Live(cassette, offline=False)
    tool = live.wrap(tool, "brave https://api.search.brave.com/…", settings)

    first ask   cache → (someone already asks? wait for that) → the tool → the cassette
    offline     cache → the cassette; what is not in it is a failure that says so

The wrapped tool reads the same to a model. Failures (quota, timeout) are neither cached nor recorded. Each tool has
threads of its own, so that one that hangs leaves the others theirs.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel

from autoact.tools.answers import Answers
from autoact.tools.cassette import Answer, Call, Cassette
from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.memory import memory_of, shown
from autoact.tools.pace import Paced
from autoact.tools.threads import Threads, in_thread

CACHED = 1024
CACHED_BYTES = 64_000_000
# Seconds for which a flight is waited for: the longest time limit that a tool may be set to, and a margin.
LONGEST = 630.0
# Of the state only what came with the question's image changes what a tool answers beside its input.
STATE_IN_KEY = ("image", "caption", "ocr")
# Settings that no recorded answer depends on: how patiently is asked and who asks. All others are part of its key.
NOT_IN_KEY = frozenset({"timeout", "per_second", "contact", "key_variable", "password_variable"})
Content = Callable[[Mapping[str, Any]], str]
Apart = Callable[[Callable[[], None]], Awaitable[None]]


class Live:
    """The answers of live tools, each asked for once."""

    def __init__(self, cassette: Cassette | None = None, offline: bool = False, longest: float = LONGEST) -> None:
        self.cassette = cassette
        self.offline = offline
        self._longest = longest
        self._lock = threading.Lock()
        self._answers = Answers(CACHED, CACHED_BYTES)
        self._flights: dict[str, Future[Answer]] = {}

    def answer(self, call: Call, ask: Callable[[], Answer]) -> Answer:
        """The answer to a call: from the cache, from another thread that asks the same, or by asking."""
        flight, mine = self._flight(call)
        if mine:
            self._fly(flight, call, ask)
        try:
            return flight.result(self._longest)
        except TimeoutError:
            raise self._given_up(flight, call) from None

    async def aanswer(self, call: Call, ask: Callable[[], Answer], apart: Apart = in_thread) -> Answer:
        """The same in an event loop: only who asks holds a thread (`apart`), and whoever waits for it holds none."""
        flight, mine = self._flight(call)
        begun = threading.Event()

        def fly() -> None:
            begun.set()
            self._fly(flight, call, ask)

        try:
            if mine:
                await apart(fly)
            return await asyncio.wait_for(asyncio.wrap_future(flight), self._longest)
        except TimeoutError:
            raise self._given_up(flight, call) from None
        finally:
            if mine and not begun.is_set():  # cancelled before a thread was free: nobody else will ask
                self._given_up(flight, call)

    def _flight(self, call: Call) -> tuple[Future[Answer], bool]:
        """Where the answer to a call arrives, and whether it is the caller's to ask for it."""
        with self._lock:
            flight = self._flights.get(call.key)
            if flight is not None:
                return flight, False
            flight = Future()
            flight.set_running_or_notify_cancel()  # one who no longer waits must not cancel it for the others
            if (known := self._answers.find(call.key)) is not None:
                flight.set_result(known)
                return flight, False
            self._flights[call.key] = flight
            return flight, True

    def _fly(self, flight: Future[Answer], call: Call, ask: Callable[[], Answer]) -> None:
        try:
            self._land(flight, call, self._asked(call, ask))
        except BaseException as problem:  # whatever it is, it belongs to those who wait
            self._land(flight, call, problem)

    def _land(self, flight: Future[Answer], call: Call, outcome: Answer | BaseException) -> None:
        """End a flight, once; an answer that comes after all is remembered."""
        with self._lock:
            if self._flights.get(call.key) is flight:
                del self._flights[call.key]
            if isinstance(outcome, Answer):
                self._answers.keep(call.key, outcome)
            if flight.done():
                return
            if isinstance(outcome, Answer):
                flight.set_result(outcome)
            else:
                flight.set_exception(outcome)

    def _given_up(self, flight: Future[Answer], call: Call) -> BaseException:
        """End a flight that takes too long, for all who wait for it; what it ended with."""
        self._land(flight, call, ToolTimeout(f"{call.tool} took too long."))
        return flight.exception() or ToolTimeout(f"{call.tool} took too long.")

    def _asked(self, call: Call, ask: Callable[[], Answer]) -> Answer:
        if self.offline:
            recorded = None if self.cassette is None else self.cassette.find(call)
            if recorded is None:
                raise ToolFailure(f"{call.tool} has no recorded answer to this, and offline: true refuses the network.")
            return recorded
        answer = ask()
        if self.cassette is not None:
            self.cassette.keep(call, answer)
        return answer

    def wrap(self, tool: BaseTool, backend: str, settings: BaseModel, content: Content | None = None) -> BaseTool:
        """The tool, asked through here; `content` is a hash of the file that an input means."""
        backend, threads, injected = keyed(backend, settings), Threads(), _is_injected(tool)
        pace = settings.pace if isinstance(settings, Paced) and not self.offline else None

        def call(inputs: dict[str, Any]) -> Call:
            return Call(tool.name, backend, _key(inputs, injected, content(inputs) if content else ""))

        async def apart(fly: Callable[[], None]) -> None:
            if pace:
                await pace.ahead()
                fly = pace.counted(fly)
            await threads.run(fly)

        def run(**inputs: Any) -> tuple[str, Any]:
            return said(self.answer(call(inputs), partial(asked, tool, inputs)))

        async def arun(**inputs: Any) -> tuple[str, Any]:
            called = await threads.run(call, inputs=inputs) if content else call(inputs)
            return said(await self.aanswer(called, partial(asked, tool, inputs), apart))

        return around(tool, run, arun)


def keyed(backend: str, settings: BaseModel) -> str:
    """A backend, told apart by every setting that an answer may depend on; as a hash, since one may be secret."""
    kept = sorted(settings.model_dump(exclude=set(NOT_IN_KEY)).items())
    return f"{backend} {hashlib.sha256(json.dumps(kept, default=str).encode()).hexdigest()[:12]}"


def around(tool: BaseTool, run: Callable[..., tuple[str, Any]], arun: Callable[..., Any]) -> BaseTool:
    """A tool that looks like another one to a model, and does as these functions do."""
    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.args_schema or tool.get_input_schema(),
        func=run,
        coroutine=arun,
        metadata=tool.metadata,
        response_format="content_and_artifact",
    )


def asked(tool: BaseTool, inputs: dict[str, Any]) -> Answer:
    """What a tool answers, one that is async only included. Raises ToolFailure for whatever breaks inside it."""
    call = {"type": "tool_call", "id": "live", "name": tool.name, "args": inputs}
    quiet: Any = {"callbacks": []}  # the call is counted once, by the tool around this one
    try:
        try:
            message = tool.invoke(call, quiet)
        except NotImplementedError:
            message = asyncio.run(tool.ainvoke(call, quiet))
    except (ToolFailure, GraphBubbleUp):  # the latter is an interrupt of the graph
        raise
    except ToolException as problem:
        return Answer(shown(str(problem)), ok=False)
    except TimeoutError as problem:
        raise ToolTimeout(shown(f"{tool.name} took too long: {problem}")) from None
    except Exception as problem:  # a tool that is not ours may raise anything when its backend fails
        raise ToolFailure(shown(f"{tool.name} failed: {type(problem).__name__}: {problem}")) from problem
    return _answer(message)


def _answer(message: ToolMessage) -> Answer:
    memory, raw = memory_of(message.artifact), message.artifact
    if memory is not None or (isinstance(raw, dict) and raw.keys() == {"memory", "raw"}):
        raw = raw.get("raw")
    return Answer(shown(str(message.text)), {"memory": memory, "raw": _json(raw)}, message.status != "error")


def said(answer: Answer) -> tuple[str, Any]:
    """Content and artifact of an answer. Raises ToolException when it is none."""
    if not answer.ok:
        raise ToolException(answer.text)
    return answer.text, answer.artifact


def _is_injected(tool: BaseTool) -> bool:
    """Whether the graph puts the state into a tool of the library; what others read in it nobody knows."""
    ours = str(getattr(getattr(tool, "func", None), "__module__", "")).startswith("autoact.tools.")
    return ours and "state" not in tool.args


def _key(inputs: dict[str, Any], injected: bool, content: str) -> str:
    """The inputs as JSON; of a state that the graph puts into a tool of ours, only what changes its answer."""
    state = inputs.get("state")
    if injected and isinstance(state, dict):
        inputs = inputs | {"state": {name: state.get(name, "") for name in STATE_IN_KEY}}
    return f"{json.dumps(inputs, sort_keys=True, default=str)} {content}".rstrip()


def _json(value: Any) -> Any:
    """The value if it is JSON, or nothing."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return None
