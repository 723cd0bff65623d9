"""What is kept, and why the rest is not."""

from __future__ import annotations

from autoact.core.records import Reward, Scored, Status, Step, Trajectory
from autoact.training.filtering import keep

FINE = Step("t", "Finish", "sol")
FAILED = Step("t", "Retrieve", "x", "No page.", ok=False)


def scored(name: str, reward: float, *steps: Step, status: Status = "answered", shortened: int = 0) -> Scored:
    usage = {"plan": {"calls": 3, "shortened": shortened}}
    return Scored(Trajectory(name, name, steps, "sol", status, usage=usage), Reward(reward, reward == 1))


PLAYED = [
    scored("right", 1, FINE),
    scored("half", 0.5, FINE),
    scored("halted", 1, FINE, status="halted"),
    scored("failed", 1, FAILED, FINE),
    scored("cut", 1, FINE, shortened=1),
]


def test_reward_one_without_a_failed_action_is_kept_and_the_rest_counted() -> None:
    kept = keep(PLAYED, enough=1)
    assert [s.id for s in kept.trajectories] == ["right"]
    assert kept.dropped == {"reward below 1": 1, "a shortened prompt": 1, "halted": 1, "a failed action": 1}


def test_failed_actions_are_kept_only_to_have_enough() -> None:
    kept = keep(PLAYED, enough=2)
    assert [s.id for s in kept.trajectories] == ["right", "failed"]
    assert kept.dropped["a failed action"] == 0
