"""A team as a tool: what the agent that calls it reads, what it may not take for an answer, and who it waits for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from autoact.core.errors import UserError
from autoact.graph.embed import as_tool
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.models.scripted import ScriptedChatModel

THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}
OTHER: RunnableConfig = {"configurable": {"thread_id": "2"}}
ASKED: Any = {"messages": [("user", "?")]}
APPROVE, REJECT = {"type": "approve"}, {"type": "reject", "message": "not now"}
EDIT = {"type": "edit", "edited_action": {"name": "Currency", "args": {"input": "Japan"}}}


class Caller(BaseChatModel):
    """Calls the tool once for each of a turn's questions, turn after turn, then is done."""

    turns: list[list[str]]

    @property
    def _llm_type(self) -> str:
        return "caller"

    def bind_tools(self, *_: Any, **__: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        turn = sum(message.type == "ai" for message in messages)
        questions = self.turns[turn] if turn < len(self.turns) else []
        calls = [ToolCall(name="countries", args={"question": each}, id=each) for each in questions]
        return ChatResult(generations=[ChatGeneration(message=AIMessage("" if calls else "Done.", tool_calls=calls))])


def tool_of(planner: Planner, **context: Any) -> BaseTool:
    return as_tool(planner, "countries", "answers questions about countries.", context)


def agent_of(tool: BaseTool, *turns: list[str], **more: Any) -> Any:
    return create_agent(Caller(turns=list(turns)), [tool], **more)


def told(state: dict[str, Any]) -> list[ToolMessage]:
    return [message for message in state["messages"] if isinstance(message, ToolMessage)]


def played(replies: Any, countries: SimpleNamespace, **context: Any) -> ToolMessage:
    """What an agent is told by a team with other replies."""
    planner = group_planning(ScriptedChatModel(replies=replies), [countries.Currency], "Answer.").compile()
    state = agent_of(tool_of(planner, **context), ["Peru?"]).invoke(ASKED)
    assert state["messages"][-1].text == "Done."
    return told(state)[0]


# ── answers ──


def test_a_calling_model_reads_two_fields(countries: SimpleNamespace) -> None:
    schema: Any = tool_of(countries.planner).tool_call_schema
    fields = schema.model_json_schema()["properties"]
    assert fields.keys() == {"question", "choices"}
    assert all(field["description"] for field in fields.values())


def test_the_content_is_the_answer_and_the_artifact_how_it_came_about(countries: SimpleNamespace) -> None:
    (message,) = told(agent_of(tool_of(countries.planner), ["Peru?"]).invoke(ASKED))
    final = countries.planner.invoke({"question": "Peru?"})
    assert (message.text, message.status) == ("sol", "success")
    assert message.artifact == {"error": "", **{name: final[name] for name in ("status", "steps", "usage")}}


def test_without_an_agent_a_call_gives_the_content_alone(countries: SimpleNamespace) -> None:
    assert tool_of(countries.planner).invoke({"question": "Peru?"}) == "sol"
    assert asyncio.run(tool_of(countries.planner).ainvoke({"question": "Japan?"})) == "yen"


def test_choices_are_shown_to_the_team(countries: SimpleNamespace) -> None:
    tool_of(countries.planner).invoke({"question": "Which is Peru?", "choices": ["yen", "sol"]})
    assert countries.model.calls[0][1].text == "Question: Which is Peru?\nChoices: (A) yen (B) sol"


@pytest.mark.parametrize("turns", [[["Peru?"], ["Japan?"], ["Peru?"]], [["Peru?", "Japan?"]]])
def test_calls_in_a_row_and_at_once_do_not_mix(countries: SimpleNamespace, turns: list[list[str]]) -> None:
    agent = agent_of(tool_of(countries.planner), *turns, checkpointer=InMemorySaver())
    for state in (agent.invoke(ASKED, THREAD), asyncio.run(agent.ainvoke(ASKED, OTHER))):
        messages = told(state)
        assert [message.text for message in messages] == ["sol", "yen", "sol"][: len(messages)]
        assert all(len(message.artifact["steps"]) == 3 for message in messages)


def test_a_context_of_the_agents_changes_nothing(countries: SimpleNamespace) -> None:
    @dataclass
    class Theirs:
        max_steps: str

    agent = agent_of(tool_of(countries.planner), ["Peru?"], context_schema=Theirs)
    assert told(agent.invoke(ASKED, context=Theirs("few")))[0].text == "sol"


def test_a_team_may_be_a_tool_of_another(countries: SimpleNamespace) -> None:
    asked = json.dumps({"question": "What is the currency of Peru?"})
    replies = [
        "Thought: t\nAction: countries",
        asked,
        "Thought: t\nAction: Finish",
        "sol",
        "Thought: v\nVerdict: right",
    ]
    tool = tool_of(countries.planner, approve_tools=["Currency"])
    builder = group_planning(ScriptedChatModel(replies=replies), [tool], "Answer.")
    graph = builder.compile(checkpointer=InMemorySaver())
    assert graph.invoke({"question": "q"}, THREAD)["__interrupt__"]
    step = graph.invoke(Command(resume={"decisions": [APPROVE]}), THREAD)["steps"][0]
    assert (step["tool"], step["observation"], step["ok"]) == ("countries", "sol", True)


# ── no answer ──


@pytest.mark.parametrize(
    ("replies", "context", "status", "said"),
    [
        ([], {}, "error", "no answer (error: scripted: RuntimeError: the script has 0 replies"),
        (["Thought: t\nAction: Currency", "Peru"], {"max_steps": 1}, "halted", "no answer (halted)"),
        (
            ["Thought: t\nAction: Finish", "sol", "Thought: v\nVerdict: wrong", "Thought: t\nAction: Currency", "Peru"],
            {"max_steps": 3},
            "halted",
            "no answer (halted)",
        ),
        (
            ["Thought: t\nAction: Finish", "sol", "Thought: v\nVerdict: wrong"],
            {"max_steps": 3},
            "error",
            "no answer (error: ",
        ),
    ],
)
def test_what_is_no_answer_cannot_be_taken_for_one(
    countries: SimpleNamespace, replies: list[str], context: dict[str, Any], status: str, said: str
) -> None:
    message = played(replies, countries, **context)
    assert message.text.startswith(said)
    assert (message.status, message.artifact["status"]) == ("error", status)


def test_an_answer_that_reflection_doubts_to_the_end_is_one(countries: SimpleNamespace) -> None:
    replies = ["Thought: t\nAction: Finish", "sol", "Thought: v\nVerdict: wrong"]
    message = played(replies, countries, max_reflections=0)
    assert (message.text, message.status, message.artifact["status"]) == ("sol", "success", "unsure")


def test_a_question_that_asks_nothing_is_told_to_the_calling_model(countries: SimpleNamespace) -> None:
    state = agent_of(tool_of(countries.planner), [" "]).invoke(ASKED)
    (message,) = told(state)
    assert message.status == "error"
    assert message.text.startswith("the input is not a question: 'question' is empty")
    assert state["messages"][-1].text == "Done."


def test_a_setting_that_cannot_be_is_refused_when_the_tool_is_made(countries: SimpleNamespace) -> None:
    with pytest.raises(UserError, match="context: max_step is no setting"):
        tool_of(countries.planner, max_step=5)


def test_a_setting_that_names_what_is_not_there_is_said_to_the_caller(countries: SimpleNamespace) -> None:
    with pytest.raises(UserError, match="approve_tools: 'rm' is not one of this team's"):
        agent_of(tool_of(countries.planner, approve_tools=["rm"]), ["Peru?"]).invoke(ASKED)


# ── waiting ──


@pytest.mark.parametrize(
    ("decision", "content", "argument"),
    [(APPROVE, "sol", "Peru"), (EDIT, "yen", "Japan"), (REJECT, "Currency was not allowed: not now", "Peru")],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_agent_waits_for_the_word_on_a_call_of_its_tools(
    countries: SimpleNamespace, decision: dict[str, Any], content: str, argument: str, is_async: bool
) -> None:
    def run(given: Any) -> dict[str, Any]:
        return dict(asyncio.run(agent.ainvoke(given, THREAD)) if is_async else agent.invoke(given, THREAD))

    tool = tool_of(countries.planner, approve_tools=["Currency"])
    agent = agent_of(tool, ["Peru?"], checkpointer=InMemorySaver())
    assert run(ASKED)["__interrupt__"][0].value["action_requests"][0]["args"] == {"input": "Peru"}
    (message,) = told(run(Command(resume={"decisions": [decision]})))
    assert (message.text, message.artifact["steps"][0]["argument"]) == (content, argument)
    assert len(message.artifact["steps"]) == 3


def test_of_two_calls_that_wait_at_once_each_is_decided_by_its_id(countries: SimpleNamespace) -> None:
    tool = tool_of(countries.planner, approve_tools=["Currency"])
    agent = agent_of(tool, ["Peru?", "Japan?"], checkpointer=InMemorySaver())
    waiting = agent.invoke(ASKED, THREAD)["__interrupt__"]
    ids = {each.value["action_requests"][0]["args"]["input"]: each.id for each in waiting}
    state = agent.invoke(Command(resume={ids["Japan"]: {"decisions": [REJECT]}}), THREAD)
    assert [left.id for left in state["__interrupt__"]] == [ids["Peru"]]
    state = agent.invoke(Command(resume={ids["Peru"]: {"decisions": [APPROVE]}}), THREAD)
    assert [message.text for message in told(state)] == ["sol", "Currency was not allowed: not now"]


def test_a_wait_without_an_agent_to_pause_is_no_answer(countries: SimpleNamespace) -> None:
    tool = tool_of(countries.planner, approve_tools=["Currency"])
    message = tool.invoke(ToolCall(name="countries", args={"question": "Peru?"}, id="1", type="tool_call"))
    assert (message.text, message.status) == ("no answer (interrupted)", "error")


# ── watching ──


def test_the_agents_inside_are_streamed_with_the_one_outside(countries: SimpleNamespace) -> None:
    agent = agent_of(tool_of(countries.planner), ["Peru?"])
    parts = list(agent.stream(ASKED, stream_mode=["messages", "custom"], subgraphs=True))
    said = [(part[1].get("agent"), part[0].text) for _, mode, part in parts if mode == "messages"]
    assert said[1] == ("PLAN-AGENT", "Thought: ")
    assert [part["event"] for _, mode, part in parts if mode == "custom"] == ["action", "observation", "end"]


def test_in_a_trace_the_team_is_below_the_call(countries: SimpleNamespace) -> None:
    collector = RunCollectorCallbackHandler()
    agent_of(tool_of(countries.planner), ["Peru?"]).invoke(ASKED, {"callbacks": [collector]})
    (root,) = collector.traced_runs
    (tools,) = [run for run in root.child_runs if run.name == "tools"]
    (call,) = tools.child_runs
    assert (call.name, call.run_type, [run.name for run in call.child_runs]) == ("countries", "tool", ["autoact"])
