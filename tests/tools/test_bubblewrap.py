"""The bubblewrap box has the packages and nothing of the user's. Needs the Debian package bubblewrap."""

from __future__ import annotations

import asyncio
import os
import platform
import threading
import time
from pathlib import Path

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.tools import bubblewrap
from autoact.tools.code import Settings, code_tool, missing
from autoact.tools.syscalls import FOREIGN, MACHINES

pytestmark = pytest.mark.long
CALLS = MACHINES[platform.machine()][1]
CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall({number}, 0, 0, 0) < 0:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""


@pytest.fixture(scope="module")
def tool() -> BaseTool:
    assert missing(Settings(backend="bubblewrap")) == ""
    return code_tool(Settings(backend="bubblewrap", seconds=1.5), Path())


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("import numpy\nint(numpy.arange(5).sum())", "10"),
        ("print('ü')\nimport statistics\nstatistics.mean([1, 2, 3])", "ü\n2"),
        ("class A: pass\nclass B(A): pass\nissubclass(B, A)", "True"),
        ("open('note', 'w').write('kept in memory')\nopen('/tmp/note').read()", "'kept in memory'"),
        ("import os\nos.getuid()", "65534"),
        ("import os\nsorted(os.environ)", "['HOME', 'LC_CTYPE', 'OPENBLAS_NUM_THREADS', 'PATH', 'PWD']"),
        ("import os\nos.path.exists('/proc/1') or os.path.exists('/home') or os.path.exists('/etc/passwd')", "False"),
        ("x = 1", "The code printed nothing and its last line has no value."),
    ],
)
def test_python_is_whole_and_the_machine_is_empty(tool: BaseTool, code: str, shown: str) -> None:
    assert tool.invoke({"code": code}) == shown


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('so far')\n1 / 0", "^so far\n\nZeroDivisionError: division by zero$"),
        ("import socket\nsocket.create_connection(('1.1.1.1', 80), 1)", "Network is unreachable"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 22), 1)", "refused|unreachable"),
        ("open('/usr/x', 'w')", "Read-only file system"),
        ("open('/x', 'w')", "Read-only file system"),
        ("open('/dev/shm/x', 'w')", "Read-only file system"),
        ("import os\nos.fork()", "Operation not permitted"),
        ("import subprocess\nsubprocess.run(['true'])", "Operation not permitted"),
        ("import threading\nthreading.Thread(target=print).start()", "can't start new thread"),
        ("import os\nos.memfd_create('x')", "Operation not permitted"),
        ("kept = [open('/dev/null') for _ in range(100)]", "Too many open files"),
        (CALL.format(number=CALLS["shmget"]), "Operation not permitted"),
        (CALL.format(number=CALLS["unshare"]), "Operation not permitted"),
        (CALL.format(number=FOREIGN + 57), "Operation not permitted"),
        (f"open({__file__!r})", "No such file"),
        ("while True: pass", r"It took longer than 1\.5 seconds"),
        ("import time\ntime.sleep(60)", r"It took longer than 1\.5 seconds"),
        ("x = bytearray(2 * 10**9)", "MemoryError"),
        ("open('big', 'wb').write(bytes(10**8))", "File too large"),
        ("import sys\nsys.exit(3)", "it ended with status 3"),
        ("import ctypes\nctypes.string_at(0)", "it ended with status 139"),
        ("while True: print('a' * 1000)", "The rest is left out|It took longer"),
    ],
)
def test_what_goes_wrong_stays_inside(tool: BaseTool, code: str, error: str) -> None:
    began = time.monotonic()
    with pytest.raises(ToolException, match=error):
        tool.invoke({"code": code})
    assert time.monotonic() - began < 3
    assert tool.invoke({"code": "1 + 1"}) == "2"


def test_boxes_wait_for_each_other_without_a_thread(tool: BaseTool) -> None:
    before, asked = threading.active_count(), 12

    async def many() -> int:
        calls = [asyncio.create_task(tool.ainvoke({"code": "import time\ntime.sleep(0.2)"})) for _ in range(asked)]
        await asyncio.sleep(0.1)
        held = threading.active_count() - before
        await asyncio.gather(*calls)
        return held

    began = time.monotonic()
    most = min(4, os.cpu_count() or 1)
    assert asyncio.run(many()) == most
    assert time.monotonic() - began > 0.2 * asked / most


def test_a_box_that_cannot_be_built_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bubblewrap.lacks() == "bwrap (Debian: apt install bubblewrap)"
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'No permissions to create a new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    assert bubblewrap.lacks() == "a bwrap that may build a box: No permissions to create a new namespace"
