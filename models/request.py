"""What the engine is asked and what it answers.

Request(ids=(1, 5, 9), adapter="plan", max_tokens=20, temperature=0.8, seed=7, stop=("\\n\\n",), regex="[^\\n]+")
Completion(text="Thought: …", input_tokens=3, tokens=(84, 104, 2), finish="stop")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from autoact.models.constraint import Constraint

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Request:
    """Token ids to go on from. `adapter` None is the base; temperature 0 is greedy; seed None is random.

    One that is not done within `seconds` fails with TimeoutError, wherever it has got to.

    A completion matches the whole of `regex`, unless `max_tokens` or `stop` cut it or it came to where no token
    goes on (see constraint.py): its reader is the judge. "" is no constraint.
    """

    ids: Sequence[int]
    adapter: str | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    regex: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The text before the closing token or stop string; `tokens` are all that were sampled, the closing one too."""

    text: str
    input_tokens: int
    tokens: tuple[int, ...]
    finish: Finish

    @property
    def output_tokens(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class Job:
    """A request, the future its caller waits on, and what hears the text as it comes."""

    request: Request
    future: Future[Completion]
    tell: Callable[[str], None] | None = None
    constraint: Constraint | None = None
    since: float = field(default_factory=monotonic)

    @property
    def late(self) -> bool:
        """Whether its time is over."""
        limit = self.request.seconds
        return limit is not None and monotonic() - self.since >= limit
