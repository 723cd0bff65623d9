"""Python in a bubblewrap box: the system's files and this environment's packages read-only, and nothing else.

    run_boxed("import numpy\nprint(numpy.ones(3).sum())", seconds=5)      # ("3.0\n", "")

No network, no file of the user's, no other process; a /tmp in memory; limits on time, memory, file size and processes.
There is no filter of system calls: the kernel's own isolation is what holds. Linux only (Debian: bubblewrap).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

MEMORY = 1_000_000_000
PRINTED = 1_000_000
SHOWN = 20_000
TMP = 16_000_000
PROCESSES = 32
SYSTEM = ("/bin", "/lib", "/lib64")
# The limits are set inside, for the box itself needs more than them to be built.
START = f"""
import resource, sys
def limit(what, most):
    resource.setrlimit(what, (most, most))
limit(resource.RLIMIT_CPU, int(sys.argv[1]))
limit(resource.RLIMIT_AS, {MEMORY})
limit(resource.RLIMIT_FSIZE, {PRINTED})
limit(resource.RLIMIT_NPROC, {PROCESSES})
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
    tried = subprocess.run([*_box(), "true"], capture_output=True, text=True, check=False)
    said = (tried.stderr.strip().splitlines() or ["it failed"])[-1]
    return f"a bwrap that may build a box: {said[:200]}" if tried.returncode else ""


def run_boxed(code: str, seconds: float) -> Boxed:
    """Runs the code in a box of its own, which ends with it."""
    python = [sys.executable, "-I", "-c", START, str(int(seconds) + 1)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                [*_box(), *python], input=code.encode(), stdout=output, stderr=errors, timeout=seconds, check=False
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
        *("--dev", "/dev", "--size", str(TMP), "--tmpfs", "/tmp", "--chdir", "/tmp"),
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
