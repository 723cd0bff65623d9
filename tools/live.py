"""Tools that go to the network: one flight per input, answers shared by all questions, recorded and replayed.

    live = Live(cassette, offline=False)
    tool = live.wrap(tool, "brave https://api.search.brave.com/…")

    first ask   cache → (someone already asks? wait for that) → the tool → the cassette
    offline     cache → the cassette; what is not in it is a failure that says so

The wrapped tool reads the same to a model. Failures (quota, timeout) are neither cached nor recorded.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.errors import GraphBubbleUp

from autoact.tools.cassette import Answer, Call, Cassette
from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.memory import memory_of, shown
from autoact.tools.threads import in_thread

CACHED = 1024
# Of the state only what came with the question's image changes what a tool answers beside its input.
STATE_IN_KEY = ("image", "caption", "ocr")


class Live:
    """The answers of live tools, each asked for once."""

    def __init__(self, cassette: Cassette | None = None, offline: bool = False) -> None:
        self.cassette = cassette
        self.offline = offline
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._flights: dict[str, Future[Answer]] = {}

    def answer(self, call: Call, ask: Callable[[], Answer]) -> Answer:
        """The answer to a call: from the cache, from another thread that asks the same, or by asking."""
        key = call.key
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not mine:
            return flight.result()
        try:
            answer = self._asked(call, ask)
        except BaseException as problem:
            flight.set_exception(problem)
            raise
        else:
            flight.set_result(answer)
            return answer
        finally:
            with self._lock:
                del self._flights[key]
                if not flight.exception():
                    self._answers[key] = flight.result()
                    if len(self._answers) > CACHED:
                        self._answers.popitem(last=False)

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

    def wrap(self, tool: BaseTool, backend: str) -> BaseTool:
        """The tool, asked through here."""

        def run(**inputs: Any) -> tuple[str, Any]:
            answer = self.answer(Call(tool.name, backend, _key(inputs)), lambda: asked(tool, inputs))
            if not answer.ok:
                raise ToolException(answer.text)
            return answer.text, answer.artifact

        async def arun(**inputs: Any) -> tuple[str, Any]:
            said: tuple[str, Any] = await in_thread(run, **inputs)
            return said

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
    memory = memory_of(message.artifact)
    if memory is not None or (isinstance(message.artifact, dict) and message.artifact.keys() == {"memory", "raw"}):
        artifact = message.artifact
    else:
        artifact = {"memory": None, "raw": _json(message.artifact)}
    return Answer(shown(str(message.text)), artifact, message.status != "error")


def _key(inputs: dict[str, Any]) -> str:
    """The inputs as JSON; of the state that the graph puts in, only what changes the answer."""
    state = inputs.get("state")
    if isinstance(state, dict):
        inputs = inputs | {"state": {name: state.get(name, "") for name in STATE_IN_KEY}}
    return json.dumps(inputs, sort_keys=True, default=str)


def _json(value: Any) -> Any:
    """The value if it is JSON, or nothing."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return None
