"""A trained team's chat models: one engine holds the base and every adapter.

models = team_models(team, Path("runs/atlas"))
models["plan"].model_name            # "plan-3fa9c1d2e4b5", the adapter's folder
models["reflect"].model_name         # "seed", the base's folder, when the team has no adapter for it
models["meta"].model_name            # "seed": the base itself, which was the META-AGENT
"""

from __future__ import annotations

from pathlib import Path

from langchain_core.language_models import BaseChatModel

from autoact.core.errors import ModelError, RunError
from autoact.core.records import ROLES, Team
from autoact.models.load import load_model
from autoact.models.local import LocalChatModel
from autoact.models.weights import adapter_folder, model_hash

META = "meta"


def team_models(team: Team, folder: Path) -> dict[str, BaseChatModel]:
    """Role → chat model, and the base as "meta". Raises RunError on a changed base or an unusable adapter."""
    base = _base(team, folder)
    adapters = {role: _adapter(role, path, folder) for role, path in team.adapters.items()}
    from autoact.models.engine import Engine

    engine = Engine(base, {path.name: path for path in adapters.values()})
    names = {role: path.name for role, path in adapters.items()}
    return {
        role: LocalChatModel(engine=engine, adapter=names.get(role), model_name=names.get(role, engine.folder.name))
        for role in dict.fromkeys((*ROLES, *adapters, META))
    }


def served_models(team: Team, endpoint: str) -> dict[str, BaseChatModel]:
    """Role → chat model, and the base as "meta", at a server that serves each by its folder's name, as vLLM does."""
    roles = dict.fromkeys((*ROLES, *team.adapters, META))
    names = {role: Path(team.adapters.get(role, team.base)).name for role in roles}
    return {role: load_model(f"vllm:{name}", endpoint) for role, name in names.items()}


def _base(team: Team, folder: Path) -> str:
    base = str(folder / team.base) if (folder / team.base).is_dir() else team.base
    found = model_hash(base)
    if found != team.base_hash:
        raise RunError(
            f"the base model {base} is not the one this team was trained on: its hash is {found}, "
            f"team.json says {team.base_hash}; bring back the old model or learn again"
        )
    return base


def _adapter(role: str, path: str, folder: Path) -> Path:
    where = folder / path
    if not where.resolve().is_relative_to(folder.resolve()):
        raise RunError(f"the adapter of role {role!r}, {path}, lies outside the run folder: correct team.json")
    if not where.is_dir():
        raise RunError(f"the adapter folder {where} of role {role!r} is missing: learn again or bring it back")
    try:
        return adapter_folder(where)
    except ModelError as problem:
        raise RunError(f"the adapter of role {role!r} cannot be used: {problem}") from None
