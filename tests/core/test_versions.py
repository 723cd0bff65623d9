"""Versions are those of what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import version

from autoact.core.versions import installed


def test_what_is_not_installed_is_left_out() -> None:
    assert installed(["rich", "no-such-package"]) == {"python": platform.python_version(), "rich": version("rich")}
