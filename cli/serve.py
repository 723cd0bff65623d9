"""`autoact serve RUN`: the trained team over HTTP, or as an MCP server over stdio."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoact.core.errors import UserError

if TYPE_CHECKING:
    from autoact.graph.run_folder import RunFolder

KEY = "AUTOACT_KEY"
PACKAGES = ("fastapi", "fastapi_offline", "uvicorn", "aiosqlite", "mcp")
FOR_POSTGRES = ("psycopg", "psycopg_pool")


def serve(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")],
    host: Annotated[str, typer.Option(help="The address to listen at; others than this machine's own need a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any that is free.")] = 8000,
    database: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Where threads are kept: sqlite:///FILE or postgresql://…  [default: RUN/threads.sqlite]",
        ),
    ] = "",
    endpoint: Annotated[
        str,
        typer.Option(metavar="[ROLE=]URL[;…]", help="A server of the base and the adapters, by their folders' names."),
    ] = "",
    key_env: Annotated[
        str, typer.Option(metavar="NAME", help=f"The environment variable that holds the key.  [default: {KEY}]")
    ] = "",
    max_in_flight: Annotated[int, typer.Option(min=1, help="Questions played at once at most.")] = 256,
    max_body: Annotated[int, typer.Option(min=1, metavar="BYTES", help="A request's size at most.")] = 1 << 20,
    mcp: Annotated[bool, typer.Option("--mcp", help="Be an MCP server over stdin and stdout.")] = False,
) -> None:
    """Serve the trained team: ask, stream, interrupt and resume over HTTP, or one tool over MCP."""
    from autoact.graph.run_folder import open_run

    require("serve", PACKAGES)
    if database.startswith("postgres"):
        require("postgres", FOR_POSTGRES)
    opened = open_run(run, endpoint)
    if mcp:
        over_stdio(opened, max_in_flight)
        return
    key = key_in_environment(key_env)
    over_http(opened, database or f"sqlite:///{run / 'threads.sqlite'}", key, (host, port), max_in_flight, max_body)


def over_http(
    run: RunFolder, database: str, key: str, address: tuple[str, int], max_in_flight: int, max_body: int
) -> None:
    """Serve HTTP until Ctrl-C; what can be refused is refused before the models are loaded."""
    from contextlib import closing
    from functools import partial

    from autoact.cli.display import one_line
    from autoact.serve.app import app
    from autoact.serve.server import bound, http_server, listen, url_of
    from autoact.serve.storage import check_database, saver_at
    from autoact.serve.team import served_run

    with closing(bound(*address, key)) as listener:
        check_database(database)
        saver = partial(saver_at, database)
        api = app(served_run(run), saver, key=key, max_in_flight=max_in_flight, max_body=max_body)
        listen(listener)
        print(f"{one_line(run.task.name)} answers at {url_of(listener)} (Ctrl-C ends it)", flush=True)
        http_server(api).run(sockets=[listener])


def over_stdio(run: RunFolder, max_in_flight: int) -> None:
    """Serve MCP until the client closes stdin."""
    import asyncio
    import signal

    from autoact.serve.mcp import keep_stdout, serve_stdio
    from autoact.serve.runs import Runs
    from autoact.serve.team import served_run

    # Stdin is read in a thread that cannot be interrupted, and there is nothing to put in order: Ctrl-C just ends it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    protocol = keep_stdout()
    asyncio.run(serve_stdio(served_run(run), Runs(max_in_flight), protocol))


def require(extra: str, packages: Sequence[str]) -> None:
    """Raises UserError when a package of an extra is not installed."""
    from importlib.util import find_spec

    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(f"autoact serve needs {missing[0]}: pip install 'langgraph-autoact[{extra}]'")


def key_in_environment(name: str) -> str:
    """The key, empty when there is none. Raises UserError on a variable that is named but not set, or on no key."""
    key = os.environ.get(name or KEY, "")
    if name and not key:
        raise UserError(f"--key-env {name}: that environment variable is not set; set it to the key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"the key in {name or KEY} must be ASCII without spaces, or no client can send it")
    return key
