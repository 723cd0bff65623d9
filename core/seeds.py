"""Every random draw has its own seed, so that a resumed run draws what the first would have drawn.

>>> seed_of(0, "synthesis", "q-17", 2) == seed_of(0, "synthesis", "q-17", 2)
True
"""

import hashlib


def seed_of(*parts: object) -> int:
    """A 31-bit seed from whatever identifies the draw: run seed, stage, id, sample, turn."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "big") >> 1
