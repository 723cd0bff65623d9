"""Text that every tokenizer and database takes.

>>> storable("half \\ud800 a \\x00 character")
'half \ufffd a \ufffd character'
"""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with a replacement character for each NUL, which Postgres refuses, and each half of a character."""
    return _UNSTORABLE.sub("\ufffd", text)
