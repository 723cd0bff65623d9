"""Ctrl-C in the middle of a learning run: one line, exit code 130, and the records so far are whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ctrl_c_stops_with_one_line_and_leaves_whole_records(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "autoact"),
        "learn",
        "examples/atlas/task.yaml",
        "--out",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    played = tmp_path / "rounds" / "00" / "trajectories.jsonl"
    while not played.exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "same command" in errors.splitlines()[-1]
    assert all(json.loads(line)["trajectory"]["id"] for line in played.read_text("utf-8").splitlines())
