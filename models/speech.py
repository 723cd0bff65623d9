"""A row's text, handed out piece by piece while its tokens are sampled.

    speech = Speech(tell, alphabet(tokenizer), stop=("\\n\\n",))
    speech.hear(token)            # tell("Bass"), or nothing yet
    speech.end(completion.text)   # tell(what has not been told)

The pieces make up the completion's text exactly, so what may still change is held back: a character of which
only some bytes are there, and what could be the beginning of a stop string.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

# A token is decoded beside the ones before it, which must reach back over one character's bytes.
BESIDE = 8
UNFINISHED = "\ufffd"


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How a tokenizer writes; `silent` tokens write nothing, `halves` a byte that means something in a run only."""

    decode: Callable[[Sequence[int]], str]
    silent: Set[int]
    halves: Set[int]


def alphabet(tokenizer: Any) -> Alphabet:
    """The alphabet of a tokenizer."""

    def decode(tokens: Sequence[int]) -> str:
        return str(tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    vocabulary = tokenizer.get_vocab()
    silent = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    halves = {vocabulary[name] for name in (f"<0x{byte:02X}>" for byte in range(256)) if name in vocabulary}
    return Alphabet(decode, silent, halves)


class Speech:
    """What one row has said, as far as it is certain; to be used from one thread."""

    def __init__(self, tell: Callable[[str], None], letters: Alphabet, stop: Sequence[str]) -> None:
        self._tell = tell
        self._letters = letters
        self._stop = stop
        self._tokens: list[int] = []
        self._known = 0
        self._held = ""
        self._told = 0

    def hear(self, token: int) -> None:
        """One more token, after which the row goes on."""
        if token in self._letters.silent:
            return
        self._tokens.append(token)
        if token in self._letters.halves:
            return
        text = self._letters.decode(self._tokens)
        certain = len(text) - text.endswith(UNFINISHED)
        said = self._held + text[self._known : certain]
        cut = len(said) - _beginning(said, self._stop)
        self._held, self._known = said[cut:], certain
        if len(self._tokens) > 2 * BESIDE:
            self._forget(len(text) - certain)
        self._say(said[:cut])

    def end(self, text: str) -> None:
        """The row is done and `text` is all it has said."""
        self._say(text[self._told :])

    def _forget(self, unknown: int) -> None:
        """Drop all but the last tokens, of whose text the last `unknown` characters are not certain."""
        self._tokens = self._tokens[-BESIDE:]
        self._known = len(self._letters.decode(self._tokens)) - unknown

    def _say(self, piece: str) -> None:
        if piece:
            self._told += len(piece)
            self._tell(piece)


def _beginning(text: str, stop: Sequence[str]) -> int:
    """How many of the last characters of `text` could begin a stop string."""
    longest = min(max(map(len, stop), default=1) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if any(word.startswith(text[-size:]) for word in stop)), 0)
