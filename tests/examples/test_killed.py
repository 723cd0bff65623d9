"""Atlas's own learning run under kill -9: ten times at random moments, and it ends like one that was left alone."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autoact.examples.atlas.atlas import FOLDER

pytestmark = pytest.mark.long
KILLS = 10
PROGRAM = (sys.executable, "-c", "from autoact.cli.main import app; app()")


def start(run: Path) -> subprocess.Popen[bytes]:
    settings = ("--set", "questions=80", "--set", "min_kept=5", "--set", "epochs=1")
    command = [*PROGRAM, "learn", str(FOLDER / "task.yaml"), "--out", str(run), *settings]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def contents(run: Path) -> dict[str, list[str]]:
    """Every file of records, but for how long each trajectory took."""
    found = {}
    for path in run.rglob("*.jsonl"):
        data = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for item in data:
            item.get("trajectory", {}).pop("seconds", None)
        found[str(path.relative_to(run))] = sorted(json.dumps(item, sort_keys=True) for item in data)
    return found


def test_ten_kills_change_nothing_in_what_atlas_learns(tmp_path: Path) -> None:
    began = time.monotonic()
    whole = start(tmp_path / "whole")
    _, errors = whole.communicate()
    assert whole.returncode == 0, errors.decode()[-2000:]
    # A process takes some seconds before it works on, so that kills within them would find nothing to lose.
    span, rng, kills = (time.monotonic() - began) / 4, random.Random(0), 0
    while kills < KILLS:
        process = start(tmp_path / "run")
        try:
            process.communicate(timeout=rng.uniform(5, 5 + span))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0
        break
    assert kills >= KILLS // 2
    last = start(tmp_path / "run")
    _, errors = last.communicate()
    assert last.returncode == 0, errors.decode()[-2000:]
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    teams = [json.loads((tmp_path / name / "team.json").read_text())["adapters"] for name in ("run", "whole")]
    assert teams[0] == teams[1]
