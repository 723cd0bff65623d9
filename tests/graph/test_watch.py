"""What is handed on of a batch: never an outage, and a question's own fault only when others were played."""

from __future__ import annotations

import pytest

from autoact.core.errors import EndpointError
from autoact.core.records import Trajectory
from autoact.graph.watch import FAILURES_IN_A_ROW, FAULTS_IN_A_ROW, Watch
from autoact.tools.log import ToolLog


def failed(number: int, *, down: bool = False) -> Trajectory:
    return Trajectory(f"q{number}/0", f"q{number}", (), "", "error", "plan: BadRequestError: no", down)


def played(number: int) -> Trajectory:
    return Trajectory(f"q{number}/0", f"q{number}", (), "sol", "answered")


def handed_on(*trajectories: Trajectory) -> tuple[list[str], str]:
    """The ids of what was handed on, and what was complained of."""
    done: list[str] = []
    watch = Watch(lambda trajectory: done.append(trajectory.id))
    for trajectory in trajectories:
        if not watch.stopped:
            watch.ended(trajectory, ToolLog())
    try:
        watch.close()
    except EndpointError as problem:
        return done, str(problem)
    return done, ""


def test_a_question_s_own_fault_is_handed_on_among_others() -> None:
    assert handed_on(played(0), failed(1), played(2)) == (["q0/0", "q1/0", "q2/0"], "")


def test_one_at_the_end_too() -> None:
    assert handed_on(played(0), failed(1)) == (["q0/0", "q1/0"], "")


def test_a_server_that_failed_is_never_an_answer() -> None:
    done, complaint = handed_on(played(0), failed(1, down=True), played(2))
    assert done == ["q0/0", "q2/0"]
    assert complaint.startswith("1 questions could not be played (plan: BadRequestError: no)")


def test_a_fault_that_meets_every_question_is_nobody_s() -> None:
    done, complaint = handed_on(failed(0), failed(1))
    assert (done, complaint[:11]) == ([], "2 questions")


def test_a_question_s_own_fault_counts_where_others_were_played_before() -> None:
    done: list[str] = []
    watch = Watch(lambda trajectory: done.append(trajectory.id), played=3)
    watch.ended(failed(0), ToolLog())
    watch.close()
    assert done == ["q0/0"]


def test_a_server_that_fails_stops_the_batch_soon() -> None:
    done, complaint = handed_on(played(0), *(failed(number, down=True) for number in range(1, 20)))
    assert done == ["q0/0"]
    assert complaint.startswith(f"{FAILURES_IN_A_ROW} questions")


def test_faults_of_some_questions_stop_nothing_wherever_they_come() -> None:
    some = [failed(number) for number in range(FAULTS_IN_A_ROW - 1)]
    for order in ([*some, played(50)], [played(50), *some]):
        assert len(handed_on(*order)[0]) == FAULTS_IN_A_ROW


def test_many_faults_in_a_row_stop_the_batch_and_none_of_them_counts() -> None:
    done, complaint = handed_on(played(0), *(failed(number) for number in range(1, 50)))
    assert done == ["q0/0"]
    assert complaint.startswith(f"{FAULTS_IN_A_ROW} questions")


def test_what_ends_well_after_a_stop_is_kept_and_the_stop_stands() -> None:
    done: list[str] = []
    watch = Watch(lambda trajectory: done.append(trajectory.id))
    for number in range(FAILURES_IN_A_ROW):
        watch.ended(failed(number, down=True), ToolLog())
    watch.ended(played(9), ToolLog())
    assert (done, watch.stopped) == (["q9/0"], True)
    with pytest.raises(EndpointError, match=f"^{FAILURES_IN_A_ROW} questions"):
        watch.close()


def test_a_row_of_faults_is_settled_by_the_next_question_that_goes_well() -> None:
    row = [failed(number, down=number % 2 == 1) for number in range(1, FAILURES_IN_A_ROW)]
    done, complaint = handed_on(*row, played(9))
    assert done == ["q2/0", "q4/0", "q9/0"]
    assert complaint.startswith("2 questions")


def test_nothing_is_complained_of_when_nothing_failed() -> None:
    assert handed_on(played(0), played(1)) == (["q0/0", "q1/0"], "")
