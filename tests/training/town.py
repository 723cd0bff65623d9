"""A toy task with a scripted META-AGENT that knows the way: the learn story in seconds, without a model's whims.

    python town.py FOLDER RUN [SECONDS_A_REPLY]     learns it, for the tests that kill the process

It guesses first on some questions and calls some guesses right, so that failures and doubts occur too.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from langchain_core.messages import BaseMessage

from autoact.core.progress import Silent
from autoact.core.task import Task, check_task
from autoact.models.scripted import ScriptedChatModel
from autoact.training.learn import learn

SEED = Path(__file__).parents[2] / "examples" / "atlas" / "seed"
TOWNS = [f"Town{chr(ord('a') + i // 26)}{chr(ord('a') + i % 26)}" for i in range(80)]


def mayor(town: str) -> str:
    return f"Mayor {town[4:].title()}"


def town_task(folder: Path, **learning: object) -> Task:
    """The task, its corpus written to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [{"title": t, "text": f"{t} is a town. The mayor of {t} is {mayor(t)}."} for t in TOWNS]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    settings = {"questions": 40, "samples": 1, "epochs": 1, "batch_size": 8, "max_steps": 8}
    settings |= {"workers": 8, "rounds": 1}
    data = {
        "name": "Towns",
        "description": "Say who the mayor of a town is.",
        "model": "transformers:scripted",
        "base": str(SEED),
        "tools": ["Search", "Retrieve"],
        "corpus": "corpus.jsonl",
        "examples": [{"question": f"Who is the mayor of {TOWNS[0]}?", "answer": mayor(TOWNS[0])}],
        "learn": {**settings, "prompts_per_round": 4, "held_out": 0.3, "max_length": 2048, **learning},
    }
    return check_task(data, folder / "task.yaml")


def meta_agent(seconds: float = 0.0) -> ScriptedChatModel:
    """Plays the task from the text of the chat alone."""

    def reply(messages: list[BaseMessage]) -> str:
        time.sleep(seconds)
        system, last = str(messages[0].text), str(messages[-1].text)
        if system.startswith("You write new questions"):
            return _pairs(last)
        if system.startswith("You choose the tools"):
            return "Retrieve"
        return _turn(str(messages[1].text).removeprefix("Question: Who is the mayor of ").rstrip("?"), last, messages)

    return ScriptedChatModel(replies=reply)


def _pairs(prompt: str) -> str:
    """Five towns, drawn by the prompt; of one in eight the mayor is made up."""
    start = _draw(prompt, len(TOWNS))
    chosen = [TOWNS[(start + 7 * i) % len(TOWNS)] for i in range(5)]
    answers = [(t, "Nobody" if _draw(t, 8) == 0 else mayor(t)) for t in chosen]
    return "\n\n".join(f"Question: Who is the mayor of {t}?\nAnswer: {answer}" for t, answer in answers)


def _turn(town: str, last: str, messages: list[BaseMessage]) -> str:
    said = " ".join(str(message.text) for message in messages if message.type == "human")
    guesses = _draw(town, 3) == 0 and "judged wrong" not in said
    if last == "Is this answer right?":
        doubts = "Observation" not in said and _draw(town, 2) == 0
        return f"Thought: {'I guessed.' if doubts else 'I think so.'}\nVerdict: {'wrong' if doubts else 'right'}"
    if last == "Input for Retrieve:":
        return town
    if last == "Input for Finish:":
        return mayor(town) if "Observation" in said else "Somebody"
    if "Observation" in said or guesses:
        return "Thought: I answer.\nAction: Finish"
    return f"Thought: I open {town}.\nAction: Retrieve"


def _draw(text: str, limit: int) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % limit


if __name__ == "__main__":
    delay = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    learn(town_task(Path(sys.argv[1])), Path(sys.argv[2]), Silent(), meta_agent(delay))
