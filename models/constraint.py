"""A row held to a regular expression: the tokens that cannot go on matching are taken out of its choice.

    grammars = Grammars(tokenizer, ends={1})
    constraint = grammars.constraint("right|wrong")
    constraint.narrow(logits)              # in place: -inf for all but "r", "right", "w", "wro" …
    constraint.accept(token)

The whole completion matches, and the row may end exactly where the expression may. Where it can neither go on nor
end (a character that no token writes, a limit of the library) the row ends as well, and its reader is the judge.
Expressions are those of Rust's regex crate: no look-around and no references back.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

from autoact.core.errors import ModelError
from autoact.core.text import line_of

COMPILED = 64
# Characters of an expression at most, and work before its first token: each within some tens of milliseconds, in which
# a server answers nobody. What is not done before is done token by token.
LONGEST = 10_000
AHEAD = 100_000


class Constraint:
    """Where one row stands in its expression; to be used from one thread."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def narrow(self, logits: Any) -> None:
        """Take out, in place, what cannot follow; `logits` are one row's, over the model's vocabulary."""
        import numpy as np
        import torch

        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        # A model may have more columns than its tokenizer has tokens: those are filled up with zeros.
        allowed = np.unpackbits(bits, count=logits.shape[-1], bitorder="little").view(bool)
        logits.masked_fill_(~torch.from_numpy(allowed).to(logits.device), -torch.inf)

    def accept(self, token: int) -> None:
        """Go on from the token that was chosen."""
        self._matcher.consume_token(token)


class Grammars:
    """The expressions lately asked for, compiled for one tokenizer whose turns end with one of `ends`."""

    def __init__(self, tokenizer: Any, ends: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._ends = [end for end in sorted(ends) if end < len(tokenizer)]
        self._compiled = functools.lru_cache(maxsize=COMPILED)(self._compile)

    def constraint(self, regex: str) -> Constraint:
        """The beginning of `regex`. Raises ModelError when it is too long, does not compile, or matches nothing."""
        if len(regex) > LONGEST:
            raise ModelError(f"the regex has {len(regex)} characters, and may have {LONGEST}; name fewer alternatives")
        return Constraint(self._compiled(regex).deep_copy())

    def _compile(self, regex: str) -> Any:
        from llguidance import LLMatcher, LLParserLimits

        limits = LLParserLimits(initial_lexer_fuel=AHEAD)
        try:
            matcher = LLMatcher(self._vocabulary, LLMatcher.grammar_from_regex(regex), log_level=0, limits=limits)
        except ValueError as problem:  # a tokenizer it cannot read, half a character in the regex
            raise ModelError(f"no turn of this model can be held to a regex: {line_of(problem)}") from None
        matcher.compute_bitmask()
        if matcher.is_error():
            reason = line_of(matcher.get_error().partition("<state>")[0])
            raise ModelError(f"the regex {regex[:100]!r} does not compile, or matches nothing: {reason}")
        return matcher

    @functools.cached_property
    def _vocabulary(self) -> Any:
        from llguidance.hf import from_tokenizer

        return from_tokenizer(self._tokenizer, eos_token=self._ends)
