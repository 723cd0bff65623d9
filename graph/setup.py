"""What a graph was built with – models by name, tools, settings – and what the context of a run makes of it.

setup = Setup({"plan": model, "tool": model, "reflect": model}, "Answer questions.", tools, Context())
settings = setup.settings(runtime.context)      # this run's, every name checked
setup.brief(settings)                           # what the agents read, in this run's words
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from autoact.core.errors import UserError
from autoact.core.records import FINISH, REFLECT, ROLES, Demonstration, ToolCard
from autoact.core.text import TOOL_NAME
from autoact.graph.context import Context
from autoact.models.load import load_model
from autoact.prompts.render import Brief
from autoact.prompts.template import load_all
from autoact.tools.library import FINISH_CARD, card, input_fields

Models = Mapping[str, BaseChatModel | str] | BaseChatModel | str


class Setup:
    """Models by name (the roles' among them), the task's description, tools, the settings of a run, demonstrations.

    Raises UserError when a role has no model, tools share a name, or settings name what is not there.
    """

    def __init__(
        self,
        models: Models,
        description: str,
        tools: Sequence[BaseTool],
        defaults: Context,
        shots: Sequence[Demonstration] = (),
    ) -> None:
        self.models = models_of(models)
        self.description = description
        self.tools = list(tools)
        self.cards = {item.name: item for item in cards_of(tools)}
        self.fields = {tool.name: input_fields(tool) for tool in tools}
        self.defaults = defaults
        self.shots = tuple(shots)
        self._brief = lru_cache(maxsize=64)(self._make_brief)
        load_all()
        self._check(defaults)

    def settings(self, given: Any, kept: Mapping[str, Any] | None = None) -> Context:
        """The settings of a run, given its context. Raises UserError on a name that the team does not have.

        `kept` are the settings that the question was begun with; a run that is resumed without a context goes on
        under them. A context that is not ours – that of a parent graph – changes nothing. What the graph or the
        question's beginning says must be approved stays so.
        """
        layers = [Context(**kept)] if kept else []
        layers += [given] if isinstance(given, Context) and given.model_fields_set else []
        if not layers:
            return self.defaults
        settings = reduce(Context.but, layers, self.defaults)
        approved = dict.fromkeys(name for layer in (self.defaults, *layers) for name in layer.approve_tools)
        settings = settings.model_copy(update={"approve_tools": list(approved)})
        self._check(settings)
        return settings

    def model(self, role: str, settings: Context, tool: str = "") -> BaseChatModel:
        """Who speaks in a role; for one tool, its own model if the team has one, called `tool:<its name>`."""
        name = getattr(settings, f"{role}_model")
        return self.models.get(f"{name}:{tool}", self.models[name])

    def brief(self, settings: Context) -> Brief:
        """What the agents read of the task, in the words of this run."""
        described = settings.task_prompt or self.description
        return self._brief(described, tuple(settings.tools), tuple(settings.wording().items()))

    def _make_brief(self, described: str, tools: tuple[str, ...], wording: tuple[tuple[str, str], ...]) -> Brief:
        cards = (item for name, item in self.cards.items() if not tools or name in (*tools, FINISH))
        return Brief(described, tuple(cards), dict(wording), self.shots)

    def _check(self, settings: Context) -> None:
        for role in ROLES:
            _known(f"{role}_model", [getattr(settings, f"{role}_model")], self.models)
        _known("tools", settings.tools, self.fields)
        _known("approve_tools", settings.approve_tools, self.cards)


def models_of(models: Models) -> dict[str, BaseChatModel]:
    """Models by name; one model alone speaks in all three roles. Raises UserError when a role has none."""
    if isinstance(models, BaseChatModel | str):
        models = dict.fromkeys(ROLES, load_model(models) if isinstance(models, str) else models)
    if not isinstance(models, Mapping):
        raise UserError(
            f"{type(models).__name__} is no team; give one chat model, or one for each of {', '.join(ROLES)}"
        )
    for role in (*ROLES, *models):
        if not isinstance(models.get(role), BaseChatModel | str):
            raise UserError(f"no model speaks as {role}; give one for each of {', '.join(ROLES)}")
    return {name: load_model(model) if isinstance(model, str) else model for name, model in models.items()}


def brief_of(description: str, tools: Sequence[BaseTool]) -> Brief:
    """What the agents read about a task and its tools. Raises UserError as `cards_of` does."""
    return Brief(description, cards_of(tools))


def cards_of(tools: Sequence[BaseTool]) -> tuple[ToolCard, ...]:
    """What models read about the tools, Finish last.

    Raises UserError on a name used twice, whatever its case, called Reflect, or that no model's reply could name.
    """
    for tool in tools:
        if not isinstance(tool, BaseTool):
            raise UserError(f"{tool!r:.60} is no tool; decorate a function with langchain_core.tools.tool")
        if not TOOL_NAME.fullmatch(tool.name):
            raise UserError(f"{tool.name!r:.60} is no name that a model can write; rename the tool")
    cards = (*(card(tool) for tool in tools), FINISH_CARD)
    names = [item.name for item in cards]
    if len({name.lower() for name in (*names, REFLECT)}) <= len(names):
        raise UserError(f"two tools share a name, or one is called {REFLECT}: {', '.join(names)}")
    return cards


def _known(field: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"context: {field}: {name!r:.60} is not one of this team's; choose from {', '.join(known)}")
