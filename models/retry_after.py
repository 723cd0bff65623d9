"""A server that says when it may be asked again is left alone until then, by every request to it.

busy = RetryAfter()
sleep(busy.seconds())             # before a request; 0 unless the server asked for more
busy.note(response)               # after it: of 429 and 503 the header Retry-After is heeded, up to a minute
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from httpx2 import Response

# Whoever asks for more is asked too early, and has a bounded number of refusals.
LONGEST = 60.0
BUSY = (429, 503)


class RetryAfter:
    """When one server may be asked again; any thread may note and ask."""

    def __init__(self) -> None:
        self._until = 0.0

    def seconds(self) -> float:
        """How long to wait from now."""
        return max(0.0, self._until - time.monotonic())

    def note(self, response: Response) -> None:
        """Heed what a response asks for."""
        if response.status_code in BUSY:
            wait = min(seconds_of(response.headers.get("retry-after", "")), LONGEST)
            self._until = max(self._until, time.monotonic() + wait)


def seconds_of(header: str) -> float:
    """What a Retry-After asks for, in seconds or by a date; 0 when it is neither."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
