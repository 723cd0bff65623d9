"""Python in a bubblewrap box: the system's files and this environment's packages read-only, and nothing else.

    run_boxed("import numpy\nprint(numpy.ones(3).sum())", seconds=5)      # ("3.0\n", "")

No network, no file of the user's; a /tmp in memory. A box is one process with one thread (tools/syscalls.py), 1 GB of
address space, 16 MB in /tmp and limits on time and files. In a process of ours as many boxes run at once as there are
cores, four at most: together they take 4.1 GB at most, and what the kernel notes of files they make. Of its calls only
those that would get around this are filtered; for the rest its own isolation holds. Linux only (Debian: bubblewrap).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

from autoact.tools import syscalls
from autoact.tools.threads import Threads

MEMORY = 1_000_000_000
PRINTED = 1_000_000
SHOWN = 20_000
TMP = 16_000_000
FILES = 64
SYSTEM = ("/bin", "/lib", "/lib64")
# Where boxes wait for each other; one more at once than there are cores would only be slower.
BOXES = Threads(min(4, os.cpu_count() or 1))
# The limits are set inside, for the box itself needs more than them to be built.
START = f"""
import resource, sys
def limit(what, most):
    resource.setrlimit(what, (most, most))
limit(resource.RLIMIT_CPU, int(sys.argv[1]))
limit(resource.RLIMIT_AS, {MEMORY})
limit(resource.RLIMIT_FSIZE, {PRINTED})
limit(resource.RLIMIT_NOFILE, {FILES})
limit(resource.RLIMIT_CORE, 0)
exec(compile(sys.stdin.read(), "<code>", "exec"), {{"__name__": "__main__"}})
"""


class Boxed(NamedTuple):
    """What was printed, and the last line of the error (empty: there was none)."""

    printed: str
    error: str


def lacks() -> str:
    """What a box lacks to be built here; empty when nothing."""
    if shutil.which("bwrap") is None:
        return "bwrap (Debian: apt install bubblewrap)"
    if lack := syscalls.lacks(platform.machine()):
        return lack
    tried = subprocess.run([*_box(), "true"], capture_output=True, text=True, check=False)
    said = (tried.stderr.strip().splitlines() or ["it failed"])[-1]
    return f"a bwrap that may build a box: {said[:200]}" if tried.returncode else ""


def run_boxed(code: str, seconds: float) -> Boxed:
    """Runs the code in a box of its own, which ends with it."""
    python = [sys.executable, "-I", "-c", START, str(int(seconds) + 1)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as refused:
        refused.write(syscalls.denying(platform.machine()))
        refused.seek(0)
        box = [*_box(), "--seccomp", str(refused.fileno())]
        try:
            done = subprocess.run(
                [*box, *python],
                input=code.encode(),
                stdout=output,
                stderr=errors,
                pass_fds=[refused.fileno()],
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Boxed(_head(output), f"It took longer than {seconds:g} seconds.")
        failed = _last_line(errors) or f"it ended with status {done.returncode}"
        return Boxed(_head(output), failed if done.returncode else "")


def _box() -> list[str]:
    system = [part for path in SYSTEM if Path(path).exists() for part in _system(Path(path))]
    python = [part for path in sorted({sys.prefix, sys.base_prefix}) for part in ("--ro-bind", path, path)]
    return [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"),
        *("--uid", "65534", "--gid", "65534"),
        *("--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv", "OPENBLAS_NUM_THREADS", "1"),
        *("--ro-bind", "/usr", "/usr", *system, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", *python),
        *("--dev", "/dev", "--remount-ro", "/dev", "--size", str(TMP), "--tmpfs", "/tmp", "--chdir", "/tmp"),
        *("--remount-ro", "/"),  # which is in memory too
    ]


def _system(path: Path) -> tuple[str, str, str]:
    """/bin and /lib are links into /usr on most systems."""
    return ("--symlink", str(path.readlink()), str(path)) if path.is_symlink() else ("--ro-bind", str(path), str(path))


def _head(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(SHOWN).decode("utf-8", "replace")


def _last_line(file: IO[bytes]) -> str:
    end = file.seek(0, 2)
    file.seek(max(0, end - SHOWN))
    lines = file.read(SHOWN).decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else ""
