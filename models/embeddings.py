"""What texts mean, as vectors, by any embeddings model that LangChain's init_embeddings knows.

    embed = load_embeddings("ollama:nomic-embed-text")
    embed(["What is Peru's currency?", "Which money is used in Peru?"])    # two vectors of length 1

`openai:NAME` asks the server at OPENAI_BASE_URL, if that is set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from langchain_core.embeddings import Embeddings
from tenacity import Retrying

from autoact.core.errors import EndpointError, ModelError
from autoact.core.text import line_of
from autoact.models.failures import AGAIN, asking

Vector = tuple[float, ...]
Embed = Callable[[Sequence[str]], list[Vector]]


def load_embeddings(spec: str) -> Embed:
    """The embeddings model `provider:name` names; it raises EndpointError when its server fails. Raises ModelError."""
    from langchain.embeddings import init_embeddings

    if not all(spec.partition(":")):
        raise ModelError(f"{spec!r} is no embeddings model: write provider:name, such as ollama:nomic-embed-text")
    try:
        model: Embeddings = init_embeddings(spec, **_settings(spec.partition(":")[0]))
    except ImportError as problem:
        raise ModelError(f"{spec} needs a package that is missing: {line_of(problem)}") from problem
    except Exception as problem:  # each provider's client has its own error for a missing key or a bad name
        raise ModelError(f"{spec} cannot be used: {line_of(problem)}") from problem

    lengths: set[int] = set()

    def embed(texts: Sequence[str]) -> list[Vector]:
        vectors = _answer(spec, model, texts)
        lengths.update(map(len, vectors))
        if len(lengths) > 1:
            told = ", ".join(map(str, sorted(lengths)))
            raise EndpointError(
                f"the model {spec} gave vectors of different lengths ({told}), which cannot be compared; see that its "
                "server has one model by that name"
            )
        return [_of_length_one(vector) for vector in vectors]

    return embed


def _answer(spec: str, model: Embeddings, texts: Sequence[str]) -> Sequence[Sequence[float]]:
    """A vector for each text, as the server gave them. Raises EndpointError."""
    try:
        with asking(spec):
            vectors = list(Retrying(**AGAIN)(model.embed_documents, list(texts)))
    except EndpointError:
        raise
    except Exception as problem:  # each provider's client stumbles in its own way over an answer that is none
        raise EndpointError(
            f"the model {spec} answered with something that is no embeddings ({line_of(problem)}); see to its address "
            "and its server"
        ) from problem
    if len(vectors) != len(texts):
        raise EndpointError(f"the model {spec} gave {len(vectors)} vectors for {len(texts)} texts; see to its server")
    if not all(map(_is_vector, vectors)):
        raise EndpointError(f"the model {spec} gave something else than vectors of numbers; see to its server")
    return vectors


def _settings(provider: str) -> dict[str, Any]:
    # OpenAI's client cuts texts by a tokenizer that it would have to download; questions are short.
    return {"check_embedding_ctx_length": False, "max_retries": 0} if provider == "openai" else {}


def _is_vector(value: object) -> bool:
    numbers = value if isinstance(value, Sequence) else ()
    return bool(numbers) and all(isinstance(each, int | float) and isfinite(each) for each in numbers)


def _of_length_one(vector: Sequence[float]) -> Vector:
    length = sum(value * value for value in vector) ** 0.5
    return tuple(value / length for value in vector) if length else tuple(vector)
