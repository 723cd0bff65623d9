"""Which tools are chosen, why, and what trying them on the examples makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException

from autoact.core.budget import Meter
from autoact.core.errors import EndpointError, RunError
from autoact.core.learning import Budget
from autoact.core.progress import Silent
from autoact.core.records import Scored
from autoact.core.store import Store, read_json
from autoact.core.task import Task, check_task
from autoact.models.scripted import ScriptedChatModel
from autoact.training.selection import Selection, choose, select_tools

EXAMPLES = [{"question": f"What is the code of item {n}?", "answer": f"code{n}"} for n in range(3)]


def task(**learning: object) -> Task:
    data = {
        "name": "Codes",
        "description": "Say an item's code.",
        "model": "openai:meta",
        "tools": ["Open", "Read", "Idle"],
        "examples": EXAMPLES,
        "learn": {"samples": 2, "workers": 4, "select_tools": "utility", **learning},
    }
    return check_task(data, Path("task.yaml"))


def made(name: str, answer: str) -> BaseTool:
    def run(text: str) -> str:
        if not answer:
            raise ToolException("nothing here")
        return f"{answer}{text}"

    return StructuredTool.from_function(run, name=name, description=f"{name.lower()}s.", handle_tool_error=True)


def tools() -> list[BaseTool]:
    """Open is a step on the way, Read tells the code once the item is open, Idle does nothing."""
    return [made("Open", "page"), made("Read", "code"), made("Idle", "")]


def player(named: str, uses: tuple[str, ...] = ("Open", "Read")) -> ScriptedChatModel:
    """Names those tools; plays each of `uses` that it has, in order, and is right when it had them all."""

    def reply(messages: list[BaseMessage]) -> str:
        system, last = str(messages[0].text), str(messages[-1].text)
        if system.startswith("You choose"):
            return "They tell\nthe code." if last.startswith("Why") else named
        has = [name for name in uses if f"- {name}:" in system]
        done = [name for name in has if any(str(m.text) == f"Input for {name}:" for m in messages)]
        item = str(messages[1].text).rstrip("?").split()[-1]
        if last == "Input for Finish:":
            return f"code{item}" if has == list(uses) else "unknown"
        if last.startswith("Input for"):
            return item
        if last == "Is this answer right?":
            return "Thought: yes\nVerdict: right"
        return f"Thought: on\nAction: {(*has[len(done) :], 'Finish')[0]}"

    return ScriptedChatModel(replies=reply)


def asked(model: ScriptedChatModel) -> int:
    return len(model.calls)


def test_the_meta_agent_says_why_it_chose_in_the_same_chat() -> None:
    model = player("Read")
    chosen = choose(task(), model, tools())
    assert chosen == Selection(("Read",), ("Read",), fallback=False, reason="They tell the code.")
    first, second = model.calls
    assert second[: len(first)] == first
    assert [message.type for message in second[len(first) :]] == ["ai", "human"]
    assert str(second[len(first)].text) == "Read"


def test_where_no_reason_is_wanted_none_is_asked_for() -> None:
    model = player("Read")
    assert choose(task(tool_reasons=False), model, tools()).reason == ""
    assert asked(model) == 1


def test_an_unusable_reply_is_asked_for_again_and_then_the_first_tools_are_taken() -> None:
    model = player("none of them")
    chosen = choose(task(max_tools=2), model, tools())
    assert chosen == Selection(("Open", "Read"), ("none of them",) * 2, fallback=True)
    assert asked(model) == 2


def test_a_useless_tool_that_the_meta_agent_names_is_dropped_by_trying(tmp_path: Path) -> None:
    chosen = select_tools(task(), player("Open\nRead\nIdle"), tools(), tmp_path, Silent())
    assert chosen.tools == ("Open", "Read")
    assert chosen.replies == ("Open\nRead\nIdle",)
    scores = {tried.tools: (tried.plays, tried.reward) for tried in chosen.tried}
    assert scores[("Open", "Read")] == scores[("Open", "Read", "Idle")] == (6, 1.0)
    assert scores[("Read",)] == (6, 0.0)
    assert [tried.score for tried in chosen.tried] == sorted((tried.score for tried in chosen.tried), reverse=True)


def test_a_tool_that_the_meta_agent_forgot_is_added_by_trying(tmp_path: Path) -> None:
    assert select_tools(task(), player("Read"), tools(), tmp_path, Silent()).tools == ("Open", "Read")


def test_of_sets_that_are_as_often_right_the_cheaper_is_taken(tmp_path: Path) -> None:
    model = player("Open\nRead", uses=("Idle",))
    model.replies = (
        lambda messages: (  # every set plays alike but for what its system prompt costs to read
            "Open\nRead" if "choose" in str(messages[0].text)[:12] else "Thought: t\nAction: Finish"
        )
    )
    chosen = select_tools(task(tool_reasons=False), model, tools(), tmp_path, Silent())
    assert len(chosen.tools) == 1
    assert {tried.reward for tried in chosen.tried} == {0.0}


def test_no_more_sets_are_tried_than_is_promised(tmp_path: Path) -> None:
    many = [*tools(), *(made(f"Idle{n}", "") for n in range(5))]
    small = task(max_tools=3, samples=1).model_copy(update={"examples": tuple(EXAMPLES[:1])})
    chosen = select_tools(small, player("Idle\nIdle0\nIdle1"), many, tmp_path, Silent())
    assert len(chosen.tried) <= 1 + 8 + 2 * 3 * 8 < 92  # of all the sets that there are
    assert max(len(tried.tools) for tried in chosen.tried) == 3


def test_what_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    chosen = select_tools(task(), player("Open\nRead\nIdle"), tools(), tmp_path, Silent())
    (tmp_path / "tools.json").unlink()
    (tmp_path / "selection" / "Open+Read.jsonl").unlink()
    model = player("Idle")
    assert select_tools(task(), model, tools(), tmp_path, Silent()) == chosen
    plays = list(Store(tmp_path / "selection" / "Open+Read.jsonl", Scored))
    assert len(plays) == 6
    assert all("Say an item's code" in str(call[0].text) for call in model.calls)  # nobody was asked to choose again


def test_a_model_that_fails_costs_no_play_that_ended(tmp_path: Path) -> None:
    model, alive = player("Read"), player("Read")

    def dies(messages: list[BaseMessage]) -> str:
        if len(model.calls) > 40:
            raise EndpointError("server is down")
        return alive.replies(messages)  # type: ignore[operator]

    model.replies = dies
    with pytest.raises(EndpointError):
        select_tools(task(workers=1), model, tools(), tmp_path, Silent())
    stored = sum(len(list(Store(path, Scored))) for path in (tmp_path / "selection").glob("*.jsonl"))
    assert stored > 0
    whole, again = player("Read"), player("Read")
    chosen = select_tools(task(workers=1), again, tools(), tmp_path, Silent())
    assert chosen == select_tools(task(workers=1), whole, tools(), tmp_path / "whole", Silent())
    assert asked(again) < asked(whole)


def test_a_spent_budget_ends_the_trying_and_leaves_what_was_tried(tmp_path: Path) -> None:
    meter = Meter("tool selection", Budget(requests=60))
    chosen = select_tools(task(), player("Open\nRead\nIdle"), tools(), tmp_path, Silent(), meter)
    assert 0 < len(chosen.tried) < 5
    none = select_tools(task(), player("Idle"), tools(), tmp_path / "b", Silent(), Meter("", Budget(requests=1)))
    assert (none.tools, none.tried) == (("Idle",), ())


def test_a_single_tool_on_offer_needs_no_trying(tmp_path: Path) -> None:
    assert select_tools(task(), player("Open"), tools()[:1], tmp_path, Silent()).tried == ()
    assert not (tmp_path / "selection").exists()


def test_tools_of_long_names_have_files_all_the_same(tmp_path: Path) -> None:
    long = [made(f"T{n}" + "x" * 150, "code") for n in range(2)]
    named = "\n".join(tool.name for tool in long)
    assert select_tools(task(), player(named), long, tmp_path, Silent()).tried


def test_a_choice_that_was_written_before_reasons_were_asked_for_is_still_read(tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(json.dumps({"tools": ["Read"], "replies": ["Read"], "fallback": False}))
    assert select_tools(task(), player("Idle"), tools(), tmp_path, Silent()) == Selection(("Read",), ("Read",), False)
    (tmp_path / "tools.json").write_text("{}")
    with pytest.raises(RunError, match=r"tools\.json is not a Selection"):
        select_tools(task(), player("Idle"), tools(), tmp_path, Silent())


def test_what_was_chosen_and_tried_is_on_disk(tmp_path: Path) -> None:
    chosen = select_tools(task(), player("Open\nRead\nIdle"), tools(), tmp_path, Silent())
    noted = read_json(tmp_path / "tools.json")
    assert noted["tried"][0]["tools"] == list(chosen.tools)
    assert noted["reason"] == "They tell the code."
    assert select_tools(task(), player("Idle"), tools(), tmp_path, Silent()) == chosen
