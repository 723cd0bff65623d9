"""Whether a team still has what it was trained with; what it must not do without is refused with one line.

    refuse_other_prompts(Path("runs/atlas"), team)          # its words, when a run is opened
    refuse_other_tools(Path("runs/atlas"), team, tools)     # what it reads of its tools, when they are made

Its base, chat template and adapters are checked where they are loaded, in models/team.py. A team of an older version,
which notes nothing, is not refused. Other versions of packages are no reason to refuse; `autoact show` tells them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from langchain_core.tools import BaseTool

from autoact.core.errors import RunError
from autoact.core.records import Team
from autoact.core.task import file_hash
from autoact.core.versions import OURS, installed
from autoact.prompts.fingerprint import CHAT, changed
from autoact.tools.fingerprint import card_hashes


def refuse_other_prompts(run: Path, team: Team) -> None:
    """Raises RunError, naming the first, when words that the team reads are not those it was trained on."""
    for name in changed(team.provenance.prompts):
        version = team.provenance.packages.get(OURS, "it was learned with")
        what = "the form of the chat" if name == CHAT else f"the prompt {name}"
        raise RunError(
            f"{run}: {what} is not as it was when this team was trained; use autoact {version}, or learn again"
        )


def refuse_other_tools(run: Path, team: Team, tools: Sequence[BaseTool]) -> None:
    """Raises RunError, naming the first, when what the team reads of a tool is not what it was trained on."""
    noted, now = team.provenance.tools, card_hashes(tools)
    for name in now:
        if name in noted and noted[name] != now[name]:
            raise RunError(
                f"{run}: what the tool {name} says of itself is not what this team was trained on; bring back the tool "
                "as it was (its version, settings and files), or learn again"
            )


def differences(run: Path, team: Team) -> list[str]:
    """What is not as it was when the team was trained, a line each: words, versions, files of the run."""
    noted = team.provenance
    return [
        *(f"prompt {name}: another text" for name in changed(noted.prompts)),
        *_other_versions(noted.packages, installed(noted.packages)),
        *_other_files(run, noted.data),
    ]


def _other_versions(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for package, version in then.items():
        if now.get(package) != version:
            yield f"{package} {now.get(package, 'is not installed')}, trained with {version}"


def _other_files(run: Path, data: Mapping[str, str]) -> Iterator[str]:
    for name, noted in data.items():
        if not (run / name).is_file():
            yield f"{name} is gone"
        elif file_hash(run / name) != noted:
            yield f"{name} has changed"
