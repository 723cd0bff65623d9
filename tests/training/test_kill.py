"""kill -9 at random moments, the same command again: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FILES = (
    "instruct.jsonl",
    "questions.jsonl",
    *(f"rounds/00/{n}.jsonl" for n in ("trajectories", "verified", "kept", "dropped", "plan", "tool", "reflect")),
)
DELAY = "0.004"


def start(folder: Path, run: Path) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("town.py")
    return subprocess.Popen([sys.executable, str(script), str(folder), str(run), DELAY], stderr=subprocess.PIPE)


def records(run: Path, name: str) -> list[str]:
    """What a file holds, but for how long each trajectory took."""
    data = [json.loads(line) for line in (run / name).read_text("utf-8").splitlines()]
    for item in data:
        item.get("trajectory", {}).pop("seconds", None)
    return sorted(json.dumps(item, sort_keys=True) for item in data)


def test_a_run_killed_again_and_again_ends_like_one_that_was_not(learned: Any, tmp_path: Path) -> None:
    rng, run, kills = random.Random(0), tmp_path / "run", 0
    while kills < 8:
        process = start(tmp_path, run)
        seen = sum(path.stat().st_size for path in run.rglob("*.jsonl")) if run.exists() else 0
        while process.poll() is None and kills < 8:
            now = sum(path.stat().st_size for path in run.rglob("*.jsonl")) if run.exists() else 0
            if now > seen and rng.random() < 0.2:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.01)
        process.communicate()
        if process.returncode == 0:
            break
    assert kills >= 4
    process = start(tmp_path, run)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    for name in FILES:
        assert records(run, name) == records(learned.path, name), name


def contents(run: Path) -> dict[str, list[str]]:
    """Every file of records in a run folder, by name."""
    return {str(path.relative_to(run)): records(run, str(path.relative_to(run))) for path in run.rglob("*.jsonl")}


@pytest.mark.long
@pytest.mark.parametrize(
    "settings", [(), ("rounds=2", "questions=20"), ('prefer="dpo"',)], ids=["plain", "rounds", "dpo"]
)
def test_runs_killed_two_hundred_times_end_like_one_that_was_not(settings: tuple[str, ...], tmp_path: Path) -> None:
    kills = 200 if not settings else 50
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(kills), "1.5", *settings], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    whole = contents(tmp_path / "whole")
    team = json.loads((tmp_path / "whole" / "team.json").read_text())
    assert whole.keys() >= set(FILES)
    for number in range(int(done.stdout)):
        run = tmp_path / str(number)
        assert contents(run) == whole, number
        assert all(len(set(lines)) == len(lines) for lines in contents(run).values())
        assert json.loads((run / "team.json").read_text())["adapters"] == team["adapters"], number
        assert {path.name for path in (run / "adapters").iterdir()} == {
            path.name for path in (tmp_path / "whole" / "adapters").iterdir()
        }


def test_a_run_killed_in_training_keeps_the_adapters_it_has(learned: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start(tmp_path, run)
    while not (run / "rounds" / "00" / "adapters.json").exists():
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    plan = json.loads((run / "rounds" / "00" / "adapters.json").read_text())["plan"]
    first = {path: path.stat().st_mtime_ns for path in (run / "adapters").glob("plan-*/*")}
    process = start(tmp_path, run)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert json.loads((run / "team.json").read_text())["adapters"] == learned.team.adapters
    assert json.loads((run / "rounds" / "00" / "adapters.json").read_text())["plan"] == plan
    assert {path: path.stat().st_mtime_ns for path in (run / "adapters").glob("plan-*/*")} == first


def test_two_processes_on_one_run_folder_are_refused(tmp_path: Path) -> None:
    first = start(tmp_path, tmp_path / "run")
    while not (tmp_path / "run" / "task.json").exists():
        time.sleep(0.02)
    second = start(tmp_path, tmp_path / "run")
    _, errors = second.communicate(timeout=60)
    first.kill()
    first.communicate()
    assert second.returncode != 0
    assert b"in use by another process" in errors
