"""One process at a time works on a run folder."""

from pathlib import Path

import pytest

from autoact.core.errors import RunError
from autoact.core.lock import locked


def test_a_folder_that_is_held_is_refused_until_it_is_let_go(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "run"),
        pytest.raises(RunError, match="in use by another process"),
        locked(tmp_path / "run"),
    ):
        pass
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").exists()
