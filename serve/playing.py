"""One question in play: LangGraph's states and stream parts as the records and events that go over the wire.

play = Play(graph, "5f2c", {"question": "…"}, {"max_steps": 5})
await play.answer()                     # → Answer
async for name, data in play.events():  # token, step, action, observation … and at last end or interrupt
    …
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt, StreamMode
from pydantic import BaseModel

from autoact.core.errors import UserError
from autoact.core.records import ROLES
from autoact.serve.metrics import Meter
from autoact.serve.runs import Run
from autoact.serve.schema import Action, Answer, Begun, Observation, Problem, Review, Step, Token

MODES: list[StreamMode] = ["messages", "custom", "updates", "values"]
TOLD: dict[str, type[BaseModel]] = {"action": Action, "observation": Observation}


class Event(NamedTuple):
    """A server-sent event."""

    name: str
    data: BaseModel


@dataclass(frozen=True, slots=True)
class Play:
    """What is sent into a graph, on which thread and with what settings.

    A thread is saved once a run of it ends, so that its checkpoints are its questions. It is `freed` before the
    answer is given, or a caller that asks at once again would find it busy.
    """

    graph: CompiledStateGraph[Any, Any, Any, Any]
    run: Run
    thread: str
    given: dict[str, Any] | Command[Any]
    settings: dict[str, Any]
    meter: Meter
    freed: Callable[[], Awaitable[None]]

    async def answer(self) -> Answer:
        """The question played to its end, or to where a human is asked."""
        started = perf_counter()
        config = config_of(self.thread)
        playing = self.graph.ainvoke(self.given, config, context=self.settings, durability="exit")
        state = await self.run.finished(playing)
        await self.freed()
        answer = answer_of(self.thread, state, state.get("__interrupt__", ()))
        self.meter.ended(answer, perf_counter() - started)
        return answer

    async def events(self) -> AsyncIterator[Event]:
        """The same, told as it happens; the last event holds the answer."""
        started = perf_counter()
        state: dict[str, Any] = {}
        interrupts: Sequence[Interrupt] = ()
        yield Event("start", Begun(thread=self.thread))
        parts: AsyncIterator[Any] = self.graph.astream(
            self.given, config_of(self.thread), context=self.settings, stream_mode=MODES, durability="exit"
        )
        try:
            async for mode, part in self.run.followed(parts):
                if mode == "values":
                    state = part
                elif mode == "updates":
                    interrupts = part.get("__interrupt__", ())
                for event in events_of(mode, part):
                    yield event
            answer = answer_of(self.thread, state, interrupts)
            self.meter.ended(answer, perf_counter() - started)
            last = Event("interrupt" if answer.interrupt else "end", answer)
        except UserError as problem:
            last = Event("error", Problem(detail=str(problem)))
        await self.freed()
        yield last


def config_of(thread: str) -> RunnableConfig:
    """Where a thread is kept."""
    return {"configurable": {"thread_id": thread}}


def answer_of(thread: str, state: Mapping[str, Any], interrupts: Sequence[Interrupt]) -> Answer:
    """How the question that a state holds stands."""
    fields = {
        name: state[name] for name in ("question", "answer", "error", "steps", "usage", "reflections") if name in state
    }
    review = Review.model_validate(interrupts[0].value) if interrupts else None
    status = "interrupted" if review else state.get("status") or "stopped"
    return Answer.model_validate({"thread": thread, "status": status, "interrupt": review, **fields})


def events_of(mode: str, part: Any) -> Iterator[Event]:
    """The events of one part of LangGraph's stream. A tool may stream parts of its own; those are not passed on."""
    if mode == "messages":
        message, told = part
        agent, text = told.get("langgraph_node"), str(message.text)
        if agent in ROLES and text:
            yield Event("token", Token(agent=agent, text=text))
    elif mode == "custom" and isinstance(part, dict) and part.get("event") in TOLD:
        yield Event(part["event"], TOLD[part["event"]].model_validate(part))
    elif mode == "updates":
        for update in part.values():
            # A new question on the thread empties its steps, with an update that is no list.
            if isinstance(update, dict) and isinstance(update.get("steps"), list):
                yield from (Event("step", Step.model_validate(step)) for step in update["steps"])
