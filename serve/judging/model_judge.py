"""A chat model as a judge: it is shown what humans are shown, as text, and asked once a question.

    left = judge_by_model(sitting, load_model("openai:gpt-4.1"), "openai:gpt-4.1", progress)

Its votes stand under its own name and close nothing. A reply that cannot be read leaves its question open: the
same command asks again.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from autoact.agents.chat import to_messages
from autoact.core.errors import ParseError
from autoact.core.progress import Progress
from autoact.models.failures import asking, patient, too_long
from autoact.models.load import sampled
from autoact.prompts.judging import judge_chat, parse_judgement
from autoact.prompts.render import Turn
from autoact.serve.judging.sitting import Sitting

Speaker = Runnable[LanguageModelInput, AIMessage]

WORKERS = 8
# Room for a model that thinks before it answers.
MAX_TOKENS = 4096


def judge_by_model(sitting: Sitting, model: BaseChatModel, name: str, progress: Progress) -> int:
    """Judge what is left to this judge; how many questions still are. Raises EndpointError when the model fails."""
    left = sitting.progress(name, model=True).left
    # Drawn anew, so that what could not be read is not said again word for word.
    seed = secrets.randbelow(1 << 31)
    speaker = patient(sampled(model, temperature=0.0, seed=seed, max_tokens=MAX_TOKENS))
    progress.stage(f"{name} judges")
    with ThreadPoolExecutor(WORKERS) as pool:
        kept = 0
        for done, judged in enumerate(pool.map(lambda number: _judge(sitting, speaker, name, number), left), start=1):
            kept += judged
            progress.advance(done, len(left))
    return len(left) - kept


def _judge(sitting: Sitting, speaker: Speaker, name: str, number: int) -> bool:
    """Whether the model's judgement of one question could be read, and is kept."""
    case, shown = sitting.case(number), sitting.shown(name, number)
    chat = judge_chat(case.question, {letter: case.steps[method] for letter, method in shown.items()})
    try:
        letters = parse_judgement(_reply(speaker, name, chat), "".join(shown))
    except ParseError:
        return False
    return sitting.cast(name, number, letters, model=True)


def _reply(speaker: Speaker, name: str, chat: list[Turn]) -> str:
    with asking(name):
        try:
            return str(speaker.invoke(to_messages(chat)).text)
        except Exception as problem:  # each server has its own error for a prompt that does not fit
            if too_long(problem):
                raise ParseError("the trajectories do not fit the model's window") from problem
            raise
