"""The gold answer is in no prompt, no state and no event of a played question."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import StreamMode

from autoact.core.errors import EndpointError
from autoact.core.records import QAPair, Trajectory
from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.graph.run import jobs_for, play
from autoact.graph.run_folder import Planner
from autoact.graph.watch import Watch
from autoact.models.scripted import ScriptedChatModel

GOLD = "GOLD-7f3a9c"
PAIRS = [QAPair("q1", "What is the currency of Peru?", GOLD, context="Peru."), QAPair("q2", "Fail?", GOLD)]
MODES: list[StreamMode] = ["values", "updates", "messages", "debug", "checkpoints", "tasks", "custom"]
SETTINGS = Context(max_reflections=1)


class Recorder(BaseCallbackHandler):
    """Writes down every payload of every event."""

    run_inline = True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def _write(self, *payload: Any, **more: Any) -> None:
        self.seen.append(repr((payload, more)))

    on_chain_start = on_chain_end = on_chain_error = _write
    on_tool_start = on_tool_end = on_tool_error = _write
    on_chat_model_start = on_llm_end = on_llm_error = _write


def reply(messages: list[BaseMessage]) -> str:
    last = str(messages[-1].text)
    if last == "Question: Fail?":
        raise EndpointError("down")
    if last == "Is this answer right?":
        return "Thought: I doubt it.\nVerdict: wrong"
    if last.startswith("Input for"):
        return "Peru" if "Retrieve" in last else "sol"
    return f"Thought: t\nAction: {'Finish' if len(messages) > 4 else 'Retrieve'}"


@pytest.fixture
def model() -> ScriptedChatModel:
    return ScriptedChatModel(replies=reply)


def test_nothing_that_play_runs_shows_the_gold_answer(library: tuple[BaseTool, ...], model: ScriptedChatModel) -> None:
    recorder, done = Recorder(), list[Trajectory]()
    graph: Any = group_planning(model, library, "Answer.").compile().with_config(callbacks=[recorder])
    with pytest.raises(Exception, match="could not be played") as caught:
        play(graph, jobs_for(PAIRS, 2, seed=0, stage="test"), SETTINGS, workers=2, watch=Watch(done.append))
    kinds = ("HumanMessage", "ToolMessage", "'steps'", "EndpointError")
    assert all(any(kind in seen for seen in recorder.seen) for kind in kinds)
    assert len(model.calls) > 10
    assert len(done) == 2
    assert GOLD not in "".join([*recorder.seen, repr(model.calls), repr(done), str(caught.value)])


def test_no_stream_of_a_job_shows_the_gold_answer(library: tuple[BaseTool, ...], model: ScriptedChatModel) -> None:
    graph: Planner = group_planning(model, library, "Answer.").compile(checkpointer=InMemorySaver())

    async def streamed() -> list[str]:
        seen: list[str] = []
        for job in jobs_for(PAIRS, 1, seed=0, stage="test"):
            seen.append(repr(job))
            for run in ("modes", "events"):
                config: Any = {"configurable": {"thread_id": f"{job.id}-{run}"}}
                stream: Any = (
                    graph.astream(asdict(job.question), config, context=SETTINGS, stream_mode=MODES)
                    if run == "modes"
                    else graph.astream_events(asdict(job.question), config, context=SETTINGS, version="v2")
                )
                seen += [repr(event) async for event in stream]
                seen += [repr(moment) async for moment in graph.aget_state_history(config)]
        return seen

    seen = asyncio.run(streamed())
    assert len(seen) > 200
    assert "What is the currency of Peru?" in "".join(seen)
    assert GOLD not in "".join(seen)
