"""Examples from a file of the user's, to train one adapter on.

    read_examples(Path("plan.jsonl"))[0].role      # "plan"

{"id": "1", "role": "plan", "messages": [{"role": "user", "content": "…"},
                                         {"role": "assistant", "content": "…", "learn": true}]}
"""

from __future__ import annotations

import re
from pathlib import Path

from autoact.core.errors import TaskError
from autoact.core.records import Example, from_json
from autoact.core.task import read_lines
from autoact.training.examples import trainable

ROLE_NAME = re.compile(r"[A-Za-z0-9][\w:-]*", re.ASCII)  # it names a folder


def read_examples(path: Path, role: str = "") -> list[Example]:
    """The examples of a user's file, or those of one role. Raises TaskError unless there are some, all of one role."""
    examples: list[Example] = []
    for number, data in read_lines(path):
        try:
            examples.append(_checked(from_json(Example, data)))
        except ValueError as problem:
            raise TaskError(f"{path} line {number} is no example: {problem}") from None
    roles = sorted({item.role for item in examples})
    chosen = [item for item in examples if item.role == (role or item.role)]
    if not chosen:
        raise TaskError(f"{path} holds no examples of {role or 'any role'}; there are {', '.join(roles) or 'none'}")
    if len({item.role for item in chosen}) > 1:
        raise TaskError(f"{path} holds examples of several roles ({', '.join(roles)}); choose one by --role")
    if not ROLE_NAME.fullmatch(chosen[0].role):
        raise TaskError(f"{path}: {chosen[0].role!r:.60} is no name for a role; use letters, digits, - and :")
    if not trainable(chosen):
        raise TaskError(f"{path} has nothing to train on: no example, but for those held out, marks a turn to learn")
    return chosen


def _checked(item: Example) -> Example:
    for message in item.messages:
        if message.role not in ("system", "user", "assistant"):
            raise ValueError(f"{message.role!r:.40} is no role of a message; write system, user or assistant")
        if message.learn and message.role != "assistant":
            raise ValueError(f"a turn of the {message.role} is marked to learn; only those of the assistant can be")
        if message.learn and not 0 <= message.given < len(message.content):
            raise ValueError(f"given is {message.given}, and the turn to learn has {len(message.content)} characters")
    if item.messages and item.messages[0].role == "assistant":
        raise ValueError("the assistant speaks first; put the turn before it that it answers")
    return item
