"""Teams trained for comparison with a finished run's own, from what that run has played.

    train_teams(open_run(Path("runs/mine")), ("one-agent", "trajectories-50"), Silent())

RUN/teams/<name>/
    team.json        the team; its presence says that it is trained
    <adapter>.jsonl  what each of its adapters was trained on
    adapters.json    how each was trained
    spent.json       what it cost; each team may spend what the run's own training may

The adapters lie beside the run's own; variants.py says what each team is. The same call again trains what is not
trained yet, also after a kill -9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoact.core.budget import Spending
from autoact.core.errors import ModelError, RunError, UserError
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import Example, Team, to_json
from autoact.core.store import Store, read_record, write_json
from autoact.graph.run_folder import RunFolder
from autoact.models.weights import model_hash
from autoact.training.adapters import folder_name, noted, train_adapters
from autoact.training.examples import save
from autoact.training.provenance import provenance_beside
from autoact.training.requirements import require_packages
from autoact.training.variants import Variant, fireact, no_filtering, one_agent, sized, student, tool_agents

MAKERS = {"one-agent": one_agent, "no-filtering": no_filtering, "tool-agents": tool_agents, "fireact": fireact}
SIZED, STUDENT = "trajectories-", "student"


@dataclass(frozen=True, slots=True)
class Trained:
    """A team, and how each of its own adapters was trained; one that it shares with the run is not among them."""

    name: str
    team: Team
    adapters: Mapping[str, Mapping[str, Any]]


def choose_teams(names: str, teacher: RunFolder | None = None) -> tuple[str, ...]:
    """The names of a list such as `all,trajectories-50`; `all` is those that need no number and no other run.

    Raises UserError on an unknown name.
    """
    given = [name.strip() for name in names.split(",") if name.strip()]
    chosen = tuple(dict.fromkeys(one for name in given for one in (MAKERS if name == "all" else (name,))))
    known = f"all, {', '.join(MAKERS)}, {SIZED}N, {STUDENT}"
    for name in chosen:
        if name not in (*MAKERS, STUDENT) and not (name.startswith(SIZED) and name.removeprefix(SIZED).isdecimal()):
            raise UserError(f"--teams {name} is no team; choose from {known}")
    if not chosen:
        raise UserError(f"--teams is empty; choose from {known}")
    if (STUDENT in chosen) != (teacher is not None):
        raise UserError("--teams student and --from RUN go together: --from names the run that it learns from")
    return chosen


def train_teams(
    run: RunFolder, names: Sequence[str], progress: Progress, teacher: RunFolder | None = None
) -> list[Trained]:
    """Train, or go on with, the teams of those names, as `choose_teams` has them; a student's is of its `teacher`.

    Raises UserError before anything is trained when one of them cannot be.
    """
    require_packages(run.task.learn)
    if run.task.learn.prefer:
        progress.say("these teams learn no preferences: compare them with a run without learn.prefer")
    with locked(run.path):
        variants = {team_name(name, teacher): _variant(name, run, teacher) for name in names}
        for name, variant in variants.items():
            _refuse_others(run.path / "teams" / name, variant)
        return [train_team(name, variant, run, progress) for name, variant in variants.items()]


def team_name(name: str, teacher: RunFolder | None) -> str:
    """A team's folder; that of a student names the run it learned from."""
    return f"{STUDENT}-{teacher.path.resolve().name}" if name == STUDENT and teacher else name


def _variant(name: str, run: RunFolder, teacher: RunFolder | None) -> Variant:
    if name == STUDENT and teacher:
        return student(run, teacher)
    return MAKERS[name](run) if name in MAKERS else sized(run, int(name.removeprefix(SIZED)))


def _refuse_others(folder: Path, variant: Variant) -> None:
    """Raises RunError when a team of that name was, or was to be, trained on other examples."""
    for adapter, items in variant.examples.items():
        path = folder / f"{folder_name(adapter)}.jsonl"
        found = list(Store(path, Example))
        if found != items[: len(found)]:
            raise RunError(
                f"{path} is not what {folder.name} would be trained on now; remove {folder} to train it again"
            )


def train_team(name: str, variant: Variant, run: RunFolder, progress: Progress) -> Trained:
    """Train, or go on with, a team under a name; whoever calls it holds the run's lock."""
    folder = run.path / "teams" / name
    record = folder / "adapters.json"
    if (folder / "team.json").exists():
        progress.say(f"{name} is trained already")
        return Trained(name, read_record(folder / "team.json", Team), noted(record))
    for adapter, items in variant.examples.items():
        save(folder / f"{folder_name(adapter)}.jsonl", Example, items)
    config, base = run.task.learn, _base(run)
    with Spending(folder / "spent.json", config.budgets).stage(f"train {name}", progress, "training") as meter:
        trained = train_adapters(variant.examples, base, config, run.path, record, progress, meter=meter)
    speaking = {role: trained[adapter]["path"] for role, adapter in variant.roles.items() if adapter in trained}
    adapters = {role: path for role, path in run.team.adapters.items() if role in variant.own} | speaking
    made = provenance_beside(run.team, run.path, adapters.values(), name)
    team = replace(run.team, adapters=adapters, provenance=made)
    write_json(folder / "team.json", to_json(team))
    return Trained(name, team, trained)


def _base(run: RunFolder) -> str:
    """The weights that the run's own adapters were trained on. Raises ModelError when they have changed."""
    inside = run.path / run.team.base
    base = str(inside) if inside.is_dir() else run.team.base
    if model_hash(base) != run.team.base_hash:
        raise ModelError(f"the base model {base} is not the one that {run.path} was trained on; bring it back")
    return base
