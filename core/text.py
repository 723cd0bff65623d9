"""Text that every tokenizer and database takes, and what was said in one line.

>>> storable("half \\ud800 a \\x00 character")
'half \ufffd a \ufffd character'
>>> line_of(ValueError("first\\n  second"))
'first second'
"""

import re

# As it can be told from the words around it.
TOOL_NAME = re.compile(r"[^\W\d]\w*(?:-\w+)*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with a replacement character for each NUL, which Postgres refuses, and each half of a character."""
    return _UNSTORABLE.sub("\ufffd", text)


def line_of(problem: object, limit: int = 300) -> str:
    """An error, or a text, as one line of at most `limit` characters; its type's name where it says nothing."""
    return " ".join(str(problem).split())[:limit] or type(problem).__name__
