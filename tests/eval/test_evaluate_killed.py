"""kill -9 in the middle of an evaluation, the same command again: nothing is lost, nothing is played twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from autoact.core.records import Scored
from autoact.core.store import Store, read_json

QUESTIONS, EPOCHS, CALLS, WORKERS = 20, 2, 3, 4


def start(folder: Path) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("cities.py")
    command = [sys.executable, str(script), str(folder), str(QUESTIONS), "0.01"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, cwd=folder)


def records(folder: Path) -> Path | None:
    return next(folder.glob("eval/*/autoact.jsonl"), None)


def killed_after(folder: Path, plays: int) -> None:
    process = start(folder)
    while (path := records(folder)) is None or path.read_bytes().count(b"\n") < plays:
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_evaluation_ends_as_one_that_was_not(tmp_path: Path) -> None:
    killed_after(tmp_path, 10)
    path = records(tmp_path)
    assert path is not None
    before = Store(path, Scored)
    process = start(tmp_path)
    assert process.wait(timeout=120) == 0, process.communicate()[1].decode()
    process.communicate()
    after = Store(path, Scored)
    assert list(after)[: len(before)] == list(before)
    assert len(after) == QUESTIONS * EPOCHS
    assert read_json(path.parent / "logs" / "autoact.json")["plays"] == QUESTIONS * EPOCHS
    assert read_json(path.parent / "report.json")["methods"][0]["reward"] == 1
    assert not (path.parent / ".draft").exists()
    calls = (tmp_path / "calls.txt").read_text().splitlines()
    assert QUESTIONS * EPOCHS * CALLS <= len(calls) <= (QUESTIONS * EPOCHS + WORKERS) * CALLS
    asked = Counter(calls)
    assert max(asked.values()) <= EPOCHS + 1


def test_ctrl_c_stops_an_evaluation_and_leaves_whole_records_and_no_log(tmp_path: Path) -> None:
    process = start(tmp_path)
    while (path := records(tmp_path)) is None or path.read_bytes().count(b"\n") < 5:
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.decode().splitlines()[-1] == "KeyboardInterrupt"
    assert 5 <= len(Store(path, Scored)) < QUESTIONS * EPOCHS
    assert not list(tmp_path.rglob("*.eval"))
