"""`autoact example NAME DIR`: an example that came with the package, written out to run or to change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def example(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The example, such as atlas.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it; made if missing.")],
) -> None:
    """Write out an example: its task file, questions, corpus and model."""
    from autoact.cli.display import console, one_line
    from autoact.examples.copy import copy_example

    written = copy_example(name, folder)
    shown = one_line(str(folder))
    screen = console()
    screen.print(f"{len(written)} files written to {shown}", soft_wrap=True)
    screen.print(f"Next: autoact learn {shown}/task.yaml --out runs/{name}", soft_wrap=True)
