"""`autoact engine RUN`: the base and the adapters of a run over an OpenAI-compatible endpoint."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoact.cli.serve import key_in_environment, require
from autoact.core.errors import UserError

if TYPE_CHECKING:
    from autoact.core.records import Team
    from autoact.graph.run_folder import RunFolder

PACKAGES = ("fastapi", "uvicorn", "prometheus_client")


class Backend(StrEnum):
    """What computes the tokens."""

    local = "local"
    vllm = "vllm"


def engine(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `autoact learn`.")],
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- VLLM FLAGS]", help="Flags for vLLM, after --, such as -- --dtype float32."),
    ] = None,
    backend: Annotated[Backend, typer.Option(help="The in-process engine, or a vLLM server.")] = Backend.local,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any that is free.")] = 8001,
    key_env: Annotated[
        str, typer.Option(metavar="NAME", help="The environment variable that holds the key.  [default: AUTOACT_KEY]")
    ] = "",
    max_in_flight: Annotated[int, typer.Option(min=1, help="Requests at once at most; local only.")] = 256,
    python: Annotated[str, typer.Option(metavar="PATH", help="The Python that has vLLM, if not this one.")] = "",
) -> None:
    """Serve tokens: each adapter is a model by the name of its folder, for --endpoint of ask, eval and serve."""
    from autoact.graph.run_folder import open_run

    if more and backend is Backend.local:
        raise UserError(f"{more[0]}: the local engine takes no further flags; leave them out, or add --backend vllm")
    opened = open_run(run)
    key = key_in_environment(key_env)
    if backend is Backend.local:
        serve_local(opened, (host, port), key, max_in_flight)
    else:
        serve_vllm(opened, (host, port), key, python or sys.executable, more or [])


def serve_local(run: RunFolder, address: tuple[str, int], key: str, max_in_flight: int) -> None:
    """The in-process engine, until Ctrl-C."""
    require("serve", PACKAGES)
    from autoact.models.team import named_models
    from autoact.serve.completions import completions_app
    from autoact.serve.server import bound, http_server, listen, url_of

    with closing(bound(*address, key)) as listener:
        models = named_models(teams_of(run), run.path)
        api = completions_app(models, key=key, max_in_flight=max_in_flight)
        listen(listener)
        told(url_of(listener), models)
        http_server(api).run(sockets=[listener])


def serve_vllm(run: RunFolder, address: tuple[str, int], key: str, python: str, more: Sequence[str]) -> None:
    """A vLLM server, until Ctrl-C; what can be refused is refused before it is started."""
    from autoact.models.team import weights_of
    from autoact.models.weights import has_template, model_folder
    from autoact.serve.gate import is_this_machine
    from autoact.serve.server import bound, url_of
    from autoact.serve.vllm import command, require_vllm, running

    if not is_this_machine(address[0]):
        raise UserError(
            f"--host {address[0]}: vLLM's key leaves some of its routes open; "
            "keep it at 127.0.0.1 and put a proxy that lets only /v1 through before it"
        )
    weights = weights_of(teams_of(run), run.path)
    base = model_folder(weights.base)
    template = None if has_template(base) else Path(__file__).parents[1] / "models" / "minimal.jinja"
    require_vllm(python)
    with closing(bound(*address, key)) as listener:
        url, taken = url_of(listener), listener.getsockname()[1]
    line = command(weights, base, (address[0], taken), python=python, template=template, more=more)
    log = run.path / "vllm.log"
    print(f"Starting vLLM, which takes a minute or more; its log is {log}", flush=True)
    names = [weights.name, *weights.adapters]
    with running(line, log, key=key) as server:
        server.ready(url, names, key)
        told(url, names)
        server.wait()


def teams_of(run: RunFolder) -> list[Team]:
    """The run's own team, and those that were trained for comparison."""
    return [run.team, *map(run.team_of, run.teams())]


def told(url: str, names: Iterable[str]) -> None:
    """Say where it answers, and to which names."""
    from autoact.cli.display import one_line

    print(f"{one_line(', '.join(names))} answer at {url}/v1 (Ctrl-C ends it)", flush=True)
