"""Tool selection: the META-AGENT chooses from the tools on offer and says why (paper §2.3, Table 7).

    Selection(tools=("Retrieve", "Lookup"), replies=("Retrieve⏎Lookup",), fallback=False, reason="The pages …")

An unusable reply is asked for again once; after that the first tools on offer are taken, and said so. With
`select_tools: utility` what the META-AGENT named is one set of several that are tried on the task's examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from autoact.agents.meta import ask_for_reason, ask_for_tools, read_reason, read_tools
from autoact.core.budget import Meter
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
from autoact.training.utility import Tried, try_sets

RETRY_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen tools, and what the model said.

    reason: why the META-AGENT named the tools of its last reply, where it was asked and its reply could be used.
    tried: the sets that were tried on the examples, the chosen one first.
    """

    tools: tuple[str, ...]
    replies: tuple[str, ...]
    fallback: bool
    reason: str = ""
    tried: tuple[Tried, ...] = ()


def select_tools(
    task: Task,
    model: BaseChatModel,
    offered: Sequence[BaseTool],
    run: Path,
    progress: Progress,
    meter: Meter | None = None,
) -> Selection:
    """The task's tools: read from tools.json if they were chosen before. Raises EndpointError when models failed."""
    path = run / "tools.json"
    if path.exists():
        return read_record(path, Selection)
    if task.learn.select_tools == "utility" and len(offered) > 1:
        selection = _tried(task, model, offered, run / "selection", progress, meter)
    else:
        selection = _named(task, model, offered, progress)
    write_json(path, to_json(selection))
    progress.advance(1, 1, ", ".join(selection.tools))
    return selection


def _tried(
    task: Task,
    model: BaseChatModel,
    offered: Sequence[BaseTool],
    folder: Path,
    progress: Progress,
    meter: Meter | None,
) -> Selection:
    """The set that does best on the examples; what the META-AGENT named lies in the folder before any is tried."""
    path = folder / "named.json"
    if not path.exists():
        write_json(path, to_json(_named(task, model, offered, progress)))
    named = read_record(path, Selection)
    tried = try_sets(task, model, offered, named.tools, folder, progress, meter)
    if not tried:
        progress.say("no set of tools could be tried: those that the META-AGENT named are taken")
        return named
    progress.say(f"{', '.join(tried[0].tools)} did best of {len(tried)} sets of tools on the examples")
    return replace(named, tools=tried[0].tools, tried=tried)


def _named(task: Task, model: BaseChatModel, offered: Sequence[BaseTool], progress: Progress) -> Selection:
    selection = choose(task, model, offered)
    if selection.fallback:
        progress.say(f"no usable tool selection in {len(selection.replies)} replies: the first on offer are taken")
    return selection


def usable(offered: Offered, selected: Sequence[str]) -> list[BaseTool]:
    """The selected tools, in the order they are on offer. Raises TaskError when one cannot be used any more."""
    for name in set(selected) - {tool.name for tool in offered.tools}:
        lack = offered.missing.get(name, "to be on offer")
        raise TaskError(f"tools: {name} was selected when this run began, and needs {lack}; bring it back to go on")
    return [tool for tool in offered.tools if tool.name in selected]


def choose(task: Task, model: BaseChatModel, offered: Sequence[BaseTool]) -> Selection:
    """Ask greedily, then once more with sampling, then fall back; after a reply that can be used, ask why."""
    cards = [card(tool) for tool in offered]
    replies: list[str] = []
    for temperature in (0.0, RETRY_TEMPERATURE):
        replies.append(_reply(task, model, ask_for_tools(task, cards), temperature, temperature))
        try:
            tools = read_tools(task, replies[-1], cards)
        except ParseError:
            continue
        reason = ""
        if task.learn.tool_reasons:
            reason = read_reason(_reply(task, model, ask_for_reason(task, cards, replies[-1]), 0.0, "reason"))
        return Selection(tools, tuple(replies), fallback=False, reason=reason)
    first = tuple(item.name for item in cards[: task.learn.max_tools])
    return Selection(first, tuple(replies), fallback=True)


def _reply(task: Task, model: BaseChatModel, messages: list[BaseMessage], temperature: float, draw: object) -> str:
    seed = seed_of(task.learn.seed, "selection", draw)
    speaker = patient(sampled(model, temperature=temperature, seed=seed, max_tokens=task.learn.max_tokens))
    with asking(task.model):
        return str(speaker.invoke(messages).text)
