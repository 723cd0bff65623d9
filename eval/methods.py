"""What is compared: ways of answering a question, each a graph over the same tools and limits.

    for method in choose_methods("autoact,react", run.teams()).methods:
        graph = method.build(run.setup(method.speakers)).compile()

docs/methods.md says where each comes from and what was chosen where its source is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.graph.state import StateGraph

from autoact.core.errors import UserError
from autoact.graph.bolaa import bolaa
from autoact.graph.chameleon import chameleon
from autoact.graph.cot import cot
from autoact.graph.group import graph_of
from autoact.graph.react import react
from autoact.graph.reflexion import TRIALS, reflexion, reflexion_fair
from autoact.graph.rewoo import rewoo
from autoact.graph.run_folder import META, TEAM
from autoact.graph.setup import Setup

BASELINE = "zero-shot"
SHOTS = 2
# Teams that are named by how they were trained (Fig. 3).
SIZED = "trajectories-"
STUDENT = "student-"


@dataclass(frozen=True, slots=True)
class Method:
    """`speakers` is whose models speak, as RunFolder.setup knows them; a name of its own is a team to train first.

    shots: demonstrations that are shown. settings: fields of Context that it changes. trials: plays of a question at
    most, and `oracle` says that gold tells it whether to play again. paper: its name in the paper's tables.
    """

    id: str
    about: str
    build: Callable[[Setup], StateGraph[Any, Any, Any, Any]] = graph_of
    speakers: str = META
    shots: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    trials: int = 1
    oracle: bool = False
    paper: str = ""

    @property
    def team(self) -> str:
        """The name of the team that must be trained for it beside the run's own; empty when none must."""
        return "" if self.speakers in (META, TEAM) else self.speakers


METHODS = (
    Method("autoact", "the trained plan, tool and reflect agents", speakers=TEAM, paper="AutoAct"),
    Method(BASELINE, "the untrained META-AGENT in all three roles", paper="Zero-Shot Plan"),
    Method("few-shot", "the META-AGENT in all three roles, shown demonstrations", shots=SHOTS),
    Method("cot", "one agent that thinks, without tools", cot, shots=SHOTS, paper="CoT"),
    Method("react", "one agent that thinks and acts in turn", react, shots=SHOTS, paper="ReAct"),
    Method(
        "reflexion",
        "ReAct, told by the gold answer to learn from a failed try and try again",
        reflexion,
        shots=SHOTS,
        trials=TRIALS,
        oracle=True,
        paper="Reflexion",
    ),
    Method("reflexion-fair", "ReAct that judges for itself whether to try again", reflexion_fair, shots=SHOTS),
    Method("chameleon", "a policy lists modules, which run in order", chameleon, shots=SHOTS, paper="Chameleon"),
    Method("rewoo", "a plan with places for evidence, carried out and then solved", rewoo, shots=SHOTS),
    Method("bolaa", "a controller that calls an agent for each tool", bolaa, shots=SHOTS, paper="BOLAA"),
    Method("fireact", "one agent, trained on whole trajectories", react, "fireact", paper="FireAct"),
    Method(
        "no-reflection",
        "the trained team without its reflect agent",
        speakers=TEAM,
        settings={"reflect": False},
        paper="- reflection",
    ),
    Method("one-agent", "one adapter, trained on all roles' examples", speakers="one-agent", paper="- multi"),
    Method(
        "no-filtering", "the team trained on right and wrong trajectories", speakers="no-filtering", paper="- filtering"
    ),
    Method("tool-agents", "a tool agent for each tool", speakers="tool-agents"),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The methods to play, and of those that `all` leaves out, the ids."""

    methods: tuple[Method, ...]
    left_out: tuple[str, ...]


def choose_methods(names: str, teams: Sequence[str]) -> Chosen:
    """The methods of a list such as `autoact,react`, or `all` that the run has the teams for.

    Raises UserError on an unknown method, and on a named one whose team is not trained.
    """
    known = {method.id: method for method in (*METHODS, *map(_trained, teams)) if method}
    if names.strip() == "all":
        there = {method.id: method for method in known.values() if not method.team or method.team in teams}
        return Chosen(tuple(there.values()), tuple(name for name in known if name not in there))
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not wanted:
        raise UserError(f"--methods is empty; choose from all, {', '.join(known)}")
    for name in wanted:
        if name not in known and not _trained(name):
            raise UserError(
                f"--methods {name} is no method; choose from all, {', '.join(known)}, {SIZED}N, {STUDENT}RUN"
            )
    methods = tuple(known.get(name) or _trained(name) for name in wanted)
    lacking = [method.team for method in methods if method and method.team and method.team not in teams]
    if lacking:
        sought = ",".join(dict.fromkeys(lacking)) if not lacking[0].startswith(STUDENT) else "student --from OTHER"
        raise UserError(
            f"--methods: the run has no team {lacking[0]}; train it first: autoact train RUN --teams {sought}"
        )
    return Chosen(tuple(method for method in methods if method), ())


def _trained(name: str) -> Method | None:
    """The method of a team that is named by how it was trained, if this is one: on N trajectories, or as a student."""
    count, of_whom = name.removeprefix(SIZED), name.removeprefix(STUDENT)
    if name.startswith(SIZED) and count.isdecimal():
        return Method(name, f"the team trained on {count} trajectories", speakers=name)
    if name.startswith(STUDENT) and of_whom:
        return Method(name, f"the team trained on the trajectories of {of_whom}", speakers=name)
    return None
