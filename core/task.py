"""A task: what the user writes down, one YAML file, checked whole before anything runs.

name: Atlas
description: Answer questions about countries …
model: transformers:seed
tools: [Search, Retrieve, Lookup]
corpus: corpus.jsonl
examples:
  - {question: "What is the currency of Peru?", answer: sol}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from autoact.core.errors import TaskError
from autoact.core.learning import LearnConfig, Section, with_preset
from autoact.core.records import QAPair, from_json
from autoact.core.reward import choice_index

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
UNHEEDED = ("endpoint", "benchmarks", "offline", "cassette")


class Task(Section):
    """A task file. Relative paths are relative to the file's folder."""

    name: Text = Field(description="The task's name.")
    description: Text = Field(description="What the agent must do, and how an answer looks.")
    model: Text = Field(description="The META-AGENT, as provider:name; transformers:PATH runs in process.")
    endpoint: str = Field("", description="Where the server of an openai:, vllm:, ollama: or anthropic: model is.")
    base: str = Field("", description="Weights the adapters are trained on, if `model` is not transformers:.")
    tools: tuple[Text, ...] = Field(min_length=1, description="Tools on offer.", strict=False)
    corpus: str = Field("", description="JSONL of {title, text}, read by Search, Retrieve and Lookup.")
    toolbox: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings by tool; `import:` or `mcp:` says where a tool that is not the library's comes from.",
    )
    offline: bool = Field(False, description="Refuse the network: tools that need it answer from the cassette.")
    cassette: str = Field("", description="SQLite file in which the answers of such tools are recorded.")
    examples: tuple[dict[str, Any], ...] = Field(
        min_length=1,
        description="A handful of {question, answer[, choices, context, caption, ocr]}.",
        strict=False,
    )
    benchmarks: dict[str, str] = Field(
        default_factory=dict, description="Splits to evaluate: name to JSONL, whose questions are never learned from."
    )
    exclude: tuple[str, ...] = Field(
        (), description="JSONL files whose questions are never learned from.", strict=False
    )
    learn: LearnConfig = Field(default_factory=LearnConfig, description="How to learn.")
    file: Path = Field(Path("task.yaml"), exclude=True, description="The task file.", strict=False)

    @property
    def folder(self) -> Path:
        """Where the task file lies."""
        return self.file.parent

    @field_validator("tools")
    @classmethod
    def _no_tool_twice(cls, tools: tuple[str, ...]) -> tuple[str, ...]:
        for name in tools:
            if tools.count(name) > 1:
                raise ValueError(f"{name} is listed twice")
        return tools

    @field_validator("toolbox")
    @classmethod
    def _settings_are_of_a_tool(cls, toolbox: dict[str, Any], known: ValidationInfo) -> dict[str, Any]:
        for name in toolbox:
            if name not in known.data.get("tools", toolbox):
                raise ValueError(f"{name} is not listed in tools; add it there or correct the name")
        return toolbox

    def path(self, name: str) -> Path:
        """A file of the task, relative to its folder."""
        return self.folder / name

    def model_spec(self) -> str:
        """The META-AGENT's spec; a transformers: path beside the task file is made absolute."""
        return _resolve(self.model, self.folder)

    def base_path(self) -> str:
        """The path or hub name of the weights that adapters are trained on. Raises TaskError without any."""
        if self.base:
            return _resolve(f"transformers:{self.base}", self.folder).partition(":")[2]
        provider, _, name = self.model_spec().partition(":")
        if provider != "transformers":
            raise TaskError(f"base: is needed to train on, since model: {self.model} is not transformers:PATH")
        return name

    def seeds(self) -> tuple[QAPair, ...]:
        """The examples as records."""
        named = ({**item, "id": f"example-{i}"} for i, item in enumerate(self.examples))
        return tuple(qa_pair(item, "", "example") for item in named)

    def fingerprint(self, play: bool = False) -> str:
        """A hash of what learning depends on, or `play` alone: two runs are of one task when it is equal.

        The content of corpus, excluded files and files named in the toolbox counts; where a server is, how much runs
        at once, what is evaluated, and whether tools are recorded or replayed do not. Raises TaskError when a file
        cannot be read.
        """
        data = self.model_dump(mode="json", exclude={*UNHEEDED, *([] if self.toolbox else ["toolbox"])})
        for name in (*LearnConfig.UNHEEDED, *(LearnConfig.STUDY if play else ())):
            del data["learn"][name]
        for name in (self.corpus, *self.exclude, *self._toolbox_files()):
            data[f"content of {name}"] = file_hash(self.path(name)) if name else ""
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]

    def _toolbox_files(self) -> list[str]:
        """Files beside the task file that the toolbox names: databases, scripts of servers."""
        return sorted(text for text in set(_texts(self.toolbox)) if is_file(self.path(text)))


def is_file(path: Path) -> bool:
    """Whether there is such a file, also of a text that can be no path."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text too long or with a NUL names no file
        return False


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def file_hash(path: Path) -> str:
    """The sha256 of a file's content. Raises TaskError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise TaskError(f"{path} cannot be read ({problem.strerror}); put the file back") from None


def _resolve(spec: str, folder: Path) -> str:
    provider, _, name = spec.partition(":")
    if provider == "transformers" and (folder / name).exists():
        return f"transformers:{(folder / name).resolve()}"
    return spec


def load_task(path: Path, overrides: dict[str, Any] | None = None, preset: str = "") -> Task:
    """Read and check a task file. Raises TaskError.

    `preset` replaces the fields of its learn section that the preset sets, and `overrides` those it names.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise TaskError(f"{path} cannot be read ({problem.strerror}); give the path of a task file") from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise TaskError(f"{path} is not YAML: {' '.join(str(problem).split())}") from None
    if not isinstance(data, dict):
        raise TaskError(f"{path} must be a YAML mapping with name, description, model, tools and examples")
    learn, given = data.get("learn") or {}, overrides or {}  # every line of the section may be commented out
    if isinstance(learn, dict):
        data["learn"] = with_preset(learn, given.get("preset", preset)) | given
    task = check_task(data, path.resolve())
    _check_files(task, path)
    return task


def check_task(data: dict[str, Any], path: Path) -> Task:
    """A task from the fields of the file at `path`. Raises TaskError naming the first field that is wrong."""
    try:
        task = Task.model_validate({**data, "file": path})
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        missing = first["type"] == "missing"
        advice = "is missing; add it" if missing else f"is wrong: {first['msg']} (got {first['input']!r:.60})"
        raise TaskError(f"{path}: {field} {advice}") from None
    try:
        for pair in task.seeds():
            check_choices(pair)
        task.model_dump_json()  # half a character, which no tokenizer takes, is a ValueError
    except ValueError as problem:
        raise TaskError(f"{path}: examples: {problem}") from None
    return task


def _check_files(task: Task, path: Path) -> None:
    named = [("corpus", task.corpus)] if task.corpus else []
    named += [(f"benchmarks.{split}", file) for split, file in task.benchmarks.items()]
    named += [("exclude", file) for file in task.exclude]
    for field, file in named:
        if not task.path(file).is_file():
            raise TaskError(f"{path}: {field}: {task.path(file)} does not exist; correct the path")


def qa_pair(data: Any, default_id: str, origin: str) -> QAPair:
    """A question from a JSON object. Raises ValueError naming what is wrong with it."""
    if not isinstance(data, dict):
        raise ValueError("must be an object with question and answer")
    known = {name: value for name, value in data.items() if name in QAPair.__dataclass_fields__}
    pair = from_json(QAPair, {"id": default_id, **known, "origin": origin})
    if not pair.question.strip() or not pair.answer.strip():
        raise ValueError("question and answer must not be empty")
    return pair


def check_choices(pair: QAPair) -> None:
    """Raises ValueError when a question has choices and its answer names none of them."""
    if pair.choices and choice_index(pair.answer, pair.choices) is None:
        raise ValueError(f"the answer {pair.answer!r:.60} is none of the choices")


def read_questions(path: Path) -> list[QAPair]:
    """The questions of a JSONL file, extra fields ignored. Raises TaskError naming the line."""
    pairs: dict[str, QAPair] = {}
    for number, data in read_lines(path):
        try:
            pair = qa_pair(data, f"{path.stem}-{number}", "benchmark")
        except ValueError as problem:
            raise TaskError(f"{path} line {number}: {problem}") from None
        if not pair.id:
            raise TaskError(f"{path} line {number}: id must not be empty; write one, or leave the field out")
        if pair.id in pairs:
            raise TaskError(f"{path} line {number}: id {pair.id!r} is used twice; ids must be unique")
        pairs[pair.id] = pair
    if not pairs:
        raise TaskError(f"{path} holds no question")
    return list(pairs.values())


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Line number and JSON value of each line of a user's JSONL file. Raises TaskError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # some editors open a file with a mark
    except (OSError, UnicodeDecodeError) as problem:
        raise TaskError(f"{path} cannot be read ({problem}); give the path of a JSONL file in UTF-8") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                value = json.loads(line)
                if "\\u" in line:  # an escape may hold half a character, which no tokenizer or index takes
                    json.dumps(value, ensure_ascii=False).encode()
            except (ValueError, RecursionError) as problem:
                raise TaskError(f"{path} line {number} is not JSON ({problem})") from None
            yield number, value
