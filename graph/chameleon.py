"""Chameleon: a policy lists the modules to run, and they run in order without a look back (Lu et al. 2023).

    START → policy → input → executor → …     a tool, its input written by a module of its own
                     knowledge → …            what the model knows about the matter
                     solution → executor      it names one of the question's options
                     solution → answer → executor → END

A module before Solution is a step, and sees what those before it gave. The list is cut so that the last step is left
for the answer.
"""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph
from pydantic import Field

from autoact.agents.chat import to_messages
from autoact.core.errors import UserError
from autoact.core.records import FINISH, Step, to_json
from autoact.graph.acting import Act
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, onward
from autoact.graph.setup import Setup
from autoact.graph.state import State, question_of, steps_taken
from autoact.models.tokens import shorten
from autoact.prompts.chameleon import (
    KNOWLEDGE,
    OWN,
    answer_chat,
    chosen_option,
    knowledge_chat,
    modules_regex,
    modules_text,
    parse_modules,
    policy_chat,
    solution_chat,
)
from autoact.prompts.parse import parse_input, without_thinking
from autoact.prompts.render import Brief
from autoact.prompts.specialist import specialist_chat
from autoact.prompts.template import fill


class ChameleonState(State, total=False):
    """The state, with the modules to run before Solution and Answer."""

    modules: Annotated[list[str], Field(description="The modules to run before Solution and Answer.")]


def chameleon(setup: Setup) -> StateGraph[Any, Any, Any, Any]:
    """The uncompiled graph; the team's tool model writes the inputs of tools, its plan model all else.

    Raises UserError when a tool has the name of one of Chameleon's own modules.
    """
    for name in setup.fields:
        if name.lower() in map(str.lower, OWN):
            raise UserError(f"chameleon: {name} is a module of its own, so no tool may be called that; rename the tool")
    episode = Chameleon(setup, entry="policy")
    graph = episode.graph(ChameleonState)
    modules = ["input", "knowledge", "solution"]
    policy = episode.speaking("policy", ask, episode.listed, lambda brief: modules_regex(brief.names()))
    graph.add_node("policy", policy, error_handler=episode.failed)
    write = episode.speaking("input", ask_for_input, filled_in, speaker="tool")
    graph.add_node("input", write, error_handler=episode.failed)
    recall = episode.speaking("knowledge", ask_for_knowledge, episode.recalled)
    graph.add_node("knowledge", recall, error_handler=episode.failed)
    graph.add_node("solution", episode.speaking("solution", ask_for_solution, solved), error_handler=episode.failed)
    graph.add_node("answer", episode.speaking("answer", ask_for_answer, answered), error_handler=episode.failed)
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_edge(START, "policy")
    graph.add_conditional_edges("policy", onward(), modules)
    graph.add_edge("input", "executor")
    graph.add_conditional_edges("knowledge", onward(), modules)
    graph.add_conditional_edges("solution", onward(), ["answer", "executor"])
    graph.add_edge("answer", "executor")
    graph.add_conditional_edges("executor", onward(), [*modules, "executor", END])
    return graph


class Chameleon(Episode):
    """The shells, with a list of modules to go through."""

    def listed(self, _state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after the policy's turn; the list is told as the first step's thought."""
        modules = parse_modules(str(reply.text), self.setup.brief(settings).names())[: settings.max_steps - 1]
        listed = {"modules": modules, "wrote": {"policy": wrote}, **self.onto(modules, 0)}
        return {**listed, "thought": modules_text(modules)}

    def executed(self, state: State, act: Act) -> Update:
        """The update after a tool: on to the next module, unless the episode ended with it."""
        update = super().executed(state, act)
        if update["next"] != self.entry:
            return update
        return update | self.onto(modules_of(state), steps_taken(state) + 1)

    def recalled(self, state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        """The update after what the model knows."""
        text = without_thinking(str(reply.text))
        text = shorten(self.setup.model("plan", settings), text, settings.observation_tokens)
        names = by_policy(state, "knowledge", wrote)
        step = Step(state["thought"], KNOWLEDGE, "", text or fill("no_output"), wrote=names)
        return {"steps": [to_json(step)], **self.onto(modules_of(state), steps_taken(state) + 1)}

    def onto(self, modules: list[str], done: int) -> Update:
        """The next module."""
        module = modules[done] if done < len(modules) else ""
        node = "input" if module in self.setup.fields else "knowledge" if module else "solution"
        return {"thought": "", "tool": module or FINISH, "argument": "", "waits": False, "next": node}


def modules_of(state: Any) -> list[str]:
    """The list that the state holds."""
    return list(state.get("modules", []))


def by_policy(state: State, module: str, wrote: str) -> dict[str, str]:
    """Who wrote a module's step: the policy listed it."""
    return {"policy": state["wrote"]["policy"], module: wrote}


def ask(state: State, brief: Brief, _steps: list[Step]) -> list[BaseMessage]:
    """What the policy is sent."""
    return to_messages(policy_chat(brief, question_of(state)))


def ask_for_input(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the module is sent that writes a tool's input."""
    return to_messages(specialist_chat(brief, question_of(state), steps, state["tool"]))


def filled_in(state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after a tool's input."""
    return {"argument": parse_input(str(reply.text)), "wrote": by_policy(state, "input", wrote), "next": "executor"}


def ask_for_knowledge(state: State, _brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the module is sent that recalls what is known."""
    return to_messages(knowledge_chat(question_of(state), steps))


def ask_for_solution(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the module is sent that reasons."""
    return to_messages(solution_chat(brief, question_of(state), steps))


def solved(state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after the solution: it names an option, or the answer is still to be drawn from it."""
    solution = without_thinking(str(reply.text))
    option = chosen_option(solution, question_of(state).choices)
    pending = {"thought": solution, "tool": FINISH, "argument": option, "wrote": {"solution": wrote}}
    return {**pending, "next": "executor" if option else "answer"}


def ask_for_answer(state: State, brief: Brief, _steps: list[Step]) -> list[BaseMessage]:
    """What the module is sent that draws the answer."""
    return to_messages(answer_chat(brief, question_of(state), state["thought"]))


def answered(state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after the answer."""
    return {"argument": parse_input(str(reply.text)), "wrote": {**state["wrote"], "answer": wrote}, "next": "executor"}
