"""A team as it is served: its graph, what callers are told of it, and what they may set.

team = served_run(open_run(Path("runs/atlas")))
team.check(Context(max_steps=3))        # a caller's settings; an error of one line on what is not theirs to set
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoact.graph.context import Context
from autoact.graph.group import graph_of
from autoact.graph.run_folder import Builder, RunFolder
from autoact.graph.setup import Setup
from autoact.serve.refusal import Refusal
from autoact.serve.schema import TeamCard, Tool

COSTS = ("max_steps", "max_reflections", "max_tokens", "tool_timeout", "observation_tokens")


@dataclass(frozen=True, slots=True)
class ServedTeam:
    """`name` is the task that the team was trained for."""

    name: str
    setup: Setup

    def builder(self) -> Builder:
        """The graph, not compiled yet."""
        return graph_of(self.setup)

    def check(self, given: Context) -> None:
        """Raises UserError on a name that is not the team's, and on a setting looser than the team's own."""
        for name in _loosened(self.setup.defaults, self.setup.settings(given)):
            own = getattr(self.setup.defaults, name)
            raise Refusal(422, f"settings.{name}: must not be looser than this team's own, {own!r}")

    def check_edit(self, tool: str) -> None:
        """Raises Refusal when a human's edit names a tool that is not the team's."""
        if tool not in self.setup.cards:
            raise Refusal(422, f"edited_action.name: {tool!r:.60} is not one of {', '.join(self.setup.cards)}")

    def card(self) -> TeamCard:
        """What callers are told."""
        setup = self.setup
        return TeamCard(
            name=self.name,
            description=setup.description,
            models={role: str(getattr(model, "model_name", model.get_name())) for role, model in setup.models.items()},
            tools=[Tool(name=item.name, definition=item.definition, usage=item.usage) for item in setup.cards.values()],
            settings=self.builder().compile().get_context_jsonschema() or {},
        )


def served_run(run: RunFolder) -> ServedTeam:
    """The team of a run, its models loaded or asked for at the run's endpoint."""
    return ServedTeam(run.task.name, run.setup())


def _loosened(own: Context, wanted: Context) -> Iterator[str]:
    """The settings by which a question could cost more or reach further than the owner meant it to.

    What the owner has approved stays so whatever is given.
    """
    yield from (name for name in COSTS if getattr(wanted, name) > getattr(own, name))
    if own.tools and not (wanted.tools and set(wanted.tools) <= set(own.tools)):
        yield "tools"
