"""Search on the web: Tavily, Brave, SearXNG and ddgs behind one `search(words, limit)`.

    WebSearch(Settings(backend="searxng", url="http://localhost:8888")).search("capital of Peru", 3)

Bing, which the paper used, closed its API in August 2025. None of the services was asked in our tests: loopback
servers replay what their documentation says they answer.
"""

from __future__ import annotations

import html
import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from langchain_core.tools import ToolException
from pydantic import AfterValidator, Field

from autoact.tools.addresses import backend_url
from autoact.tools.corpus import Page
from autoact.tools.failures import ToolFailure, ToolTimeout
from autoact.tools.network import SECONDS
from autoact.tools.pace import Paced
from autoact.tools.service import Service, ask, key_of, unset

LONGEST_QUERY = 400  # Brave and Tavily take no more characters, Brave no more than 50 words
MOST_WORDS = 50
LONGEST_TITLE = 200
LONGEST_TEXT = 10_000
NEEDS = {
    "corpus": "a corpus",
    "tavily": "the key TAVILY_API_KEY",
    "brave": "the key BRAVE_API_KEY",
    "searxng": "a SearXNG server",
    "ddgs": "the package ddgs",
}
_TAG = re.compile(r"<[^<>]{0,100}>")


class Settings(Paced):
    """What `toolbox: {Search: …}` may say."""

    backend: Literal["corpus", "tavily", "brave", "searxng", "ddgs"] = Field("corpus", description="Who searches.")
    url: Annotated[str, AfterValidator(backend_url)] = Field(
        "", description="The service's address, where it is not the usual one; SearXNG needs it."
    )
    timeout: float = Field(SECONDS, gt=0, le=120, description="Seconds an answer may take.")


@dataclass(frozen=True, slots=True)
class _Backend:
    url: str
    key_variable: str
    search: Callable[[Service, str, int], list[Page]]


class WebSearch:
    """A service on the web as something to search."""

    def __init__(self, settings: Settings) -> None:
        self._backend = BACKENDS[settings.backend]
        self._service = Service(
            settings.backend,
            address(settings),
            self._backend.key_variable,
            seconds=settings.timeout,
            pace=settings.pace,
        )

    def search(self, words: str, limit: int) -> list[Page]:
        """The service's best results. Raises ToolException for no words, ToolFailure when it gives no answer."""
        query = " ".join(words.split()[:MOST_WORDS])[:LONGEST_QUERY].strip()
        if not query:
            raise ToolException("The input is empty. Give keywords.")
        return self._backend.search(self._service, query, limit)[:limit]


def address(settings: Settings) -> str:
    """Where the configured service is asked."""
    return settings.url or BACKENDS[settings.backend].url


def needs(settings: Settings) -> str:
    """What the configured service is."""
    return NEEDS[settings.backend]


def missing(settings: Settings) -> str:
    """What the configured service lacks to be used here; empty when nothing."""
    backend = BACKENDS.get(settings.backend)
    if backend is None:
        return ""
    if settings.backend == "ddgs":
        return "" if importlib.util.find_spec("ddgs") else "the package ddgs (pip install ddgs)"
    if not address(settings):
        return f"toolbox.Search.url: the address of a {settings.backend} server"
    return unset(backend.key_variable) if backend.key_variable else ""


def live(settings: Settings) -> str:
    """The name and address of the service; empty for the corpus."""
    return "" if settings.backend == "corpus" else f"{settings.backend} {address(settings)}".strip()


def _tavily(service: Service, query: str, limit: int) -> list[Page]:
    headers = {"Authorization": f"Bearer {key_of(service)}"}
    answer = ask(service, headers=headers, json={"query": query, "max_results": limit})
    return _pages(service, answer, "content")


def _brave(service: Service, query: str, limit: int) -> list[Page]:
    headers = {"X-Subscription-Token": key_of(service), "Accept": "application/json"}
    params = {"q": query, "count": limit, "text_decorations": "false", "result_filter": "web"}
    answer = ask(service, params=params, headers=headers)
    if isinstance(answer, dict) and answer.get("type") == "search" and "web" not in answer:
        return []  # a section without results is left out
    return _pages(service, answer.get("web") if isinstance(answer, dict) else None, "description")


def _searxng(service: Service, query: str, limit: int) -> list[Page]:
    """SearXNG gives a page of results whatever the limit."""
    url = f"{service.url.rstrip('/')}/search"
    at = replace(service, url=url, access="search.formats in its settings, which must have json")
    return _pages(at, ask(at, params={"q": query, "format": "json"}), "content")[:limit]


def _ddgs(service: Service, query: str, limit: int) -> list[Page]:
    """The package ddgs, which reads result pages of search engines; it goes to the network by itself."""
    ddgs: Any = importlib.import_module("ddgs")
    errors: Any = importlib.import_module("ddgs.exceptions")
    service.pace.wait()
    try:
        found = ddgs.DDGS(timeout=max(1, round(service.seconds))).text(query, max_results=limit)
    except errors.RatelimitException as problem:
        raise ToolFailure(f"ddgs: the rate limit is spent; ask more slowly (per_second:): {problem}") from None
    except errors.TimeoutException as problem:
        raise ToolTimeout(f"ddgs: {problem}") from None
    except errors.DDGSException as problem:
        if "No results" in str(problem):
            return []
        raise ToolFailure(f"ddgs: {problem}") from None
    return [page for item in found if (page := _page(item, "href", "body"))]


def _pages(service: Service, answer: Any, text: str) -> list[Page]:
    """The results in a service's answer; an answer without the field is a failure, and not an empty one."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise ToolFailure(f"{service.name} answered without results.")
    return [page for item in results if (page := _page(item, "url", text))]


def _page(item: Any, url: str, text: str) -> Page | None:
    if not isinstance(item, dict):
        return None
    title, said, found_at = (_plain(item.get(name)) for name in ("title", text, url))
    return Page(title[:LONGEST_TITLE] or found_at[:LONGEST_TITLE], said, found_at) if said or title else None


def _plain(text: Any) -> str:
    """One line without tags and entities; a result that forges lines of its own stays one result."""
    return " ".join(html.unescape(_TAG.sub("", text[:LONGEST_TEXT])).split()) if isinstance(text, str) else ""


BACKENDS = {
    "tavily": _Backend("https://api.tavily.com/search", "TAVILY_API_KEY", _tavily),
    "brave": _Backend("https://api.search.brave.com/res/v1/web/search", "BRAVE_API_KEY", _brave),
    "searxng": _Backend("", "", _searxng),
    "ddgs": _Backend("", "", _ddgs),
}
