"""Why plays failed: one class for each play with a reward below 1, and the faults of single steps.

    failures(records)        # {"wrong answer": 41, "over budget": 7, …}: every class, in the order of CLASSES
    faults(records)          # {"malformed action": 12, …}: steps, of plays that failed or not

The first class that fits is taken, in this order; "its last action" leaves Finish and verdicts out:

    error              a model or our own code failed on this question
    malformed action   its last action had no tool, or an input that the tool cannot read
    unknown tool       its last action named a tool that there is not
    loop               it came to no Finish, and its last action had been made before in the same attempt
    tool error         its last action was refused by its tool, or the tool failed
    over budget        it came to no Finish within its budget of steps or tokens
    no answer          it finished with an empty answer
    wrong answer       it finished with another answer than the gold one, be it in part
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from autoact.core.records import FINISH, REFLECT, Scored, Step, Trajectory
from autoact.prompts.template import fill, template_text

MALFORMED, UNKNOWN, LOOP, TOOL = "malformed action", "unknown tool", "loop", "tool error"
FAULTS = (MALFORMED, UNKNOWN, LOOP, TOOL)
CLASSES = ("error", MALFORMED, UNKNOWN, LOOP, TOOL, "over budget", "no answer", "wrong answer")


def failures(records: Iterable[Scored]) -> dict[str, int]:
    """Class → plays with a reward below 1; every class is there."""
    counts = Counter(class_of(record.trajectory) for record in records if record.reward.value < 1)
    return {name: counts[name] for name in CLASSES}


def faults(records: Iterable[Scored]) -> dict[str, int]:
    """Fault → steps that have it, over all plays; every fault is there."""
    counts = Counter(fault_of(step) for record in records for step in record.trajectory.steps)
    return {name: counts[name] for name in FAULTS}


def class_of(trajectory: Trajectory) -> str:
    """The class of a play that failed."""
    if trajectory.status == "error":
        return "error"
    actions = [step for step in trajectory.steps if step.tool not in (FINISH, REFLECT)]
    fault = fault_of(actions[-1]) if actions else ""
    if fault in (MALFORMED, UNKNOWN):
        return fault
    if trajectory.status == "halted" and _repeats(trajectory.steps):
        return LOOP
    if fault == TOOL:
        return TOOL
    if trajectory.status == "halted":
        return "over budget"
    return "wrong answer" if trajectory.answer.strip() else "no answer"


def fault_of(step: Step) -> str:
    """What is wrong with a step; empty when nothing is, and for verdicts."""
    if step.ok or step.tool == REFLECT:
        return ""
    if not step.tool or step.observation.startswith(_opening("bad_input", step.tool)):
        return MALFORMED
    if step.observation.startswith(_opening("unknown_tool", step.tool)):
        return UNKNOWN
    return LOOP if step.observation == fill("loop") else TOOL


def _repeats(steps: Sequence[Step]) -> bool:
    """Whether the last action was made before; a verdict begins a new attempt, where it may be made again."""
    verdict = max((place for place, step in enumerate(steps) if step.tool == REFLECT), default=-1)
    calls = [(step.tool, step.argument) for step in steps[verdict + 1 :]]
    return bool(calls) and calls[-1] in calls[:-1]


def _opening(template: str, tool: str) -> str:
    """How an observation begins that was made of a template: its words up to what follows the tool's name."""
    before, _, after = template_text(template).partition("{tool}")
    return before + tool[:100] + after.partition("{")[0]
