"""A turn held to a regex matches it, and no other row notices."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from autoact.core.errors import ModelError
from autoact.models.constraint import Grammars
from autoact.models.engine import Completion, Engine, Request
from autoact.models.load import load_model
from autoact.models.local import LocalChatModel

TURN = r"Thought: [a-z ]{1,20}\nAction: (Retrieve|Finish)"
TEMPLATE = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|stop|>' }}{% endfor %}"
EXPRESSIONS = [TURN, "right|wrong", r"\d{3}-\d{2}", "é🙂|漢字", r"[^\n]{0,12}!", "a/b\\.c"]


def ask(engine: Engine, regex: str, **settings: Any) -> Completion:
    asked = Request([9, 10, 11], regex=regex, **{"max_tokens": 120, **settings})
    return engine.submit(asked).result(timeout=60)


@pytest.mark.parametrize("regex", EXPRESSIONS)
@pytest.mark.parametrize("temperature", [0.0, 1.0, 30.0])
def test_the_whole_completion_matches(engine: Engine, regex: str, temperature: float) -> None:
    said = ask(engine, regex, temperature=temperature, seed=1)
    assert re.fullmatch(regex, said.text)
    assert said.finish == "stop"


def test_sampling_reaches_every_branch_and_follows_its_seed(engine: Engine) -> None:
    said = [ask(engine, "a|b|c", temperature=50.0, seed=seed).text for seed in [*range(20), *range(20)]]
    assert set(said) == {"a", "b", "c"}
    assert said[:20] == said[20:]


def test_a_limit_may_still_cut_it(engine: Engine) -> None:
    said = ask(engine, "x{50}", max_tokens=7)
    assert set(said.text) == {"x"}
    assert said.finish == "length"


def test_rows_without_a_regex_are_left_alone(engine: Engine) -> None:
    free = [Request([9, 10, at], max_tokens=30, temperature=1.0, seed=at) for at in range(20, 28)]
    alone = [engine.submit(request).result(timeout=60) for request in free]
    held = [Request([9, 10, at], max_tokens=30, regex=TURN) for at in range(20, 28)]
    pairs = [(engine.submit(request), engine.submit(other)) for request, other in zip(free, held, strict=True)]
    assert [future.result(timeout=60) for future, _ in pairs] == alone
    assert all(TURN.startswith(future.result(timeout=60).text[:9]) for _, future in pairs)


@pytest.mark.parametrize("regex", ["(", "(?=a)b", r"(a)\1", r"[^\s\S]", "\ud800"])
def test_an_expression_that_cannot_be_used_is_one_line(engine: Engine, regex: str) -> None:
    with pytest.raises(ModelError, match="regex") as caught:
        engine.submit(Request([9], regex=regex))
    assert "\n" not in str(caught.value)


def test_an_expression_may_have_so_many_characters_and_no_more(engine: Engine) -> None:
    names = [f"{number:09}" for number in range(1000)]
    assert ask(engine, "|".join(names)).text in names
    with pytest.raises(ModelError, match="the regex has 10009 characters, and may have 10000; name fewer"):
        ask(engine, "|".join([*names, "123456789"]))


@pytest.mark.parametrize("regex", ["(a{1000}){1000}", "(((a{100}){100}){100}){100}", "((a|b){1000}){1000}"])
def test_a_short_expression_for_a_long_text_takes_no_time_ahead(engine: Engine, regex: str) -> None:
    start = time.process_time()
    said = ask(engine, regex, max_tokens=9)
    assert set(said.text) <= {"a", "b"}  # however early a limit of the library ends it
    assert time.process_time() - start < 2


def test_a_turn_may_end_with_every_closing_token_exactly_where_the_regex_may(engine: Engine) -> None:
    import torch

    ends = {0, 1, 10**6}
    constraint = Grammars(engine.tokenizer, ends).constraint("ab?")
    for letter, may_end in (("", False), ("a", True), ("b", True)):
        for token in engine.tokenizer(letter, add_special_tokens=False)["input_ids"]:
            constraint.accept(token)
        logits = torch.zeros(450)
        constraint.narrow(logits)
        assert [bool(logits[end] == 0) for end in (0, 1)] == [may_end, may_end]
        assert torch.isinf(logits[400:]).all()


def test_a_closing_token_is_no_text_even_where_it_is_not_special(make_base: Callable[..., Any], tmp_path: Path) -> None:
    from tokenizers import AddedToken

    make_base(tmp_path, template=TEMPLATE, added=[AddedToken("<|stop|>", special=False)])
    engine = Engine(str(tmp_path), threads=1)
    assert {ask(engine, "a", temperature=90.0, seed=seed).text for seed in range(20)} == {"a"}
    assert engine.tokenizer.convert_tokens_to_ids("<|stop|>") in engine._decoder.ends
    engine.close()


def test_a_model_is_held_to_a_regex_per_call(engine: Engine) -> None:
    model = LocalChatModel(engine=engine, adapter="plan", model_name="plan-1")
    assert model.invoke("Is it right?", regex="right|wrong").text in {"right", "wrong"}
    chunks = list(model.bind(regex="right|wrong").stream("Is it right?"))
    assert "".join(chunk.text for chunk in chunks) in {"right", "wrong"}


def test_the_seed_model_of_the_example_is_held_too() -> None:
    from autoact.examples import atlas

    model = load_model(f"transformers:{atlas.__path__[0]}/seed")
    assert isinstance(model, LocalChatModel)
    said = model.invoke([HumanMessage("Which river?")], regex=TURN, max_tokens=60)
    assert re.fullmatch(TURN, str(said.text))
    model.engine.close()
