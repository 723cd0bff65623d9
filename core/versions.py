"""Which versions of packages are installed.

installed(("torch", "transformers"))     # {"python": "3.11.4", "torch": "2.13.0", "transformers": "5.19.0"}
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

OURS = "langgraph-autoact"


def installed(packages: Iterable[str]) -> dict[str, str]:
    """The versions of Python and of those packages that are there."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
