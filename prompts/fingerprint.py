"""The words that a team was trained with, as hashes: two versions of this package speak alike when they are equal.

    prompt_hashes()        # {"system": "3fa9…", "observation": "1c2e…", …, "the chat": "77ab…"}
    changed(team.provenance.prompts)        # ("observation",): what a team reads, and is worded otherwise now

Every template that learning and group planning read has a hash, and so has one made-up chat in which whatever the
renderer can write occurs. A text has the same hash on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import resources

from autoact.core.records import Question, Step, ToolCard
from autoact.prompts.render import Brief, plan_chat, reflect_chat, tool_chat
from autoact.prompts.template import template_text

CHAT = "the chat"
READ_BY_TEAMS = (
    "system",
    "tool",
    "plan_turn",
    "malformed_turn",
    "input",
    "observation",
    "no_output",
    "no_action",
    "unknown_tool",
    "bad_input",
    "loop",
    "timeout",
    "rejected",
    "reflect",
    "reflect_turn",
    "retry",
)
READ_IN_LEARNING = ("instruct", "select")  # what the names of these templates begin with; no team reads them

_BRIEF = Brief("Say it.", (ToolCard("Open", "opens a page.", "a title."), ToolCard("Finish", "ends.", "the answer.")))
_QUESTION = Question("Which?", ("gas", "ice"), "A text.", "A caption.", "Letters.")
_STEPS = (
    Step("I look.", "Open", "Lima", "Lima is a city."),
    Step("I do not know what to do.", "", "", "No action."),
    Step("I sing.", "Sing", "", "No such tool."),
    Step("I know.", "Finish", "gas"),
    Step("It is not so.", "Reflect", "wrong"),
    Step("I know it now.", "Finish", "ice"),
)


def prompt_hashes() -> dict[str, str]:
    """Template → sha256 of its text, and that of the made-up chat."""
    folder = resources.files("autoact.prompts") / "templates"
    names = sorted(file.name.removesuffix(".txt") for file in folder.iterdir())
    read = (*READ_BY_TEAMS, *(name for name in names if name.startswith(READ_IN_LEARNING)))
    return {name: _hash(template_text(name)) for name in read} | {CHAT: _hash(_chat())}


def changed(noted: Mapping[str, str]) -> tuple[str, ...]:
    """Of the hashes that were noted of what a team reads, the names of those that differ now; templates go first."""
    now = prompt_hashes()
    return tuple(name for name in (*READ_BY_TEAMS, CHAT) if name in noted and noted[name] != now[name])


def _chat() -> str:
    """The chats that the agents are sent of a question in which all that can happen has happened."""
    chats = (
        plan_chat(_BRIEF, _QUESTION, _STEPS[:5]),
        tool_chat(_BRIEF, _QUESTION, _STEPS[:5], "I look again.", "Open"),
        reflect_chat(_BRIEF, _QUESTION, _STEPS),
    )
    return json.dumps([[(turn.speaker, turn.role, turn.text) for turn in chat] for chat in chats])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
