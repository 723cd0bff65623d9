"""Tool selection: the META-AGENT chooses from the tools on offer (paper §2.3, Table 7).

    Selection(tools=("Retrieve", "Lookup"), replies=("Retrieve⏎Lookup",), fallback=False)

An unusable reply is asked for again once; after that the first tools on offer are taken, and said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from autoact.agents.meta import ask_for_tools, read_tools
from autoact.core.errors import ParseError, TaskError
from autoact.core.progress import Progress
from autoact.core.records import to_json
from autoact.core.seeds import seed_of
from autoact.core.store import read_record, write_json
from autoact.core.task import Task
from autoact.models.failures import asking, patient
from autoact.models.load import sampled
from autoact.tools.library import card
from autoact.tools.toolbox import Offered

RETRY_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen tools, and what the model said."""

    tools: tuple[str, ...]
    replies: tuple[str, ...]
    fallback: bool


def select_tools(
    task: Task, model: BaseChatModel, offered: Sequence[BaseTool], run: Path, progress: Progress
) -> Selection:
    """The task's tools: read from tools.json if they were chosen before."""
    path = run / "tools.json"
    if path.exists():
        return read_record(path, Selection)
    selection = choose(task, model, offered)
    if selection.fallback:
        progress.say(f"no usable tool selection in {len(selection.replies)} replies: the first on offer are taken")
    write_json(path, to_json(selection))
    progress.advance(1, 1, ", ".join(selection.tools))
    return selection


def usable(offered: Offered, selected: Sequence[str]) -> list[BaseTool]:
    """The selected tools, in the order they are on offer. Raises TaskError when one cannot be used any more."""
    for name in set(selected) - {tool.name for tool in offered.tools}:
        lack = offered.missing.get(name, "to be on offer")
        raise TaskError(f"tools: {name} was selected when this run began, and needs {lack}; bring it back to go on")
    return [tool for tool in offered.tools if tool.name in selected]


def choose(task: Task, model: BaseChatModel, offered: Sequence[BaseTool]) -> Selection:
    """Ask greedily, then once more with sampling, then fall back."""
    cards = [card(tool) for tool in offered]
    replies: list[str] = []
    for temperature in (0.0, RETRY_TEMPERATURE):
        seed = seed_of(task.learn.seed, "selection", temperature)
        speaker = patient(sampled(model, temperature=temperature, seed=seed, max_tokens=task.learn.max_tokens))
        with asking(task.model):
            replies.append(str(speaker.invoke(ask_for_tools(task, cards)).text))
        try:
            return Selection(read_tools(task, replies[-1], cards), tuple(replies), fallback=False)
        except ParseError:
            continue
    first = tuple(item.name for item in cards[: task.learn.max_tools])
    return Selection(first, tuple(replies), fallback=True)
