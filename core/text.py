"""Text that every tokenizer and database takes, that hides nothing, and what was said in one line.

>>> storable("half \\ud800 a \\x00 character")
'half \ufffd a \ufffd character'
>>> spelt_out("left \\u202e right")
'left \\\\u202e right'
>>> line_of(ValueError("first\\n  second"))
'first second'
"""

import re

# As it can be told from the words around it.
TOOL_NAME = re.compile(r"[^\W\d]\w*(?:-\w+)*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Control characters but tab and newline, those that turn the reading direction, part lines or are not seen, and
# halves of characters.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def storable(text: str) -> str:
    """The text with a replacement character for each NUL, which Postgres refuses, and each half of a character."""
    return _UNSTORABLE.sub("\ufffd", text)


def spelt_out(text: str) -> str:
    """The text with each character that could steer a terminal or hide what is said shown as what it is."""
    return _HIDDEN.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def line_of(problem: object, limit: int = 300) -> str:
    """An error, or a text, as one line of at most `limit` characters; its type's name where it says nothing."""
    return " ".join(str(problem).split())[:limit] or type(problem).__name__
