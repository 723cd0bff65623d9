"""The settings of a run, as LangGraph's context: JSON values, each with its description for Studio.

    graph.invoke({"question": "…"}, context={"temperature": 0.7, "approve_tools": ["Database"]})

What is not given is as the graph was built. A model or a tool is chosen by its name in the team, so that a
context may come from anywhere.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    create_model,
    model_validator,
)

from autoact.core.errors import UserError
from autoact.core.records import ROLES
from autoact.prompts.template import check_wording, template_text

WORDING = {"system_prompt": "system", "input_prompt": "input", "reflect_prompt": "reflect", "retry_prompt": "retry"}


def _setting(default: Any, description: str, *nodes: str, prompt: bool = False, **limits: Any) -> Any:
    """A field that Studio shows at the nodes it is about, or among the settings of the whole graph."""
    extra: dict[str, Any] = {"langgraph_nodes": list(nodes)} if nodes else {}
    if prompt:
        extra["langgraph_type"] = "prompt"
    return Field(default, description=description, json_schema_extra=extra or None, **limits)


class Context(BaseModel):
    """The settings of a run. A value that cannot be is a UserError of one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_steps: int = _setting(10, "Steps a question may take, reflections included.", gt=0)
    max_reflections: int = _setting(2, "Times reflection may send the plan back to work.", ge=0)
    reflect: bool = _setting(True, "Whether a finished answer is reflected on.", "reflect")
    max_tokens: int = _setting(256, "Tokens a turn may take.", gt=0)
    temperature: float | None = _setting(
        0.0, "Sampling temperature; 0 decodes greedily, null is the model's own choice.", ge=0, le=2
    )
    seed: int | None = _setting(None, "Seed of the sampling; each turn draws its own from it.")
    constrain: bool = _setting(False, "Whether turns are held to their form, by backends that can.", "plan", "reflect")
    plan_model: str = _setting("plan", "Who plans: a model of the team, by name.", "plan")
    tool_model: str = _setting("tool", "Who writes inputs: a model of the team, by name.", "tool")
    reflect_model: str = _setting("reflect", "Who reflects: a model of the team, by name.", "reflect")
    tools: list[str] = _setting([], "Those of the team's tools to use; none named means all.", "plan")
    approve_tools: list[str] = _setting(
        [], "Tools whose every call waits for a human to approve, edit or reject it.", "executor"
    )
    tool_timeout: float = _setting(60.0, "Seconds a tool may take.", "executor", gt=0, le=86_400)
    observation_tokens: int = _setting(1000, "Tokens of an observation at most.", "executor", ge=16)
    task_prompt: str = _setting("", "What the agents are told of the task.", *ROLES, prompt=True)
    system_prompt: str = _setting("", "The system turn, with {description} and {tools}.", "plan", prompt=True)
    input_prompt: str = _setting("", "What asks for the input of {tool}.", "tool", prompt=True)
    reflect_prompt: str = _setting("", "What asks whether the answer is right.", "reflect", prompt=True)
    retry_prompt: str = _setting("", "What the plan is told of a doubted answer.", "plan", prompt=True)

    @model_validator(mode="wrap")
    @classmethod
    def _said_in_a_line(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            made = handler(data)
        except ValidationError as problem:
            first = problem.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            if first["type"] == "extra_forbidden":
                raise UserError(f"context: {field} is no setting; choose from {', '.join(cls.model_fields)}") from None
            raise UserError(f"context: {field} is wrong: {first['msg']} (got {first['input']!r:.60})") from None
        for field, template in WORDING.items():
            _check(field, template, getattr(made, field))
        return made

    def but(self, given: Context) -> Context:
        """These settings with the ones that were given."""
        return self.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})

    def beyond(self, defaults: Context) -> dict[str, Any]:
        """What differs from the defaults, as JSON values."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value != getattr(defaults, name)}

    def wording(self) -> dict[str, str]:
        """Template → the text that stands in for it."""
        return {template: text for field, template in WORDING.items() if (text := getattr(self, field))}


def _check(field: str, template: str, text: str) -> None:
    try:
        if text:
            check_wording(template, text)
    except ValueError as problem:
        raise UserError(f"context: {field} is wrong: {problem}") from None


def schema_of(defaults: Context, description: str) -> type[Context]:
    """The context of one graph: each field's default is what that graph was built with, texts in full."""
    texts = {field: template_text(template) for field, template in WORDING.items()} | {"task_prompt": description}
    fields: dict[str, Any] = {}
    for name, field in Context.model_fields.items():
        shown = copy(field)
        value = getattr(defaults, name)
        shown.default = texts[name] if name in texts and not value else value
        fields[name] = (field.annotation, shown)
    return create_model("Context", __base__=Context, **fields)
