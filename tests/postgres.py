"""A real PostgreSQL server for a test: in a folder and on a socket of its own, and gone afterwards.

with server() as url:
    psycopg.connect(url)

The server refuses to run as root, who therefore runs it as nobody.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

PATIENCE = 30


@contextmanager
def server() -> Iterator[str]:
    """A running server's URL, of an empty database that asks for no password."""
    as_nobody: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="autoact-postgres-"))
    try:
        if as_nobody:
            shutil.chown(folder, as_nobody["user"], as_nobody["group"])
        make = [_program("initdb"), "--auth=trust", "--username=autoact", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*make, "data"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_nobody)
        start = [_program("postgres"), "-D", "data", "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(start, stdout=log, stderr=log, cwd=folder, **as_nobody)
        try:
            url = f"postgresql://autoact@/postgres?host={folder}"
            _wait(url, process, folder / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def _program(name: str) -> str:
    """Where a program of PostgreSQL is; Debian keeps them off the PATH."""
    places = [path for path in (shutil.which(name), *Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) if path]
    assert places, f"there is no {name}; install PostgreSQL (Debian: apt-get install postgresql)"
    return str(places[0])


def _wait(url: str, process: subprocess.Popen[Any], log: Path) -> None:
    """Until the server takes connections."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            return
