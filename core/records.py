"""The records that flow between rooms; each is what it is on disk, one JSON object.

A trajectory is a list of typed steps:

    Step(thought="I should read about Lima.", tool="Retrieve", argument="Lima", observation="Lima is …")
    Step(thought="The currency is the sol.", tool="Finish", argument="sol")
    Step(thought="The page says so.", tool="Reflect", argument="right")
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FINISH = "Finish"
REFLECT = "Reflect"
ROLES = ("plan", "tool", "reflect")

Status = Literal["answered", "unsure", "halted", "error"]
Origin = Literal["example", "synthetic", "benchmark"]


@dataclass(frozen=True, slots=True)
class Question:
    """What an agent is shown: a question and what comes with it, and nothing else."""

    question: str
    choices: tuple[str, ...] = ()
    context: str = ""
    caption: str = ""
    ocr: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class QAPair:
    """A question with what is shown beside it, and its gold answer (which no agent ever sees)."""

    id: str
    question: str
    answer: str
    choices: tuple[str, ...] = ()
    context: str = ""
    caption: str = ""
    ocr: str = ""
    image: str = ""
    level: str = ""
    origin: Origin = "benchmark"

    def shown(self) -> Question:
        """The question without its answer."""
        return Question(self.question, self.choices, self.context, self.caption, self.ocr, self.image)


@dataclass(frozen=True, slots=True)
class ToolCard:
    """How a tool is described to a model: what it is for, and what its input is (paper Table 5)."""

    name: str
    definition: str
    usage: str


@dataclass(frozen=True, slots=True)
class Step:
    """One action: a tool call, a Finish (argument = the answer) or a Reflect (argument = the verdict).

    `wrote` names, per role, the model or adapter that wrote its part of the step.
    """

    thought: str
    tool: str
    argument: str
    observation: str = ""
    ok: bool = True
    wrote: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question played to its right answer, which a few-shot prompt shows; Finish is the last step."""

    question: Question
    answer: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One played question; `id` is the question's id and the sample's number.

    status: answered (reflection agrees, or was left out), unsure (reflection still doubts the last answer),
    halted (the step budget ran out), error (a model or our own code failed; `error` says how).
    down: what failed is the model's server, which says nothing about the question.
    usage: per role, `{"calls", "input_tokens", "output_tokens"}`, and `"shortened"`: prompts that did not fit whole.
    tools: per tool, `{"calls", "refused", "failed", "timeouts"}`; refused is the planner's doing, failed is not.
    seconds: how long it took, beside others; two plays that differ in nothing else are equal.
    """

    id: str
    question_id: str
    steps: tuple[Step, ...]
    answer: str
    status: Status
    error: str = ""
    down: bool = False
    usage: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tools: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)

    @property
    def shortened(self) -> bool:
        """Whether a role was sent less than the steps say; then they are not what was played."""
        return any(spent.get("shortened") for spent in self.usage.values())


@dataclass(frozen=True, slots=True)
class Reward:
    """How good an answer is: `value` in [0, 1] is what filtering and tables use; `exact` is exact match."""

    value: float
    exact: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """A trajectory with the reward that was computed for it outside the graph."""

    trajectory: Trajectory
    reward: Reward

    @property
    def id(self) -> str:
        return self.trajectory.id


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn on disk: `role` is system, user or assistant; `learn` marks a turn the loss is on.

    given: characters at the beginning of such a turn that the loss is not on.
    """

    role: str
    content: str
    learn: bool = False
    given: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """One training sequence for one role: a conversation with that role's turns marked.

    `held_out` examples are not trained on; the losses in the report are measured on them.
    """

    id: str
    role: str
    messages: tuple[Message, ...]
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Preference:
    """Two turns of one role after the same chat, of which `chosen` is the better."""

    id: str
    role: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a team was made of and with. Hashes are sha256; what an older version did not note is empty.

    template: of the base's chat template. prompts: of each template, and of a chat as the renderer writes it.
    adapters: by path, of weights and configuration. tools: by name, of what models read about each; origins: where
    each comes from. data: by file of the run folder. packages: versions. metrics: what the run measured.
    """

    template: str = ""
    prompts: Mapping[str, str] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Team:
    """A base model and the adapter of each role. Paths are relative to the run folder when inside it.

    `base` is a path or hub name; a role without an adapter is answered by the base itself. `round` is the one of the
    run's rounds that trained it.
    """

    base: str
    base_hash: str
    adapters: Mapping[str, str]
    tools: tuple[str, ...]
    task: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    round: int = 0
    provenance: Provenance = field(default_factory=Provenance)


def to_json(record: Any) -> dict[str, Any]:
    """A record as a JSON object."""
    return dataclasses.asdict(record)


T = typing.TypeVar("T")


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """The record of `kind` that `data` holds. Raises ValueError on a missing, unknown or ill-typed field."""
    if not isinstance(data, Mapping):
        raise ValueError(f"a {kind.__name__} must be an object")
    hints, fields = _shape(kind)  # type: ignore[arg-type]  # any class can be hashed
    unknown = data.keys() - fields.keys()
    if unknown:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r}")
    values: dict[str, Any] = {}
    for name, spec in fields.items():
        if name in data:
            values[name] = _value(hints[name], data[name], name)
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise ValueError(f"field {name!r} is missing")
    return kind(**values)


@functools.cache
def _shape(kind: Any) -> tuple[dict[str, Any], dict[str, dataclasses.Field[Any]]]:
    """The types and the fields of a record, by name; resolving types takes longer than reading a record."""
    return typing.get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}


def _value(hint: Any, value: Any, name: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return from_json(hint, value)
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_value(args[0], item, f"{name}[{i}]") for i, item in enumerate(value))
    if origin is Literal and value in args:
        return value
    if origin in (typing.Union, types.UnionType) and (value is None or len(args) == 2):
        return None if value is None else _value(args[0], value, name)
    if (origin or hint) is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if isinstance(value, Mapping):
            return dict(value)
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif isinstance(hint, type) and type(value) is hint:
        return value
    advice = "; put a text in quotes" if hint is str else ""  # YAML reads 1999, yes and dates otherwise
    raise ValueError(f"field {name!r} has a value of the wrong type: {value!r:.80}{advice}")
