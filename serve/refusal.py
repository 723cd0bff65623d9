"""What a caller is told when a request is not taken: one line, and the HTTP status that fits it.

raise Refusal(409, "thread 5f2c waits for a decision; resume it first")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoact.core.errors import UserError


class Refusal(UserError):
    """A request that is not taken; `again` says that the same one may be taken later."""

    def __init__(self, status: int, line: str, *, again: bool = False) -> None:
        super().__init__(line)
        self.status = status
        self.again = again


def line_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's errors as one line, with the field's path but never the value."""
    first = errors[0]
    if first["type"] in ("json_invalid", "model_attributes_type") or first["loc"] == ("body",):
        return "the body: send one JSON object, with Content-Type: application/json"
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "path", "query"))
    return f"{field}: {first['msg']}"
