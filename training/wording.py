"""What a question says, taken apart, so that questions can be told to differ in a name, a number or a negation.

    wording_of("Who didn't win the World Cup in 1998?")
    # Wording(names=("world", "cup"), numbers=("1998",), negations=1, words=("who", "win"))

Names are words with a capital, unless they open a sentence and are known to be none, and all words in quotes; in a
script without capitals every word. Words that hardly bear on what is asked are left out (the lists are English).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from autoact.core.contamination import SENTENCE_MARKS

_TOKEN = re.compile(r"\w+(?:[.,:/'’-]\w+)*|[^\w\s]")
# Bounded, so that a text of quotes that never close is read in good time.
_QUOTED = re.compile(r"[\"“«„][^\"“”«»„]{1,300}[\"”»“]|(?<!\w)['‘][^'‘’]{1,300}(?:['’]\w[^'‘’]{0,300}){0,9}['’](?!\w)")
_POSSESSIVE = re.compile(r"['’]s?$")

_NEGATIONS = """
not no never none nor neither nobody nothing nowhere without except cannot
"""
_NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve hundred thousand million billion once twice
first second third fourth fifth sixth seventh eighth ninth tenth last half double both
"""
_EMPTY = """
a an the is are was were be been being am do does did has have had it its of in at what which that whose there these
those this please
"""
_OPENING = """
who whom where when why how on for from to by with between among during after before if can could will would should
may might as about under over since until while name identify give find select list choose complete compare state tell
say explain describe calculate compute determine given consider read look use based according he she they we you your
his her their and or but most many much some all every each
"""
NEGATIONS, NUMBERS, EMPTY = set(_NEGATIONS.split()), set(_NUMBERS.split()), set(_EMPTY.split())
OPENING = EMPTY | set(_OPENING.split())  # words with a capital at the beginning of a sentence that are no names


@dataclass(frozen=True, slots=True)
class Wording:
    """A question's names and quoted words, its numbers and signs, and its other words, each in their order."""

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    negations: int
    words: tuple[str, ...]

    def guard(self) -> tuple[object, ...]:
        """All but the other words."""
        return self.names, self.numbers, self.negations


def wording_of(question: str) -> Wording:
    """A question taken apart; case, possessives and the plurals of other words do not count."""
    question = unicodedata.normalize("NFC", question)  # an accent that is a character of its own would part a word
    names: list[str] = []
    numbers: list[str] = []
    words: list[str] = []
    negations = 0
    quoted = {at for match in _QUOTED.finditer(question) for at in range(*match.span())}
    for at, token, opening in _tokens(question):
        word = _POSSESSIVE.sub("", token.casefold())
        if at in quoted:
            names.append(word)
        elif (opening or token == word) and (word in NEGATIONS or word.endswith(("n't", "n’t"))):
            negations += 1
        elif _is_name(token, word, opening):
            names.append(word)
        elif word in NUMBERS or _is_number(word):
            numbers.append(word)
        elif word not in EMPTY:
            words.append(_singular(word))
    return Wording(tuple(names), tuple(numbers), negations, tuple(words))


def _tokens(text: str) -> Iterator[tuple[int, str, bool]]:
    """Where each word or sign stands, itself, and whether it opens a sentence; without sentence punctuation."""
    opening = True
    for match in _TOKEN.finditer(text):
        if match.group() in SENTENCE_MARKS:
            opening = opening or match.group() in ".?!:"
        else:
            yield match.start(), match.group(), opening
            opening = False


def _is_name(token: str, word: str, opening: bool) -> bool:
    if token.upper() == token.lower():  # a script without capitals, unless it is a number or a sign
        return token[0].isalpha()
    if token.lower() == token or (opening and word in OPENING):
        return False
    return word not in EMPTY or (token.isupper() and not opening)  # "The" is no name; "IT" and point "A" are


def _is_number(word: str) -> bool:
    return any(map(str.isdecimal, word)) or not any(map(str.isalpha, word))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word
