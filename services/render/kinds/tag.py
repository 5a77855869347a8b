"""The pages of a tag and of a topic."""

from collections.abc import Callable

from services.render.keys import tag_key
from services.render.kinds.lists import ListOf, Lists
from services.render.kinds.parts import PageParts
from services.render.page import Page
from services.render.serving.answers import Answer, redirect
from services.render.serving.routes import Asked

TAG, TOPIC = "tu-khoa", "chu-de"


class TagPage:
    """Answers requests for the articles with a tag."""

    def __init__(self, parts: PageParts, lists: Lists) -> None:
        self._parts, self._lists = parts, lists

    async def __call__(self, asked: Asked) -> Answer:
        """The tag's articles; 301 to its key, 404 without articles."""
        key = tag_key(asked.groups[0])
        wanted = self._parts.wanted(asked.language, tags=(key,))
        base = f"{asked.prefix}/{TAG}/{key}/"
        if key != asked.groups[0]:
            return _to(base, key, asked, self._parts)
        listed = ListOf(base=base, wanted=wanted, heading=named("tags", key), followed=True)
        return await self._lists.answer(asked, listed)


class TopicPage:
    """Answers requests for the articles of a topic."""

    def __init__(self, parts: PageParts, lists: Lists) -> None:
        self._parts, self._lists = parts, lists

    async def __call__(self, asked: Asked) -> Answer:
        """The topic's articles; 301 to its key, 404 without articles."""
        key = tag_key(asked.groups[0])
        wanted = self._parts.wanted(asked.language, topic=key)
        base = f"{asked.prefix}/{TOPIC}/{key}/"
        if key != asked.groups[0]:
            return _to(base, key, asked, self._parts)
        listed = ListOf(base=base, wanted=wanted, heading=named("topic", key), followed=True)
        return await self._lists.answer(asked, listed)


def _to(base: str, key: str, asked: Asked, parts: PageParts) -> Answer:
    return redirect(base, 301, asked.query) if key else parts.errors.not_found(asked.language)


def named(field: str, key: str) -> Callable[[list[Page]], str]:
    """The tag or topic `key` as the newest of some articles writes it.
    `field`: `tags` or `topic`.
    """

    def name(pages: list[Page]) -> str:
        for page in pages:
            given = page.summary.get(field) or ""
            for each in [given] if isinstance(given, str) else given:
                if tag_key(each) == key:
                    return str(each)
        return key

    return name
