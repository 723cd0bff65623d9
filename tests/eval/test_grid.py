"""Grids: those that are shipped, and what is wrong with one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from autoact.core.errors import UserError
from autoact.eval.grid import load_grid

MINE = {
    "title": "Mine",
    "paper": "none",
    "methods": ["zero-shot", "react", "fireact"],
    "against": "react",
    "epochs": 2,
    "temperature": 0,
}


def mine(folder: Path, **changes: object) -> str:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in {**MINE, **changes}.items() if value is not None}))
    return str(path)


@pytest.mark.parametrize(
    ("name", "paper", "teams"),
    [
        ("table2", "Table 2", ("fireact",)),
        ("table3", "Table 3", ("one-agent", "no-filtering")),
        ("fig3", "Figure 3", tuple(f"trajectories-{n}" for n in (25, 50, 100, 150, 200, 250, 300))),
        ("fig4", "Figure 4", ("one-agent", "tool-agents")),
    ],
)
def test_a_shipped_grid_says_what_it_stands_beside_and_what_must_be_trained(
    name: str, paper: str, teams: tuple[str, ...]
) -> None:
    grid = load_grid(name)
    assert (grid.paper, grid.teams()) == (paper, teams)
    assert {method.id for method in grid.choose(teams).methods} >= set(grid.methods)


def test_the_shipped_grids_are_played_alike() -> None:
    grids = [load_grid(name) for name in ("table2", "table3", "fig3", "fig4")]
    assert {(grid.epochs, grid.temperature, grid.shots, grid.against) for grid in grids} == {(3, 0.5, 2, "autoact")}


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    grid = load_grid(mine(tmp_path, sizes=[5, 10]))
    assert (grid.title, grid.epochs, grid.temperature) == ("Mine", 2, 0.0)
    assert grid.teams() == ("fireact", "trajectories-5", "trajectories-10")


def test_the_methods_come_as_listed_then_by_size_then_the_students(tmp_path: Path) -> None:
    teams = ("fireact", "trajectories-5")
    chosen = load_grid(mine(tmp_path, sizes=[5])).choose(teams, "autoact")
    assert [method.id for method in chosen.methods] == ["zero-shot", "react", "fireact", "trajectories-5", "autoact"]


def test_sizes_that_a_run_has_not_kept_are_left_out(tmp_path: Path) -> None:
    assert load_grid(mine(tmp_path, sizes=[5, 10, 20])).within(10).sizes == (5, 10)


def test_only_prompted_methods_are_shown_the_grids_demonstrations(tmp_path: Path) -> None:
    chosen = load_grid(mine(tmp_path, shots=4)).choose(("fireact",))
    assert {method.id: method.shots for method in chosen.methods} == {"zero-shot": 0, "react": 4, "fireact": 0}


def test_a_method_whose_team_is_not_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the run has no team fireact"):
        load_grid(mine(tmp_path)).choose(())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"methods": ["zero-shot", "chess"]}, "methods: chess is no method; choose from autoact, zero-shot"),
        ({"methods": []}, "methods: is empty"),
        ({"methods": "all"}, "field 'methods' has a value of the wrong type"),
        ({"title": None}, "field 'title' is missing"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"against": "autoact"}, "against: autoact is not one of its methods"),
        ({"epochs": 0}, "epochs and sizes must be at least 1"),
        ({"sizes": [5, 0]}, "epochs and sizes must be at least 1"),
        ({"sizes": [5, "ten"]}, "field 'sizes[1]' has a value of the wrong type"),
        ({"temperature": 3.0}, "temperature: 3.0 is not between 0 and 2"),
    ],
)
def test_a_mistake_in_a_grid_is_one_line_that_names_it(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_grid(mine(tmp_path, **changes))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list", "title: [", "'", "{a: &x [*x]}", "\x00"])
def test_a_file_that_is_no_grid_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"mine\.yaml is not a grid: "):
        load_grid(str(path))


def test_an_unknown_grid_says_which_there_are() -> None:
    with pytest.raises(UserError, match="table9 is no grid; give one of fig3, fig4, table2, table3, or a YAML file"):
        load_grid("table9")
