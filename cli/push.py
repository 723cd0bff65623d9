"""`autoact push RUN OWNER/NAME`: a finished team to a Hugging Face hub: adapters, settings, model card.

autoact push runs/atlas me/atlas-agents --dry-run       # what would be sent, and how large it is
autoact push runs/atlas me/atlas-agents                 # into a private repository, made if missing
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoact.core.errors import UserError

if TYPE_CHECKING:
    from autoact.cli.hub_files import HubFile

LICENSE = re.compile(r"[a-z0-9][a-z0-9.-]*")
SECRET = re.compile(r"(?:_|^)(?:KEY|TOKEN|SECRET|PASSWORD)$")
SHORTEST_SECRET = 8


def push(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder of `autoact learn`.")],
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository on the hub; made if missing.")],
    public: Annotated[bool, typer.Option("--public/--private", help="Whether everybody may read it.")] = False,
    base: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="What the hub calls the base model, if it is a folder here.")
    ] = "",
    license: Annotated[
        str, typer.Option(metavar="ID", help="The licence for the model card, such as apache-2.0; none if left out.")
    ] = "",
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Send questions, trajectories and training examples too.")
    ] = False,
    endpoint: Annotated[
        str, typer.Option(metavar="URL", help="Another hub than HF_ENDPOINT, or else huggingface.co, names.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; show what would be sent.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Push a finished team to a Hugging Face hub; the token is that of HF_TOKEN or of `hf auth login`."""
    from autoact.cli.display import console, one_line, print_json
    from autoact.cli.hub import Hub, check_name
    from autoact.cli.hub_files import hub_files, pushed_run
    from autoact.cli.model_card import model_card
    from autoact.cli.progress import shown_progress

    check_name("OWNER/NAME", name)
    if base:
        check_name("--base", base)
    if license and not LICENSE.fullmatch(license):
        raise UserError(f"--license {license} is no identifier of a licence; write one such as apache-2.0 or mit")
    pushed = pushed_run(run, name, base, license, with_data)
    card = model_card(pushed)
    files = hub_files(pushed, card)
    refuse_secrets(files, os.environ)
    hub = Hub(endpoint)
    sent = {"repository": name, "hub": hub.url, "public": public, "files": {file.path: file.size for file in files}}
    if dry_run and as_json:
        print_json({**sent, "card": card})
        return
    if dry_run:
        _print_files(files, hub.url, name)
        return
    with shown_progress() as progress:
        url = hub.push(name, files, public, progress)
    if as_json:
        print_json({**sent, "url": url})
        return
    if not license:
        console(stderr=True).print("The card names no licence; --license ID adds one.", soft_wrap=True)
    print(one_line(url))


def refuse_secrets(files: Sequence[HubFile], environment: Mapping[str, str]) -> None:
    """Raises UserError when a file holds the value of an environment variable that is named like a secret."""
    secrets = {
        name: value.encode()
        for name, value in environment.items()
        if SECRET.search(name.upper()) and len(value) >= SHORTEST_SECRET
    }
    for file in files:
        content = file.content.read_bytes() if isinstance(file.content, Path) else file.content
        for name, value in secrets.items():
            if value in content:
                raise UserError(f"{file.path} holds the value of {name}, a secret; take it out before you push")


def _print_files(files: Sequence[HubFile], url: str, name: str) -> None:
    from autoact.cli.display import console, one_line, safe, table

    listed = table(f"Nothing is sent. To {one_line(url)}/{name} would go:", "file", ">bytes")
    for file in files:
        listed.add_row(safe(file.path), f"{file.size:,}")
    console().print(listed)
