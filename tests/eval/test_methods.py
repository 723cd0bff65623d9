"""Methods are chosen by id, and one whose team is not trained is refused before anything is played."""

from __future__ import annotations

import pytest

from autoact.core.errors import UserError
from autoact.eval.methods import BASELINE, METHODS, choose_methods
from autoact.graph.run_folder import META, TEAM

TRAINED = ("fireact", "no-filtering", "one-agent", "tool-agents", "trajectories-50")


def ids(names: str, *teams: str) -> list[str]:
    return [method.id for method in choose_methods(names, teams).methods]


def test_all_is_every_method_that_the_run_has_the_team_for() -> None:
    assert ids("all", *TRAINED) == [*(method.id for method in METHODS), "trajectories-50"]


def test_all_says_what_it_leaves_out() -> None:
    chosen = choose_methods("all", ("one-agent",))
    assert "one-agent" in ids("all", "one-agent")
    assert set(chosen.left_out) == {"fireact", "no-filtering", "tool-agents"}


def test_methods_come_in_the_order_asked_for_each_once() -> None:
    assert ids("autoact, zero-shot,autoact") == ["autoact", "zero-shot"]


@pytest.mark.parametrize("names", ["", ",", "alchemy", "all,autoact", "trajectories-", "trajectories-many"])
def test_a_wrong_list_says_what_there_is(names: str) -> None:
    with pytest.raises(UserError, match="choose from all, autoact, zero-shot"):
        choose_methods(names, ())


@pytest.mark.parametrize("names", ["fireact", "autoact,fireact", "trajectories-200"])
def test_a_method_whose_team_is_missing_says_how_to_train_it(names: str) -> None:
    team = names.split(",")[-1]
    with pytest.raises(UserError, match=f"has no team {team}; train it first: autoact train RUN --teams {team}$"):
        choose_methods(names, ())


def test_a_team_of_so_many_trajectories_is_a_method() -> None:
    (method,) = choose_methods("trajectories-50", TRAINED).methods
    assert (method.speakers, method.about) == ("trajectories-50", "the team trained on 50 trajectories")


def test_a_team_that_learned_from_another_run_is_a_method() -> None:
    assert ids("student-large", "student-large") == ["student-large"]
    with pytest.raises(UserError, match=r"has no team student-large; train it first: .* --teams student --from OTHER$"):
        choose_methods("student-large", ())


def test_every_method_has_an_id_of_its_own_and_the_paper_s_are_named() -> None:
    assert len({method.id for method in METHODS}) == len(METHODS)
    assert {method.speakers for method in METHODS if method.id in ("autoact", BASELINE)} == {TEAM, META}
    assert {"CoT", "ReAct", "Reflexion", "FireAct", "AutoAct"} <= {method.paper for method in METHODS}


def test_gold_is_granted_to_reflexion_alone() -> None:
    assert [method.id for method in METHODS if method.oracle] == ["reflexion"]
