"""The Inspect viewer on the evaluations of a run, for this machine only.

    show(evaluations_of(Path("runs/atlas")), "127.0.0.1", 7575, print)       # until Ctrl-C

It serves RUN/eval and nothing else of the disk; the links of a report are to places in it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from autoact.core.errors import RunError, UserError
from autoact.eval.inspect_home import inspect_home


def evaluations_of(folder: Path) -> Path:
    """The folder of all evaluations of a run, given the run or one of them. Raises RunError when there is none."""
    for evaluations in (folder / "eval", folder.absolute().parent):
        if evaluations.name == "eval" and any(evaluations.glob("*/logs/*.eval")):
            return evaluations
    raise RunError(f"{folder} holds no evaluation; make one first, as in: autoact eval runs/atlas")


def show(evaluations: Path, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; `say` is told the address. Raises UserError when it cannot be had."""
    from inspect_ai._view.fastapi_server import view_server
    from inspect_ai._view.network import ViewerNetworkPolicyError
    from rich import get_console

    _refuse_taken(host, port)
    get_console().quiet = True  # Inspect's own lines
    with inspect_home("XDG_CACHE_HOME"):
        say(f"{evaluations} is shown at http://{host}:{port} (Ctrl-C ends it)")
        try:
            view_server(log_dir=str(evaluations.resolve()), host=host, port=port, trust_content=False)
        except ViewerNetworkPolicyError:
            raise UserError(
                f"--host {host} can be reached from other machines, and the viewer has no key; leave it at 127.0.0.1"
            ) from None


def _refuse_taken(host: str, port: int) -> None:
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as problem:
            raise UserError(f"{host} port {port} cannot be used ({problem.strerror}); choose another --port") from None
