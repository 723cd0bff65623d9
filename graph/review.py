"""A human's word on a pending call: approve it, edit it, or reject it.

    graph.invoke(question, thread, context={"approve_tools": ["Database"]})["__interrupt__"]
    graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), thread)
    graph.invoke(Command(resume={"decisions": [{"type": "reject", "message": "not that table"}]}), thread)

Request and decision have the form of LangChain's human-in-the-loop middleware, which Studio and agent inboxes
show as a form. A tool's input is one text here, so that `args` is `{"input": text}`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langgraph.types import interrupt

from autoact.graph.state import State

if TYPE_CHECKING:
    from langchain.agents.middleware.human_in_the_loop import HITLRequest

HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Pending:
    """An action that has not run yet; a human may have said to run it, or why not (`refused`)."""

    thought: str
    tool: str
    argument: str
    wrote: dict[str, str] = field(default_factory=dict)
    refused: str | None = None
    approved: bool = False


def pending_of(state: State) -> Pending:
    """The action that the state holds."""
    return Pending(state["thought"], state["tool"], state["argument"], state.get("wrote", {}))


def reviewed(pending: Pending, names: Collection[str]) -> Pending:
    """The action as a human wants it. Interrupts the graph, again after a decision that cannot be read."""
    problem = ""
    while True:
        decision = interrupt(_request(pending, problem))
        try:
            return _decided(pending, decision, names)
        except ValueError as wrong:
            problem = str(wrong)


def _request(pending: Pending, problem: str) -> HITLRequest:
    told = f"The last decision could not be read: {problem}" if problem else pending.thought
    return {
        "action_requests": [{"name": pending.tool, "args": {"input": pending.argument}, "description": told}],
        "review_configs": [{"action_name": pending.tool, "allowed_decisions": ["approve", "edit", "reject"]}],
    }


def _decided(pending: Pending, answer: Any, names: Collection[str]) -> Pending:
    """The action after a decision. Raises ValueError on what is no decision."""
    decisions = answer.get("decisions") if isinstance(answer, dict) else None
    decision = decisions[0] if isinstance(decisions, list) and len(decisions) == 1 else None
    match decision:
        case {"type": "approve"}:
            return replace(pending, approved=True)
        case {"type": "reject", **rest}:
            return replace(pending, refused=str(rest.get("message") or "no reason was given"))
        case {"type": "edit", "edited_action": {"name": str(name), "args": {"input": str(text)}}} if name in names:
            return _edited(pending, name, text)
        case {"type": "edit"}:
            wanted = f'{{"name": one of {", ".join(names)}, "args": {{"input": text}}}}'
            raise ValueError(f"an edit needs edited_action: {wanted}")
    raise ValueError('resume with {"decisions": [{"type": "approve"}]}, or with one edit or reject')


def _edited(pending: Pending, tool: str, argument: str) -> Pending:
    wrote = pending.wrote | ({"plan": HUMAN} if tool != pending.tool else {})
    return replace(pending, tool=tool, argument=argument, wrote=wrote | {"tool": HUMAN}, approved=True)
