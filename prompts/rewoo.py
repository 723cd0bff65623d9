"""The chats of ReWOO's planner, its LLM worker and its solver, and the plan that is read (Xu et al. 2023).

    user     Question: What is the currency of the country whose capital is Lima?
    plan   → Plan: I find the country.⏎#E1 = Retrieve[Lima]
             Plan: I read about it.⏎#E2 = LLM[Name the country. Read #E1]⏎#E3 = Retrieve[#E2]

A demonstration becomes a plan made afterwards: where an input was found in an earlier observation, the LLM worker
draws it from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoact.core.records import FINISH, REFLECT, Demonstration, Question, Step
from autoact.prompts.cot import parse_cot
from autoact.prompts.grammar import LINE, form, one_of
from autoact.prompts.parse import parse_input, without_thinking
from autoact.prompts.react import ReactTurn, bracketed
from autoact.prompts.render import Brief, Turn, question_text, tools_text
from autoact.prompts.specialist import within
from autoact.prompts.template import fill

LLM = "LLM"
_CALL = re.compile(r"#E([0-9]+)[ \t]*=[ \t]*([^\W\d]\w*(?:-\w+)*)[ \t]*\[")
_PLAN = re.compile(r"^[ \t]*Plan[ \t]*:", re.MULTILINE | re.IGNORECASE)
_REFERENCE = re.compile(r"#E([0-9]+)")


@dataclass(frozen=True, slots=True)
class Call:
    """A step of a plan: `id` names its evidence, and the argument may hold the ids of others."""

    id: str
    thought: str
    tool: str
    argument: str


def planner_chat(brief: Brief, question: Question) -> list[Turn]:
    """The chat up to the plan."""
    tools = tools_text([card for card in brief.tools if card.name != FINISH])
    turns = [Turn("system", fill("rewoo_system", description=brief.description, tools=tools))]
    for shot in brief.shots:
        # One that was answered at once has no plan to show.
        if written := "\n".join(_written(call) for call, _ in _planned(shot)):
            turns += [Turn("user", question_text(shot.question)), Turn("plan", written)]
    return [*turns, Turn("user", question_text(question))]


def llm_chat(question: Question, argument: str) -> list[Turn]:
    """The chat of the LLM worker, which sees the question and its own step."""
    step = fill("rewoo_llm", question=question_text(question), argument=within(argument))
    return [Turn("system", fill("rewoo_llm_system")), Turn("user", step)]


def solver_chat(brief: Brief, question: Question, plan: Sequence[Call], steps: Sequence[Step]) -> list[Turn]:
    """The chat up to the answer; `steps` are what became of the plan's calls."""
    turns = [Turn("system", fill("rewoo_solve_system", description=brief.description))]
    for shot in brief.shots:
        turns += [_request(shot.question, _planned(shot)), Turn("plan", shot.answer)]
    return [*turns, _request(question, zip(plan, steps, strict=False))]


def calls_regex(names: Sequence[str]) -> str:
    """A plan of at least one call, for backends that can hold a model to it."""
    tools = one_of([*(name for name in names if name != FINISH), LLM])
    call = form("rewoo_call", thought=LINE, id="#E[1-9][0-9]?", tool=tools, argument=LINE)
    return rf"{call}(\n{call})*"


def parse_calls(text: str, tools: Sequence[str]) -> list[Call]:
    """The calls of a plan, in order, whatever else the text holds. Finish and Reflect are none."""
    text = without_thinking(text)
    known = {tool.lower(): tool for tool in (LLM, *tools)}
    marks = list(_CALL.finditer(text))
    starts, ends = [0, *(mark.end() for mark in marks)], [*(mark.start() for mark in marks[1:]), len(text)]
    calls = []
    for start, mark, end in zip(starts, marks, ends, strict=False):
        tool = known.get(mark.group(2).lower(), mark.group(2))
        if tool not in (FINISH, REFLECT):
            calls.append(Call(_id(mark), _thought(text[start : mark.start()]), tool, _inside(text[mark.end() : end])))
    return calls


def parse_solution(text: str) -> ReactTurn:
    """The solver's answer: after "answer is" or in Finish[…] if it is there, else all that it wrote."""
    turn = parse_cot(text)
    return turn if turn.argument is not None else ReactTurn("", FINISH, parse_input(text))


def with_evidence(argument: str, evidence: Mapping[str, str]) -> str:
    """The argument with evidence in the place of its ids; one that there is not yet is said to be missing."""

    def found(mark: re.Match[str]) -> str:
        name = _id(mark)
        return evidence[name] if name in evidence else fill("rewoo_missing", id=name)

    return _REFERENCE.sub(found, argument)


def _planned(shot: Demonstration) -> list[tuple[Call, Step]]:
    """The calls that would have made the steps before Finish, with those steps."""
    done: list[tuple[Call, Step]] = []
    for step in shot.steps[:-1]:
        call = Call(_next(done), step.thought, step.tool, step.argument)
        source = _source(step.argument, shot.question, done)
        if source:
            asked = fill("rewoo_bridge", tool=step.tool, evidence=source)
            bridge = Call(call.id, step.thought, LLM, asked)
            done.append((bridge, Step(step.thought, LLM, asked, step.argument)))
            call = Call(_next(done), step.thought, step.tool, bridge.id)
        done.append((call, step))
    return done


def _next(done: Sequence[object]) -> str:
    return f"#E{len(done) + 1}"


def _source(argument: str, question: Question, done: Sequence[tuple[Call, Step]]) -> str:
    """The id of the latest evidence that an input was found in; empty when the question had it already."""
    sought = argument.strip().lower()
    if not sought or sought in question_text(question).lower():
        return ""
    return next((call.id for call, step in reversed(done) if sought in step.observation.lower()), "")


def _request(question: Question, done: Iterable[tuple[Call, Step]]) -> Turn:
    told = "\n".join(
        fill("rewoo_evidence", call=_written(call), observation=within(step.observation)) for call, step in done
    )
    return Turn("user", fill("rewoo_solve", question=question_text(question), evidence=told or fill("rewoo_nothing")))


def _written(call: Call) -> str:
    return fill("rewoo_call", thought=within(call.thought), id=call.id, tool=call.tool, argument=within(call.argument))


def _id(mark: re.Match[str]) -> str:
    return f"#E{mark.group(1).lstrip('0') or '0'}"


def _thought(before: str) -> str:
    """What stands after the last `Plan:` before a call."""
    labels = list(_PLAN.finditer(before))
    return " ".join(before[labels[-1].end() :].split()) if labels else ""


def _inside(after: str) -> str:
    """What stands in a call's brackets; all of its line when they do not close."""
    if label := _PLAN.search(after):
        after = after[: label.start()]
    inside = bracketed(after)
    return (after.partition("\n")[0] if inside is None else inside).strip()
