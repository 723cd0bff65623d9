"""What the engine is asked and what it answers.

Request(ids=(1, 5, 9), adapter="plan", max_tokens=20, temperature=0.8, seed=7, stop=("\\n\\n",))
Completion(text="Thought: …", input_tokens=3, output_tokens=12, finish="stop")
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Request:
    """Token ids to go on from. `adapter` None is the base; temperature 0 is greedy; seed None is random."""

    ids: Sequence[int]
    adapter: str | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """The text before the closing token or stop string; `output_tokens` counts every token sampled."""

    text: str
    input_tokens: int
    output_tokens: int
    finish: Finish


@dataclass(frozen=True, slots=True)
class Job:
    """A request and the future its caller waits on."""

    request: Request
    future: Future[Completion]
