"""The paper's figures are those of its tables, and are marked as another model's."""

from __future__ import annotations

from statistics import fmean

import pytest

from autoact.eval.paper import not_played, paper_rows


def row(name: str, backbone: str, method: str) -> tuple[float, ...]:
    found = next(row for row in paper_rows(name) if (row.backbone, row.method) == (backbone, method))
    return (*found.levels.values(), found.overall)


def test_autoact_with_the_largest_model_has_the_published_figures() -> None:
    assert row("HotpotQA", "Llama-2-70B-chat", "AutoAct") == (0.5694, 0.5012, 0.3835, 0.4847)
    assert row("scienceqa", "Llama-2-70B-chat", "AutoAct") == (0.825, 0.725, 0.8083, 0.7861)
    assert row("hotpotqa", "Llama-2-70B-chat", "AutoAct - multi") == (0.4281,)


@pytest.mark.parametrize("name", ["hotpotqa", "scienceqa"])
def test_what_does_not_add_up_in_the_paper_is_noted(name: str) -> None:
    for row in paper_rows(name):
        if row.levels and abs(fmean(row.levels.values()) - row.overall) > 0.0002:
            assert row.note


def test_two_faults_of_one_row_are_both_noted() -> None:
    noted = [row.note.count(";") + 1 for row in paper_rows("scienceqa") if row.note]
    assert noted == [1, 2, 2]


def test_another_benchmark_has_no_figures_in_the_paper() -> None:
    assert paper_rows("atlas") == ()


def test_the_systems_that_are_not_played_say_what_they_need_and_lack() -> None:
    systems = not_played()
    assert [s.system for s in systems] == ["HuggingGPT", "AutoGPT", "AgentVerse", "Agents", "AgentTuning"]
    assert all(system.needs and system.lacks for system in systems)
