"""What is compared: ways of answering a question, each with the graph of a run that plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autoact.core.errors import UserError

BASELINE = "zero-shot"
Kind = Literal["autoact", "zero-shot"]


@dataclass(frozen=True, slots=True)
class Method:
    """`planner` is what RunFolder.planner is asked for; `needs_adapters` says that it was trained."""

    id: str
    about: str
    planner: Kind
    needs_adapters: bool


METHODS = (
    Method(BASELINE, "the untrained META-AGENT in all three roles", "zero-shot", needs_adapters=False),
    Method("autoact", "the trained plan, tool and reflect agents", "autoact", needs_adapters=True),
)


def choose_methods(names: str) -> tuple[Method, ...]:
    """The methods of a list such as `autoact,zero-shot`, or `all`. Raises UserError listing what there is."""
    known = {method.id: method for method in METHODS}
    wanted = list(known) if names.strip() == "all" else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise UserError(f"--methods {name} is no method; choose from all, {', '.join(known)}")
    if not wanted:
        raise UserError(f"--methods is empty; choose from all, {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(wanted))
