"""What a reader may want to type into the search box."""

import json
from typing import Any
from urllib.parse import quote

from services.render.keys import tag_key
from services.render.kinds.parts import PageParts
from services.render.kinds.search import UNLISTED
from services.render.kinds.tag import TAG
from services.render.search.folding import words_in
from services.render.search.questions import LONGEST_QUESTION, MOST_ASKED_WORDS
from services.render.search.searching import Searcher
from services.render.serving.answers import Answer
from services.render.serving.fragments import Fragments
from services.render.serving.routes import Asked
from shared.web import headers as security

MOST_SUGGESTIONS, _TAGS = 10, 4


class SuggestedTexts:
    """Answers requests for suggestions. `found`: ids of articles by what is typed."""

    def __init__(self, parts: PageParts, searcher: Searcher, found: Fragments[Any]) -> None:
        self._parts, self._searcher, self._found = parts, searcher, found

    async def __call__(self, asked: Asked) -> Answer:
        """Tags and titles for what is typed, as JSON: `[{"text": …, "url": …}]`."""
        text = (asked.one("q") or "")[:LONGEST_QUESTION]
        typed = tuple(word.folded for word in words_in(text))[:MOST_ASKED_WORDS]
        made: list[dict[str, str]] = []
        if typed:
            key = asked.prefix, typed
            made, _ = await self._found.get(key, lambda: self._suggested(asked, typed))
        return Answer(
            kind="search",
            body=json.dumps(made, ensure_ascii=False).encode(),
            content_type=b"application/json",
            caching=b"public, max-age=60",
            policy=security.STRICT,
            headers=(UNLISTED,),
        )

    async def _suggested(self, asked: Asked, typed: tuple[str, ...]) -> list[dict[str, str]]:
        parts = self._parts
        language = asked.language if len(parts.renderer.site.languages) > 1 else ""
        ids = await self._searcher.suggested(" ".join(typed), language)
        pages = await parts.store.found(ids[: 3 * MOST_SUGGESTIONS])
        pages.sort(key=lambda page: ids.index(page.id))
        tags = dict[str, str]()
        for page in pages:
            for tag in page.article.get("tags", []):
                if (key := tag_key(tag)) and _begins(tag, typed):
                    tags.setdefault(key, tag)
        made = [
            {"text": tag, "url": quote(f"{asked.prefix}/{TAG}/{key}/")}
            for key, tag in [*tags.items()][:_TAGS]
        ]
        titles = dict[str, str]()
        for page in pages:
            if _begins(page.summary["title"], typed):
                titles.setdefault(page.summary["title"], page.path)
        made += [{"text": title, "url": path} for title, path in titles.items()]
        return made[:MOST_SUGGESTIONS]


def _begins(text: str, typed: tuple[str, ...]) -> bool:
    """Whether `text` has the typed words side by side, the last of them perhaps not whole."""
    have = [word.folded for word in words_in(text)]
    whole, last = list(typed[:-1]), typed[-1]
    return any(
        have[place : place + len(whole)] == whole and have[place + len(whole)].startswith(last)
        for place in range(len(have) - len(whole))
    )
