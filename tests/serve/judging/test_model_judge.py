"""A chat model judges what humans are shown, once a question, and closes nothing."""

from __future__ import annotations

import httpx
import pytest
from langchain_core.messages import BaseMessage

from autoact.core.errors import EndpointError, PromptTooLong
from autoact.core.progress import Silent
from autoact.eval.agreement import closed_questions
from autoact.models.scripted import ScriptedChatModel
from autoact.prompts.judging import ASPECTS
from autoact.serve.judging.model_judge import judge_by_model
from autoact.serve.judging.sitting import Sitting

ALL_A = "\n".join(f"{aspect.id.capitalize()}: A" for aspect in ASPECTS)


def test_each_question_is_judged_once_by_the_letters_that_were_shown(sitting: Sitting) -> None:
    model = ScriptedChatModel(replies=lambda _: ALL_A)
    assert judge_by_model(sitting, model, "m:1", Silent()) == 0
    assert judge_by_model(sitting, model, "m:1", Silent()) == 0
    assert len(model.calls) == len(sitting.cases)
    votes = {vote.question_id: vote.choice for vote in sitting.votes.all() if vote.model}
    assert votes == {case.id: sitting.shown("m:1", number)["A"] for number, case in enumerate(sitting.cases, start=1)}


def test_a_reply_that_cannot_be_read_is_asked_for_again_by_the_next_command(sitting: Sitting) -> None:
    model = ScriptedChatModel(replies=lambda messages: "I like peru." if "peru?" in str(messages[1].text) else ALL_A)
    assert judge_by_model(sitting, model, "m:1", Silent()) == 1
    assert judge_by_model(sitting, ScriptedChatModel(replies=[ALL_A]), "m:1", Silent()) == 0


def test_what_humans_have_closed_is_judged_too_and_a_model_closes_nothing(sitting: Sitting) -> None:
    everything_a = {aspect.id: "A" for aspect in ASPECTS}
    for judge in ("Ann", "Ben", "Cem"):
        sitting.cast(judge, 1, everything_a)
    judge_by_model(sitting, ScriptedChatModel(replies=lambda _: ALL_A), "m:1", Silent())
    assert len({vote.question_id for vote in sitting.votes.all() if vote.model}) == len(sitting.cases)
    assert closed_questions(sitting.poll, sitting.votes.all()) == {sitting.case(1).id}


def test_the_prompt_tells_no_method_and_no_gold(sitting: Sitting) -> None:
    model = ScriptedChatModel(replies=lambda _: ALL_A)
    judge_by_model(sitting, model, "m:1", Silent())
    sent = str(model.calls)
    assert "What is the capital of peru?" in sent
    assert not [word for word in ("autoact", "react", "zero-shot", "plan-of", "gold", "The verdict") if word in sent]


def test_trajectories_that_do_not_fit_the_window_are_left_out(sitting: Sitting) -> None:
    def reply(_: list[BaseMessage]) -> str:
        raise PromptTooLong("9000 tokens")

    assert judge_by_model(sitting, ScriptedChatModel(replies=reply), "m:1", Silent()) == len(sitting.cases)


def test_a_server_that_fails_is_a_line_and_what_was_judged_stays(sitting: Sitting) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "mali?" in str(messages[1].text):
            raise httpx.UnsupportedProtocol("no such server")
        return ALL_A

    with pytest.raises(EndpointError, match="the model m:1 does not answer"):
        judge_by_model(sitting, ScriptedChatModel(replies=reply), "m:1", Silent())
    assert len({vote.question_id for vote in sitting.votes.all()}) == len(sitting.cases) - 1
