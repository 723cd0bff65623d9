"""A trained team's chat models: one engine holds the base and every adapter.

models = team_models(team, Path("runs/atlas"))
models["plan"].model_name            # "plan-3fa9c1d2e4b5", the adapter's folder
models["reflect"].model_name         # "seed", the base's folder, when the team has no adapter for it
models["meta"].model_name            # "seed": the base itself, which was the META-AGENT
named_models([team, other], Path("runs/atlas"))["plan-3fa9c1d2e4b5"]    # all of some teams, as a server names them
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from autoact.core.errors import ModelError, RunError
from autoact.core.records import ROLES, Team
from autoact.models.load import load_model
from autoact.models.local import LocalChatModel
from autoact.models.weights import adapter_folder, adapter_hash, model_hash, template_hash, weights_hash

META = "meta"
ROLE_NAME = re.compile(r"\w+(:\w+)?")  # of a role or a tool's own; no address is like it
HASH_IN_NAME = re.compile(r"-([0-9a-f]{12})$")


@dataclass(frozen=True, slots=True)
class Weights:
    """A base model, by folder or hub name, and adapters by the name of their folder."""

    base: str
    adapters: dict[str, Path]

    @property
    def name(self) -> str:
        """What a server calls the base."""
        return Path(self.base).name


def team_models(team: Team, folder: Path) -> dict[str, BaseChatModel]:
    """Role → chat model, and the base as "meta". Raises RunError on a changed base or adapter."""
    models = named_models([team], folder)
    base = next(iter(models))
    return {role: models[Path(team.adapters.get(role, base)).name] for role in _roles(team)}


def named_models(teams: Sequence[Team], folder: Path) -> dict[str, LocalChatModel]:
    """Name → chat model: the base, which comes first, and each adapter of teams that share it, in one engine.

    Raises RunError on a changed base, on teams of several, or on an unusable adapter.
    """
    weights = weights_of(teams, folder)
    from autoact.models.engine import Engine

    engine = Engine(weights.base, weights.adapters)
    base = LocalChatModel(engine=engine, model_name=weights.name)
    named = {name: LocalChatModel(engine=engine, adapter=name, model_name=name) for name in weights.adapters}
    return {base.model_name: base, **named}


def weights_of(teams: Sequence[Team], folder: Path) -> Weights:
    """Where the weights of some teams lie, all checked. Raises RunError."""
    bases = {team.base_hash: _base(team, folder) for team in teams}
    if len(bases) > 1:
        raise RunError(f"the teams of {folder} are of {len(bases)} base models, and one engine has one; learn again")
    adapters = [adapter_of(team, role, folder) for team in teams for role in team.adapters]
    return Weights(next(iter(bases.values())), {path.name: path for path in adapters})


def served_models(team: Team, folder: Path, endpoint: str) -> dict[str, BaseChatModel]:
    """Role → chat model, and the base as "meta", at servers that serve each by its folder's name, as vLLM does.

    `endpoint` is the address for all, or parts such as `reflect=http://gpu:8000/v1` with semicolons between them; one
    without a role is for the others, which without one are in this process. Raises ModelError and RunError.
    """
    names = {role: Path(team.adapters.get(role, team.base)).name for role in _roles(team)}
    places = dict(_place(part.strip()) for part in endpoint.split(";") if part.strip())
    if strange := places.keys() - names.keys() - {""}:
        known = ", ".join(names)
        raise ModelError(f"--endpoint {sorted(strange)[0]}=… is for no role of this team; it has {known}")
    there = {role: places.get(role, places.get("")) for role in names}
    here = team_models(team, folder) if None in there.values() else {}
    return {
        role: load_model(f"vllm:{name}", address) if (address := there[role]) else here[role]
        for role, name in names.items()
    }


def _place(part: str) -> tuple[str, str]:
    """A part of an endpoint as the role that it is for, "" for all others, and the address."""
    role, equals, address = part.partition("=")
    return (role.strip(), address.strip()) if equals and ROLE_NAME.fullmatch(role.strip()) else ("", part)


def _roles(team: Team) -> list[str]:
    return list(dict.fromkeys((*ROLES, *team.adapters, META)))


def _base(team: Team, folder: Path) -> str:
    base = str(folder / team.base) if (folder / team.base).is_dir() else team.base
    if team.provenance.template not in ("", template_hash(base)):
        raise RunError(
            f"the chat template of {base} is not the one this team was trained with; "
            "bring back the old template or learn again"
        )
    found = model_hash(base)
    if found != team.base_hash:
        raise RunError(
            f"the base model {base} is not the one this team was trained on: its hash is {found}, "
            f"team.json says {team.base_hash}; bring back the old model or learn again"
        )
    return base


def adapter_of(team: Team, role: str, folder: Path) -> Path:
    """The folder of a role's adapter, checked against its name and what team.json says of it. Raises RunError."""
    path = team.adapters[role]
    where = folder / path
    if not where.resolve().is_relative_to(folder.resolve()):
        raise RunError(f"the adapter of role {role!r}, {path}, lies outside the run folder: correct team.json")
    if not where.is_dir():
        raise RunError(f"the adapter folder {where} of role {role!r} is missing: learn again or bring it back")
    try:
        same = _is_as_trained(adapter_folder(where), team.provenance.adapters.get(path, ""))
    except ModelError as problem:
        raise RunError(f"the adapter of role {role!r} cannot be used: {problem}") from None
    if not same:
        raise RunError(
            f"the adapter {where} of role {role!r} is not the one that was trained: its files have changed; "
            "bring them back or learn again"
        )
    return where


def _is_as_trained(folder: Path, noted: str) -> bool:
    """Whether an adapter is the one that was noted; a team of an older version notes its weights in its name alone."""
    named = HASH_IN_NAME.search(folder.name)
    return adapter_hash(folder) == noted if noted else not named or weights_hash(folder).startswith(named[1])
