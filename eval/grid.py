"""A grid: which methods are played how often, for one table or figure of the paper. One YAML file, checked whole.

    grid = load_grid("table3")            # one that is shipped, or the path of a file of the same form
    grid.teams()                          # the teams to train for it: ("one-agent", "no-filtering")
    grid.choose(run.teams())              # its methods, for the evaluation

title: What each part is worth
paper: Table 3
methods: [autoact, no-reflection, one-agent, zero-shot, no-filtering]
against: autoact
epochs: 3
temperature: 0.5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from autoact.core.errors import UserError
from autoact.core.records import from_json
from autoact.eval.methods import METHODS, SHOTS, SIZED, Chosen, choose_methods


@dataclass(frozen=True, slots=True)
class Grid:
    """What is played. `paper` is what it stands beside; `against` the method that the others are compared with.

    sizes: numbers of trajectories that a team each is trained on. shots: demonstrations for each prompted method.
    """

    title: str
    paper: str
    methods: tuple[str, ...]
    against: str
    epochs: int
    temperature: float
    shots: int = SHOTS
    sizes: tuple[int, ...] = ()

    def teams(self) -> tuple[str, ...]:
        """The teams to train for it, beside the run's own."""
        needed = [method.team for method in METHODS if method.id in self.methods and method.team]
        return (*needed, *(f"{SIZED}{size}" for size in self.sizes))

    def within(self, count: int) -> Grid:
        """The grid for a run that has kept so many trajectories."""
        return replace(self, sizes=tuple(size for size in self.sizes if size <= count))

    def choose(self, teams: Sequence[str], *others: str) -> Chosen:
        """Its methods, and `others`, of a run that has these teams. Raises UserError when one's team is missing."""
        names = (*self.methods, *(f"{SIZED}{size}" for size in self.sizes), *others)
        chosen = choose_methods(",".join(names), teams)
        shown = (replace(method, shots=self.shots) if method.shots else method for method in chosen.methods)
        return replace(chosen, methods=tuple(shown))


def load_grid(name: str) -> Grid:
    """A grid by its name or its file's path. Raises UserError naming the field that is wrong."""
    shipped = _shipped()
    file = shipped.get(name) or Path(name)
    if not file.is_file():
        raise UserError(f"{name} is no grid; give one of {', '.join(sorted(shipped))}, or a YAML file")
    try:
        grid = from_json(Grid, yaml.safe_load(file.read_text("utf-8")))
        _check(grid)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as problem:
        raise UserError(f"{name} is not a grid: {' '.join(str(problem).split())}") from None
    return grid


def _shipped() -> dict[str, Traversable]:
    files = (resources.files("autoact.eval") / "grids").iterdir()
    return {file.name.removesuffix(".yaml"): file for file in files}


def _check(grid: Grid) -> None:
    """Raises ValueError on a value that cannot be played."""
    known = [method.id for method in METHODS]
    for name in grid.methods:
        if name not in known:
            raise ValueError(f"methods: {name} is no method; choose from {', '.join(known)}")
    if not grid.methods:
        raise ValueError("methods: is empty")
    if grid.against not in grid.methods:
        raise ValueError(f"against: {grid.against} is not one of its methods")
    if grid.epochs < 1 or grid.shots < 0 or any(size < 1 for size in grid.sizes):
        raise ValueError("epochs and sizes must be at least 1, and shots at least 0")
    if not 0 <= grid.temperature <= 2:
        raise ValueError(f"temperature: {grid.temperature} is not between 0 and 2")
