"""Group planning behind a chat: the last message is the question, and the reply tells how it was answered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from autoact.core.errors import UserError
from autoact.graph.chat import chat_planning
from autoact.graph.group import group_planning
from autoact.models.scripted import ScriptedChatModel

THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}
PERU: Any = {"messages": [("user", "What is the currency of Peru?")]}
JAPAN: Any = {"messages": [("user", "What is the currency of Japan?")]}
APPROVE: Command[Any] = Command(resume={"decisions": [{"type": "approve"}]})


@dataclass
class Data:
    tools: str


class Model(BaseModel):
    tools: str


class Typed(TypedDict):
    tools: str


def on_a_thread(countries: SimpleNamespace) -> Any:
    return chat_planning(countries.planner).compile(checkpointer=InMemorySaver())


def texts(state: dict[str, Any]) -> list[str]:
    return [message.text for message in state["messages"]]


def test_a_reply_tells_how_it_came_about(countries: SimpleNamespace) -> None:
    reply = chat_planning(countries.planner).compile().invoke(PERU)["messages"][-1]
    final = countries.planner.invoke(countries.PERU)
    assert (reply.type, reply.text) == ("ai", "sol")
    about = reply.response_metadata
    assert about == {"error": "", **{name: final[name] for name in ("status", "steps", "usage")}}
    assert json.loads(json.dumps(about)) == about


def test_sync_and_async_reply_the_same(countries: SimpleNamespace) -> None:
    chat = chat_planning(countries.planner).compile()
    assert texts(chat.invoke(PERU)) == texts(asyncio.run(chat.ainvoke(PERU)))


def test_several_questions_are_asked_on_one_thread_each_by_itself(countries: SimpleNamespace) -> None:
    chat = on_a_thread(countries)
    chat.invoke(PERU, THREAD)
    assert texts(chat.invoke(JAPAN, THREAD))[1::2] == ["sol", "yen"]
    second = countries.model.calls[len(countries.model.calls) // 2]
    assert [message.text for message in second[1:]] == ["Question: What is the currency of Japan?"]


def test_a_question_may_be_written_in_blocks(countries: SimpleNamespace) -> None:
    asked = HumanMessage([{"type": "text", "text": "What is the currency of "}, {"type": "text", "text": "Peru?"}])
    assert chat_planning(countries.planner).compile().invoke({"messages": [asked]})["messages"][-1].text == "sol"


@pytest.mark.parametrize("messages", [[], [AIMessage("sol")]])
def test_a_chat_that_asks_nothing_says_so(countries: SimpleNamespace, messages: list[Any]) -> None:
    with pytest.raises(UserError, match="its last message must be a human's question"):
        chat_planning(countries.planner).compile().invoke({"messages": messages})


def test_a_failure_is_not_replied_as_an_answer(countries: SimpleNamespace) -> None:
    planner = group_planning(ScriptedChatModel(replies=[]), [countries.Currency], "Answer.").compile()
    reply = chat_planning(planner).compile().invoke(PERU)["messages"][-1]
    assert reply.text.startswith("no answer (error: scripted: RuntimeError")
    assert reply.response_metadata["status"] == "error"


# ── settings ──


def test_a_chat_takes_the_settings_of_its_team(countries: SimpleNamespace) -> None:
    chat = chat_planning(countries.planner).compile()
    reply = chat.invoke(PERU, context={"reflect": False})["messages"][-1]
    assert [step["tool"] for step in reply.response_metadata["steps"]] == ["Currency", "Finish"]
    with pytest.raises(UserError, match="max_step is no setting"):
        chat.invoke(PERU, context={"max_step": 3})


@pytest.mark.parametrize(("schema", "context"), [(Data, Data("x")), (Model, Model(tools="x")), (Typed, {"tools": "x"})])
def test_in_a_graph_with_other_settings_the_teams_own_hold(
    countries: SimpleNamespace, schema: Any, context: Any
) -> None:
    graph: Any = StateGraph(MessagesState, context_schema=schema)
    graph.add_node("chat", chat_planning(countries.planner).compile()).add_edge(START, "chat")
    assert texts(graph.compile().invoke(PERU, context=context))[-1] == "sol"
    assert texts(asyncio.run(graph.compile().ainvoke(PERU, context=context)))[-1] == "sol"


# ── waiting ──


def test_a_chat_waits_and_goes_on_under_the_same_settings(countries: SimpleNamespace) -> None:
    chat = on_a_thread(countries)
    waiting = chat.invoke(PERU, THREAD, context={"approve_tools": ["Currency", "Finish"]})
    assert waiting["__interrupt__"][0].value["action_requests"][0]["name"] == "Currency"
    waiting = asyncio.run(chat.ainvoke(APPROVE, THREAD))
    assert waiting["__interrupt__"][0].value["action_requests"][0]["name"] == "Finish"
    assert texts(chat.invoke(APPROVE, THREAD)) == ["What is the currency of Peru?", "sol"]


def test_a_question_asked_while_another_waits_takes_its_place(countries: SimpleNamespace) -> None:
    chat = on_a_thread(countries)
    chat.invoke(PERU, THREAD, context={"approve_tools": ["Currency"]})
    state = chat.invoke(JAPAN, THREAD)
    assert texts(state) == ["What is the currency of Peru?", "What is the currency of Japan?", "yen"]
    assert not chat.get_state(THREAD).interrupts


# ── streams ──


def test_a_stream_holds_the_reply_and_asked_for_what_is_said_inside(countries: SimpleNamespace) -> None:
    async def inside() -> list[Any]:
        stream = chat.astream(PERU, stream_mode="messages", subgraphs=True)
        return [(about.get("agent"), message.text) async for _, (message, about) in stream]

    chat: Any = chat_planning(countries.planner).compile()
    assert [message.text for message, _ in chat.stream(PERU, stream_mode="messages")] == ["sol"]
    tokens = asyncio.run(inside())
    assert all(text for _, text in tokens)
    assert {agent for agent, _ in tokens[:-1]} == {"PLAN-AGENT", "TOOL-AGENT", "REFLECT-AGENT"}
    assert tokens[-1] == (None, "sol")
