"""Inspect AI without traces: what it would leave in the user's folders goes to one that is deleted.

    with inspect_home():
        inspect_ai.eval(task, …)

It reads no `.env` file and opens no socket, and afterwards the process logs and reports its errors as before.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

SETTINGS = {
    "INSPECT_ASYNC_BACKEND": "asyncio",
    "INSPECT_CTL_SERVER": "false",
    "INSPECT_DISPLAY": "none",
    "INSPECT_TRACE_LEVEL": "CRITICAL",
    "PYTHON_DOTENV_DISABLED": "true",
}


@contextmanager
def inspect_home(*folders: str) -> Iterator[None]:
    """Inspect's surroundings, for as long as the block runs; `folders` are further variables that name one."""
    folders = ("XDG_DATA_HOME", "INSPECT_LOG_DIR", *folders)
    root = logging.getLogger()
    before, level, handlers, hook = dict(os.environ), root.level, root.handlers[:], sys.excepthook
    with TemporaryDirectory(prefix="autoact-inspect-") as home:
        os.environ |= SETTINGS | dict.fromkeys(folders, home)
        try:
            yield
        finally:
            for name in (*SETTINGS, *folders):
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]
            root.setLevel(level)
            root.handlers[:] = handlers
            sys.excepthook = hook
