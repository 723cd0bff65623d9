"""What the teams for comparison are trained on: the turns of their roles, and what their agents will be sent."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoact.core.errors import RunError
from autoact.core.records import FINISH, REFLECT, ROLES, Example, Step, to_json
from autoact.graph.react import react
from autoact.graph.run_folder import RunFolder, open_run
from autoact.graph.setup import Setup
from autoact.models.chat_format import as_chat
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.toolbox import chosen_tools
from autoact.training.variants import (
    Played,
    fireact,
    no_filtering,
    one_agent,
    played,
    sized,
    student,
    tool_agents,
    without_reflection,
)


@pytest.fixture(scope="module")
def run(learned: Any) -> RunFolder:
    return open_run(learned.path)


@pytest.fixture(scope="module")
def known(run: RunFolder) -> Played:
    return played(run)


def marks(item: Example) -> set[int]:
    return {number for number, message in enumerate(item.messages) if message.learn}


def ids(items: list[Example]) -> set[str]:
    return {item.id for item in items}


def test_nothing_that_is_held_out_is_trained_on(run: RunFolder, known: Played) -> None:
    learned = {question for items in known.examples.values() for question in _questions(items)}
    held_out = known.pairs.keys() - learned
    made = [no_filtering(run), tool_agents(run), fireact(run), sized(run, 3), student(run, run)]
    assert held_out
    assert not held_out & {
        question for each in made for items in each.examples.values() for question in _questions(items)
    }


def _questions(items: list[Example]) -> set[str]:
    return {item.id.split("/")[0] for item in items}


# ── one-agent ──


def test_one_agent_learns_each_example_of_the_three_roles_once_and_speaks_in_all(run: RunFolder, known: Played) -> None:
    made = one_agent(run)
    turns = {item.id: item.messages for item in made.examples["all"]}
    assert turns == {f"{role}/{item.id}": item.messages for role in ROLES for item in known.examples[role]}
    assert made.roles == dict.fromkeys(ROLES, "all")


# ── no-filtering ──


def test_without_the_filter_as_many_trajectories_are_learned_right_and_wrong(run: RunFolder, known: Played) -> None:
    made = no_filtering(run)
    rewards = {scored.id: scored.reward.value for scored in known.trajectories}
    assert len(made.examples["plan"]) == len(known.examples["plan"])
    assert {rewards[item.id] for item in made.examples["plan"]} == {0.0, 1.0}
    assert ids(made.examples["plan"]) == ids(made.examples["tool"])
    assert made.own == ("reflect",)


def test_without_the_filter_a_right_trajectory_is_learned_as_ever(run: RunFolder, known: Played) -> None:
    for role in ("plan", "tool"):
        filtered = {item.id: item for item in known.examples[role]}
        shared = [item for item in no_filtering(run).examples[role] if item.id in filtered]
        assert shared
        assert all(item == filtered[item.id] for item in shared)


# ── tool-agents ──


def test_each_tool_agent_learns_the_inputs_of_its_tool_alone(run: RunFolder) -> None:
    for name, items in tool_agents(run).examples.items():
        for item in items:
            asked = [item.messages[number - 1].content for number in marks(item)]
            assert asked
            assert set(asked) == {f"Input for {name.removeprefix('tool:')}:"}


def test_the_tool_agents_share_all_that_the_tool_role_learns(run: RunFolder, known: Played) -> None:
    made = tool_agents(run)
    for item in known.examples["tool"]:
        apart = [marks(each) for items in made.examples.values() for each in items if each.id == item.id]
        assert set().union(*apart) == marks(item)
        assert sum(map(len, apart)) == len(marks(item))
    assert made.roles.keys() == {"tool:Retrieve", "tool:Finish"}
    assert made.own == ("plan", "reflect")


def test_a_tool_that_no_kept_trajectory_uses_has_nothing_to_learn(run: RunFolder) -> None:
    wider = replace(run, team=replace(run.team, tools=(*run.tools, "Search")))
    assert tool_agents(wider).examples["tool:Search"] == []


# ── fireact ──


def test_before_every_turn_that_fireact_learns_stands_what_its_agent_is_sent(run: RunFolder, known: Played) -> None:
    tools = chosen_tools(run.task, run.tools)
    for item in fireact(run).examples["fireact"]:
        model = ScriptedChatModel(replies=[m.content for m in item.messages if m.role == "assistant"])
        graph = react(Setup(model, run.task.description, tools, run.settings())).compile()
        state = graph.invoke(to_json(known.pairs[item.id.split("/")[0]].shown()))
        said = [{"role": message.role, "content": message.content} for message in item.messages]
        assert [as_chat(call) for call in model.calls] == [said[:number] for number in sorted(marks(item))]
        assert state["status"] == "answered"


def test_fireact_learns_all_that_its_agent_says_of_the_trajectories_that_plan_learns(
    run: RunFolder, known: Played
) -> None:
    items = fireact(run).examples["fireact"]
    assert ids(items) == ids(known.examples["plan"])
    for item in items:
        assert marks(item) == {number for number, message in enumerate(item.messages) if message.role == "assistant"}
        assert not any("Verdict:" in message.content for message in item.messages[1:])


def test_an_answer_that_a_verdict_undid_is_no_step_of_a_single_agent() -> None:
    guess, doubt, look = Step("t", FINISH, "yen"), Step("t", REFLECT, "wrong"), Step("t", "Retrieve", "Peru", "sol")
    done, agree = Step("t", FINISH, "sol"), Step("t", REFLECT, "right")
    assert without_reflection([guess, doubt, look, done, agree]) == [look, done]


# ── trajectories-N ──


def test_a_larger_set_holds_the_smaller_and_the_largest_is_the_runs_own(run: RunFolder, known: Played) -> None:
    few, more, all_of_them = (sized(run, count).examples for count in (3, 10, len(known.examples["plan"])))
    assert (len(few["plan"]), len(few["tool"])) == (3, 3)
    for role in ROLES:
        assert ids(few[role]) < ids(more[role]) < ids(all_of_them[role])
    assert all_of_them == known.examples


def test_of_the_verdicts_the_same_share_is_learned(run: RunFolder, known: Played) -> None:
    half = sized(run, len(known.examples["plan"]) // 2).examples["reflect"]
    verdicts = [item.messages[-1].content.splitlines()[-1] for item in half]
    assert verdicts.count("Verdict: right") == pytest.approx(len(known.examples["reflect"]) / 4, abs=1)
    assert abs(verdicts.count("Verdict: right") - verdicts.count("Verdict: wrong")) <= 1


@pytest.mark.parametrize("count", [0, 1000])
def test_more_trajectories_than_were_kept_are_not_to_be_had(count: int, run: RunFolder) -> None:
    with pytest.raises(RunError, match=f"kept trajectories to train on; {count} cannot be drawn"):
        sized(run, count)


# ── student ──


def test_a_student_of_its_own_run_learns_what_the_run_learned(run: RunFolder, known: Played) -> None:
    assert student(run, run).examples == known.examples


def test_a_student_learns_in_its_own_runs_words(run: RunFolder) -> None:
    reworded = replace(run, task=run.task.model_copy(update={"description": "Name the mayor."}))
    (first, *_) = student(reworded, run).examples["plan"]
    assert first.messages[0].content.startswith("Name the mayor.\n")


def test_a_teacher_with_other_tools_is_refused(run: RunFolder, tmp_path: Path) -> None:
    shutil.copy(run.path / "questions.jsonl", tmp_path)
    teacher = replace(run, path=tmp_path, team=replace(run.team, tools=("Search",)))
    with pytest.raises(RunError, match=r"selected the tools Search, and .* Retrieve; a student needs"):
        student(run, teacher)
