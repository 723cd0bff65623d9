"""The settings of a run: what is not given is the graph's own, and what cannot be is said in one line."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver

from autoact.core.errors import ModelError, UserError
from autoact.graph.context import Context, schema_of
from autoact.graph.group import group_planning
from autoact.models.scripted import ScriptedChatModel

Library = tuple[BaseTool, ...]
ASKED: Any = {"question": "q"}
MODELS = ("plan", "tool", "reflect", "meta")


def reply(messages: list[BaseMessage]) -> str:
    """Finish at once, and be told that it is right."""
    last = str(messages[-1].text)
    return {"Input for Finish:": "sol", "Is this answer right?": "Thought: v\nVerdict: right"}.get(
        last, "Thought: t\nAction: Finish"
    )


def team() -> dict[str, ScriptedChatModel]:
    return {name: ScriptedChatModel(replies=reply, model_name=name) for name in MODELS}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"max_step": 3}, "context: max_step is no setting; choose from max_steps, "),
        ({"max_steps": 0}, "context: max_steps is wrong: .* greater than 0"),
        ({"temperature": "hot"}, "context: temperature is wrong: .* 'hot'"),
        ({"approve_tools": "Retrieve"}, "context: approve_tools is wrong: .* valid list"),
        ({"plan_model": "gpt"}, "context: plan_model: 'gpt' is not one of this team's; choose from plan, tool"),
        ({"tools": ["Retrieve", "rm"]}, "context: tools: 'rm' is not one of this team's; choose from Retrieve, Lookup"),
        ({"approve_tools": ["rm"]}, "context: approve_tools: 'rm' is not one of this team's; .* Finish"),
        ({"input_prompt": "Give it."}, r"context: input_prompt is wrong: its blanks must be \{tool\}"),
        ({"input_prompt": "{tool:>999999999}"}, "context: input_prompt is wrong"),
        ({"input_prompt": "{tool.__class__}"}, "context: input_prompt is wrong"),
        ({"system_prompt": "{description} {tools} {"}, "context: system_prompt is wrong: its braces do not match"),
    ],
)
def test_a_setting_that_cannot_be_is_said_in_one_line(library: Library, wrong: dict[str, Any], said: str) -> None:
    graph = group_planning(team(), library, "Answer.").compile()
    with pytest.raises(UserError, match=said) as problem:
        graph.invoke(ASKED, context=wrong)
    assert "\n" not in str(problem.value)


def test_a_graph_is_not_built_with_settings_that_name_what_is_not_there(library: Library) -> None:
    with pytest.raises(UserError, match="plan_model: 'gpt'"):
        group_planning(team(), library, "Answer.", Context(plan_model="gpt"))


def test_what_a_run_does_not_give_is_as_the_graph_was_built(library: Library) -> None:
    graph = group_planning(team(), library, "Answer.", Context(reflect=False)).compile()
    for given in ({"temperature": 0.5}, Context(temperature=0.5), {}, None):
        assert [step["tool"] for step in graph.invoke(ASKED, context=given)["steps"]] == ["Finish"]
    assert len(graph.invoke(ASKED, context={"reflect": True})["steps"]) == 2


def test_a_role_is_given_to_another_model_of_the_team(library: Library) -> None:
    graph = group_planning(team(), library, "Answer.").compile()
    steps = graph.invoke(ASKED, context={"plan_model": "meta", "reflect_model": "meta"})["steps"]
    assert [step["wrote"] for step in steps] == [{"plan": "meta", "tool": "tool"}, {"reflect": "meta"}]


def test_a_model_may_be_written_as_provider_and_name(library: Library) -> None:
    with pytest.raises(ModelError, match="'gpt' is not a model: write provider:name"):
        group_planning({**team(), "meta": "gpt"}, library, "Answer.")
    with pytest.raises(ModelError, match="nowhere"):
        group_planning("transformers:nowhere", library, "Answer.")


def test_fewer_tools_are_shown_and_run(library: Library) -> None:
    replies = ["Thought: t\nAction: Lookup", "Thought: t\nAction: Finish", "x", "Thought: v\nVerdict: right"]
    model = ScriptedChatModel(replies=replies)
    state = group_planning(model, library, "Answer.").compile().invoke(ASKED, context={"tools": ["Retrieve"]})
    assert "- Lookup" not in model.calls[0][0].text
    assert state["steps"][0]["observation"] == "Lookup is not a tool. Use one of: Retrieve, Finish."


def test_prompts_are_in_the_words_of_the_run(library: Library) -> None:
    words = {
        "task_prompt": "Be brief.",
        "system_prompt": "{tools}\n{description}",
        "input_prompt": "And {tool}?",
        "reflect_prompt": "Sure?",
        "retry_prompt": "Again!",
    }
    finish = ["Thought: t\nAction: Finish", "sol"]
    replies = [*finish, "Thought: v\nVerdict: wrong", *finish, "Thought: v\nVerdict: right"]
    model = ScriptedChatModel(replies=replies)
    group_planning(model, library, "Answer.").compile().invoke(ASKED, context=words)
    said = [message.text for message in model.calls[-1]]
    assert said[0].endswith("Be brief.")
    assert (said[3], said[5], said[7], said[-1]) == ("And Finish?", "Sure?", "Again!", "Sure?")


def test_a_question_is_gone_on_with_under_the_settings_it_was_begun_with(library: Library) -> None:
    graph = group_planning(team(), library, "Answer.").compile(checkpointer=InMemorySaver(), interrupt_before=["tool"])
    thread: Any = {"configurable": {"thread_id": "1"}}
    graph.invoke(ASKED, thread, context={"tool_model": "meta", "reflect": False})
    state = graph.invoke(None, thread)
    assert (state["status"], state["steps"][0]["wrote"]["tool"]) == ("answered", "meta")
    graph.invoke(ASKED, thread)
    assert graph.invoke(None, thread)["steps"][0]["wrote"]["tool"] == "tool"


def test_studio_is_shown_each_setting_as_the_graph_was_built() -> None:
    fields = schema_of(Context(max_steps=4), "Answer.").model_json_schema()["properties"]
    assert fields.keys() == Context.model_fields.keys()
    assert all(field["description"] for field in fields.values())
    assert (fields["max_steps"]["default"], fields["task_prompt"]["default"]) == (4, "Answer.")
    assert fields["reflect_prompt"]["default"] == "Is this answer right?"
    assert fields["reflect_prompt"]["langgraph_nodes"] == ["reflect"]
    assert fields["reflect_prompt"]["langgraph_type"] == "prompt"
