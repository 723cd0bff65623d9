"""A run folder written by hand and a scripted team: what is tested is the evaluation, not an agent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from autoact.core.errors import EndpointError
from autoact.core.records import QAPair, Reward, Scored, Step, Team, Trajectory, to_json
from autoact.core.store import Store, write_json
from autoact.core.task import check_task
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner, RunFolder, open_run
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.library import build_tools

DEV = [
    {"id": "peru", "question": "What is the capital of Peru?", "answer": "Lima", "level": "direct"},
    {"id": "cuba", "question": "What is the capital of Cuba?", "answer": "Havana", "level": "direct"},
    {"id": "chad", "question": "What is the river of Chad?", "answer": "Chari river", "level": "hard"},
]


def lines(path: Path, items: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), "utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A finished run of a small task whose self-instructed question is about Mali."""
    lines(tmp_path / "dev.jsonl", DEV)  # type: ignore[arg-type]
    lines(tmp_path / "corpus.jsonl", [{"title": "Lima", "text": "Lima is the capital of Peru."}])
    folder = tmp_path / "run"
    data = {
        "name": "Toy",
        "description": "Answer questions about countries.",
        "model": "openai:toy",
        "tools": ["Retrieve"],
        "corpus": "corpus.jsonl",
        "examples": [{"question": "What is the capital of Japan?", "answer": "Tokyo"}],
        "benchmarks": {"dev": "dev.jsonl"},
        "learn": {"workers": 2},
    }
    task = check_task(data, tmp_path / "task.yaml")
    write_json(folder / "task.json", {"file": str(task.file), "task": task.model_dump(mode="json")})
    write_json(folder / "team.json", to_json(Team("none", "0", {}, ("Retrieve",), "Toy")))
    questions = Store(folder / "questions.jsonl", QAPair)
    questions.append(QAPair("q0", "What is the capital of Mali?", "Bamako", origin="synthetic"))
    return open_run(folder)


@pytest.fixture
def team() -> Callable[[Mapping[str, str]], tuple[Planner, ScriptedChatModel]]:
    """Makes a team that finishes at once with the given answer to each question, or fails on one it lacks."""

    def make(answers: Mapping[str, str]) -> tuple[Planner, ScriptedChatModel]:
        def reply(messages: list[BaseMessage]) -> str:
            asked, last = str(messages[1].text), str(messages[-1].text)
            if last == "Is this answer right?":
                return "Thought: it is.\nVerdict: right"
            if last == "Input for Finish:":
                return next(answer for question, answer in answers.items() if question in asked)
            if not any(question in asked for question in answers):
                raise EndpointError("the server is gone")
            return "Thought: I know.\nAction: Finish"

        model = ScriptedChatModel(replies=reply)
        tools = build_tools((), None)
        return group_planning(model, tools, "Answer.").compile(), model

    return make


@pytest.fixture
def play() -> Callable[..., Scored]:
    """Makes a play of a question: its reward, its steps, and what else is not as usual."""

    def make(question: str, value: float = 0.0, *steps: Step, epoch: int = 0, **more: Any) -> Scored:
        said: dict[str, Any] = {"answer": "a", "status": "answered", **more}
        return Scored(Trajectory(f"{question}/{epoch}", question, steps, **said), Reward(value, value == 1))

    return make
