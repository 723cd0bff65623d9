"""Retrieve from a MediaWiki: the page of a title as plain text, redirects followed, similar titles by its search.

    wiki = Wiki(Settings(backend="mediawiki", contact="me@example.org"))
    wiki.page("Lima")          # Page("Lima", "Lima is the capital …", "https://en.wikipedia.org/wiki/Lima")

Wikimedia refuses callers that do not say who they are: the User-Agent names us and the contact. Wikipedia itself was
not asked in our tests: a loopback server replays what its documentation says it answers.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from langchain_core.tools import ToolException
from pydantic import AfterValidator, Field

from autoact.tools.addresses import backend_url
from autoact.tools.corpus import Page
from autoact.tools.failures import ToolFailure
from autoact.tools.network import SECONDS, USER_AGENT, header_text
from autoact.tools.pace import Paced
from autoact.tools.service import Service, ask

LONGEST_TITLE = 255  # bytes of a title in MediaWiki
LONGEST_TEXT = 200_000
SIMILAR = 5
MEANINGS = 10
_ILLEGAL = re.compile(r"[\x00-\x1f\x7f#<>\[\]|{}\ud800-\udfff]")


class Settings(Paced):
    """What `toolbox: {Retrieve: …}` may say."""

    backend: Literal["corpus", "mediawiki"] = Field("corpus", description="Whose pages are opened.")
    url: Annotated[str, AfterValidator(backend_url)] = Field(
        "https://en.wikipedia.org/w/api.php", description="The api.php of the wiki."
    )
    contact: Annotated[str, AfterValidator(header_text)] = Field(
        "", description="A mail address or page by which the wiki can reach you."
    )
    timeout: float = Field(SECONDS, gt=0, le=120, description="Seconds an answer may take.")


class Wiki:
    """A MediaWiki as something to open pages of."""

    def __init__(self, settings: Settings) -> None:
        access = "contact:, which must say who you are"
        self._service = Service("the wiki", settings.url, access=access, seconds=settings.timeout, pace=settings.pace)
        self._agent = f"{USER_AGENT} {settings.contact}".strip()

    def page(self, title: str) -> Page | None:
        """The page of that title, or the one it redirects to. Raises ToolException for a title of many meanings."""
        asked = _title(title)
        if not asked:
            return None
        found = self._query(
            titles=asked,
            redirects="1",
            prop="extracts|pageprops|info|links",
            inprop="url",
            explaintext="1",
            exsectionformat="plain",
            ppprop="disambiguation",
            plnamespace="0",
            pllimit=str(MEANINGS),
        )
        pages = found.get("pages")
        page = pages[0] if isinstance(pages, list) and pages and isinstance(pages[0], dict) else {}
        if page.get("missing") or page.get("invalid") or not page.get("title"):
            return None
        if "disambiguation" in page.get("pageprops", {}):
            meanings = "; ".join(str(link.get("title", "")) for link in page.get("links", []))
            raise ToolException(f"{page['title']} has several meanings. Similar titles: {meanings}")
        return Page(str(page["title"]), _paragraphs(str(page.get("extract", ""))), str(page.get("fullurl", "")))

    def similar(self, title: str) -> list[str]:
        """Titles of pages that the wiki's search finds for the words of a title."""
        words = " ".join(re.findall(r"\w+", title[:LONGEST_TITLE]))
        if not words:
            return []
        found = self._query(list="search", srsearch=words, srlimit=str(SIMILAR), srprop="")
        return [str(item.get("title", "")) for item in found.get("search", []) if isinstance(item, dict)]

    def _query(self, **params: str) -> dict[str, Any]:
        asked = {"action": "query", "format": "json", "formatversion": "2", **params}
        answer = ask(self._service, params=asked, headers={"User-Agent": self._agent})
        error = answer.get("error") if isinstance(answer, dict) else "no object"
        if error:
            said = error.get("info") or error.get("code") if isinstance(error, dict) else error
            raise ToolFailure(f"The wiki refused to answer: {str(said)[:200]}")
        found = answer.get("query")
        return found if isinstance(found, dict) else {}


def needs(settings: Settings) -> str:
    """Whose pages are to be there."""
    return "a corpus" if settings.backend == "corpus" else "a MediaWiki, and a contact"


def missing(settings: Settings) -> str:
    """What a wiki lacks to be used here; empty when nothing."""
    unknown = settings.backend == "mediawiki" and not settings.contact.strip()
    return "toolbox.Retrieve.contact: a mail address or page by which the wiki can reach you" if unknown else ""


def live(settings: Settings) -> str:
    """The name and address of the wiki; empty for the corpus."""
    return f"mediawiki {settings.url}" if settings.backend == "mediawiki" else ""


def _title(text: str) -> str:
    """The text without what a title cannot have (a | would ask for several pages)."""
    plain = " ".join(_ILLEGAL.sub(" ", text[: 4 * LONGEST_TITLE]).split())
    return plain.encode()[:LONGEST_TITLE].decode("utf-8", "ignore")


def _paragraphs(extract: str) -> str:
    """An extract parts its paragraphs by one line break; our pages part them by a blank line."""
    return re.sub(r"\n+", "\n\n", extract[:LONGEST_TEXT]).strip()
