"""`autoact view RUN`: the Inspect viewer on the logs of its evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def view(
    folder: Annotated[Path, typer.Argument(metavar="RUN|TRIAL", help="A run, or one of the folders in RUN/eval.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen at.")] = 7575,
    host: Annotated[str, typer.Option(help="The address to listen at, of this machine alone.")] = "127.0.0.1",
) -> None:
    """Look at every trajectory of a run's evaluations in the browser, until Ctrl-C."""
    from autoact.cli.display import one_line
    from autoact.eval.evaluate import require_packages
    from autoact.eval.viewer import evaluations_of, show

    require_packages()
    show(evaluations_of(folder), host, port, lambda line: print(one_line(line), flush=True))
