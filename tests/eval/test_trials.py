"""A method that is granted the gold answer tries again until it is right, and the graph is never shown the answer."""

from __future__ import annotations

import asyncio

from langchain_core.messages import BaseMessage

from autoact.core.records import REFLECT, QAPair, Trajectory
from autoact.eval.trials import play_trials
from autoact.graph.context import Context
from autoact.graph.reflexion import reflexion
from autoact.graph.run import Job
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.log import ToolLog

PAIR = QAPair("peru", "What is the capital of Peru?", "Lima")


def played(*answers: str, trials: int = 2) -> tuple[Trajectory, ScriptedChatModel]:
    """What a model makes of the question that has these answers in turn."""
    left = list(answers)

    def reply(messages: list[BaseMessage]) -> str:
        if str(messages[0].text).startswith("You look back"):
            return "Look at a map."
        return f"Thought: I think so.\nAction: Finish[{left.pop(0)}]"

    model = ScriptedChatModel(replies=reply)
    graph = reflexion(Setup(model, "Answer.", [], Context())).compile()
    job = Job("peru/0", "peru", PAIR.shown(), 1)
    return asyncio.run(play_trials(graph, job, PAIR, Context(), trials, ToolLog())), model


def test_a_right_answer_is_not_tried_again() -> None:
    trajectory, model = played("Lima")
    assert (trajectory.answer, len(trajectory.steps), len(model.calls)) == ("Lima", 1, 1)


def test_a_wrong_answer_is_tried_again_with_a_lesson() -> None:
    trajectory, model = played("Cusco", "Lima")
    assert [(step.tool, step.argument) for step in trajectory.steps] == [
        ("Finish", "Cusco"), (REFLECT, "wrong"), ("Finish", "Lima"),
    ]  # fmt: skip
    assert trajectory.answer == "Lima"
    assert sum(counts["calls"] for counts in trajectory.usage.values()) == len(model.calls) == 3


def test_trials_are_spent_after_so_many() -> None:
    trajectory, _ = played("Cusco", "Quito", "Lima", trials=2)
    assert (trajectory.answer, [step.tool for step in trajectory.steps].count(REFLECT)) == ("Quito", 1)


def test_no_prompt_holds_the_answer() -> None:
    _, model = played("Cusco", "Quito", "Bogota", trials=3)
    assert "Lima" not in " ".join(str(message.text) for call in model.calls for message in call)
