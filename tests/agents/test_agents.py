"""An agent says what it is asked and reads its own reply; what it cannot read is kept, never raised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from autoact.agents import meta, plan, reflect, tool
from autoact.agents.chat import to_messages
from autoact.core.errors import ParseError
from autoact.core.learning import LearnConfig
from autoact.core.records import FINISH, REFLECT, QAPair, Question, Step, ToolCard
from autoact.core.task import Task
from autoact.prompts.parse import PlanTurn, ReflectTurn
from autoact.prompts.render import Brief, Turn, conversation, plan_turn, reflect_turn

SEARCH = ToolCard("Search", "finds pages.", "keywords.")
BRIEF = Brief("Answer questions.", (SEARCH, ToolCard(FINISH, "ends.", "the answer.")))
ASKED = Question("What is the currency of Peru?")
STEPS = [Step("I search.", "Search", "Peru", "1. Peru: …"), Step("I know.", FINISH, "sol")]
TASK = Task(
    name="Atlas",
    description="Countries.",
    model="openai:meta",
    tools=("Search",),
    examples=({"question": "q", "answer": "a"},),
    learn=LearnConfig(max_tools=1),
)
ANY_TEXT = st.text(st.characters(exclude_categories=[]))


def test_turns_become_messages_of_their_role() -> None:
    turns = [
        Turn("system", "s"),
        Turn("user", "u"),
        Turn("plan", "p"),
        Turn("tool", "t"),
        Turn("reflect", "r"),
    ]
    assert to_messages(turns) == [
        SystemMessage("s"),
        HumanMessage("u"),
        AIMessage("p"),
        AIMessage("t"),
        AIMessage("r"),
    ]


def test_the_three_agents_are_asked_in_one_growing_conversation() -> None:
    whole = to_messages(conversation(BRIEF, ASKED, [*STEPS, Step("Yes.", REFLECT, "right")]))
    planned = plan.ask(BRIEF, ASKED, STEPS[:1])
    filled = tool.ask(BRIEF, ASKED, STEPS[:1], "I know.", FINISH)
    judged = reflect.ask(BRIEF, ASKED, STEPS)
    assert whole[: len(planned)] == planned == filled[: len(planned)] == judged[: len(planned)]
    assert judged == whole[:-1]
    assert filled == whole[: len(filled)]


def test_a_plan_names_its_tool_as_the_tool_is_written() -> None:
    assert plan.read(BRIEF, "Thought: I look.\nAction: search") == PlanTurn("I look.", "Search")


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        ("Thought: I only think.", "I only think."),
        ("", ""),
        ("Thought: done\nAction: Reflect", "done\nAction: Reflect"),
        ("<think>hm</think>The answer is sol.", "The answer is sol."),
    ],
)
def test_a_plan_without_an_action_is_kept_as_a_thought(text: str, thought: str) -> None:
    assert plan.read(BRIEF, text) == PlanTurn(thought, "")


def test_a_verdict_that_is_neither_is_kept_as_a_thought() -> None:
    assert reflect.read("Thought: maybe") == ReflectTurn("maybe", "")
    assert reflect.read("Thought: yes\nVerdict: right") == ReflectTurn("yes", "right")


def test_an_input_is_the_whole_reply() -> None:
    assert tool.read(" a\nb [c] ") == "a\nb [c]"


@given(ANY_TEXT)
def test_any_reply_is_read_and_can_be_shown_again(text: str) -> None:
    planned, judged = plan.read(BRIEF, text), reflect.read(text)
    assert plan_turn(planned.thought, planned.tool).text.startswith("Thought: ")
    assert reflect_turn(judged.thought, judged.verdict).text.startswith("Thought: ")
    assert planned.tool != REFLECT
    assert tool.read(text) == tool.read(tool.read(text)) or "<think>" in text


def test_the_meta_agent_is_asked_for_pairs_and_reads_them() -> None:
    system, user = meta.ask_for_pairs(TASK, [QAPair("1", "q", "a")], 2)
    assert (system.type, user.type) == ("system", "human")
    assert "Write 2 new pairs" in str(user.text)
    assert len(meta.read_pairs("Question: r\nAnswer: b\nQuestion: s").malformed) == 1


def test_the_meta_agent_is_asked_for_tools_and_may_not_take_too_many() -> None:
    _, user = meta.ask_for_tools(TASK, [SEARCH])
    assert "at most 1" in str(user.text)
    assert meta.read_tools(TASK, "search", [SEARCH]) == ("Search",)
    with pytest.raises(ParseError):
        meta.read_tools(TASK, "nothing", [SEARCH])
    with pytest.raises(ParseError):
        meta.read_tools(TASK, "Search\nRead", [SEARCH, ToolCard("Read", "reads.", "a page.")])
