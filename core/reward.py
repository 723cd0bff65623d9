"""How good an answer is: HotpotQA's token F1 and exact match, or the accuracy of a choice.

    >>> token_f1("the Bass Rock", "Bass Rock lighthouse")
    0.8
    >>> choice_index("(b)", ("gas", "solid")), choice_index("", ("gas", "solid"))
    (1, None)

Sources: the official HotpotQA evaluation (Yang et al. 2018) and AutoAct §3 (F1 for HotpotQA, accuracy for
ScienceQA). No answer is a wrong answer; it never counts as option A.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

from autoact.core.records import QAPair, Reward

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CLOSED = {"yes", "no", "noanswer"}
_LETTER = re.compile(r"\(?([A-Za-z])\)?[.:]?")


def normalize(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: the official HotpotQA normalisation."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def token_f1(answer: str, gold: str) -> float:
    """Token F1 in [0, 1]; 0 when either side is yes, no or noanswer and they differ."""
    said, meant = normalize(answer), normalize(gold)
    if said != meant and (said in _CLOSED or meant in _CLOSED):
        return 0.0
    said_tokens, meant_tokens = said.split(), meant.split()
    shared = sum((Counter(said_tokens) & Counter(meant_tokens)).values())
    return 2 * shared / (len(said_tokens) + len(meant_tokens)) if shared else 0.0


def exact_match(answer: str, gold: str) -> bool:
    """Whether both are the same after normalisation, and not empty."""
    return bool(normalize(answer)) and normalize(answer) == normalize(gold)


def choice_index(answer: str, choices: Sequence[str]) -> int | None:
    """The option an answer names by letter (`B`, `(b)`, `B.`), by text or both; None when it names none."""
    text = answer.strip()
    if text and text in choices:
        return choices.index(text)
    same = [index for index, choice in enumerate(choices) if exact_match(text, choice)]
    if len(same) == 1:  # options such as 1.5 and 15 are the same once normalised
        return same[0]
    letter = _LETTER.fullmatch(text) or re.match(r"\(([A-Za-z])\)\s|([A-Za-z])[.:]\s", text)
    if letter is None:
        return None
    index = ord(next(group for group in letter.groups() if group).upper()) - ord("A")
    rest = text[letter.end() :]
    if index >= len(choices) or (rest.strip() and normalize(rest) != normalize(choices[index])):
        return None
    return index


def reward_of(answer: str, pair: QAPair) -> Reward:
    """The reward of an answer to a question: accuracy where the question has choices, else token F1."""
    if pair.choices:
        said = choice_index(answer, pair.choices)
        right = said is not None and said == choice_index(pair.answer, pair.choices)
        return Reward(float(right), right)
    return Reward(token_f1(answer, pair.answer), exact_match(answer, pair.answer))
