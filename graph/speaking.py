"""How a role is asked: with a prompt that fits the model's window, and what the reply cost.

    asked = Asked()
    for messages in asked.prompts(steps, ask):      # whole first, then with ever more of the oldest observations cut
        with asked:                                 # a prompt that is too long: on to the next
            asked.reply = model.invoke(messages)

What is cut is cut in the prompt alone: the steps stay as they were, and `usage` counts such prompts, so that
nothing need be trained on a text that was never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from autoact.core.records import Step
from autoact.models.failures import too_long
from autoact.models.tokens import MARK

KEPT = 100


class Asked:
    """One turn of a role; its prompts raise the first refusal when even the shortest does not fit."""

    def __init__(self) -> None:
        self.reply: AIMessage = AIMessage("")
        self.refusal: Exception | None = None
        self._fits = False

    def prompts(
        self, steps: Sequence[Step], ask: Callable[[list[Step]], list[BaseMessage]]
    ) -> Iterator[list[BaseMessage]]:
        """What to send, until something fits; a prompt that cutting did not change is not sent again."""
        sent: list[BaseMessage] = []
        for shorter in shortened(steps):
            if not self._fits and (messages := ask(shorter)) != sent:
                sent = messages
                yield messages
        if not self._fits and self.refusal:
            raise self.refusal

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> bool:
        self._fits = problem is None
        if not isinstance(problem, Exception) or not too_long(problem):
            return False
        self.refusal = self.refusal or problem
        return True

    def usage(self) -> dict[str, int]:
        """One call and its tokens."""
        spent = self.reply.usage_metadata or {"input_tokens": 0, "output_tokens": 0}
        counts = {"calls": 1, "input_tokens": spent["input_tokens"], "output_tokens": spent["output_tokens"]}
        return counts | ({"shortened": 1} if self.refusal else {})

    def name(self, model: BaseChatModel) -> str:
        """Who wrote the reply: the adapter or the model."""
        return str(self.reply.response_metadata.get("model_name") or model.get_name())


def shortened(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps, then with one more of the oldest observations cut each time; the last turn stays whole."""
    shorter = list(steps)
    yield shorter
    for at, step in enumerate(steps[:-1]):
        if len(step.observation) > KEPT + len(MARK):
            shorter[at] = replace(step, observation=step.observation[:KEPT] + MARK)
            yield shorter


def address_of(model: BaseChatModel) -> str:
    """The name of a model, and where it is served."""
    name = str(getattr(model, "model_name", None) or getattr(model, "model", None) or model.get_name())
    addresses = (getattr(model, field, None) for field in ("openai_api_base", "base_url", "anthropic_api_url"))
    server = next((address for address in addresses if address), None)
    return f"{name} at {server}" if server else name
