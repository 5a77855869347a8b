"""An article as one HTML file to keep ("Lưu tin"), which opens alone and counts as no read."""

import base64
from functools import partial

from luotdoc_events import events
from services.render.kinds.parts import PageParts
from services.render.page import stored_article
from services.render.rendering.saved import own_pictures
from services.render.serving.answers import Answer
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of

PATTERN = r"/luu/([a-z0-9]{1,32})\.html"
MOST_BYTES = 6_000_000
"""Upper bound for the pictures within a file. Further ones stay at their address."""
POLICY = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class SavedArticle:
    """Answers requests for articles as files."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    async def __call__(self, asked: Asked) -> Answer:
        """The file as a download; 410 for a withdrawn article."""
        parts = self._parts
        page, stale = await parts.cache.get(asked.groups[0])
        if page is None or page.state == "rescheduled":
            return parts.errors.not_found(asked.language)
        if page.state == "withdrawn":
            return parts.errors.gone(page)
        queries = parts.queries
        found = await queries.wait(queries.start(lambda: parts.store.found([page.id])))
        if not found:  # withdrawn since
            return parts.errors.not_found(asked.language)
        article = stored_article(found[0])
        html = parts.renderer.saved(article, await self._pictures(article))
        name = page.path.rpartition("/")[2]
        return Answer(
            kind="media",
            body=html.encode(),
            tag=tag_of(html.encode()),
            policy=POLICY,
            headers=(
                (b"content-disposition", f'attachment; filename="{name}"'.encode()),
                (b"x-robots-tag", b"noindex"),
            ),
            stale=stale,
        )

    async def _pictures(self, article: events.Article) -> dict[str, str]:
        """The article's own pictures as `data:` addresses, by their address."""
        queries, store = self._parts.queries, self._parts.store
        found: dict[str, str] = {}
        left = MOST_BYTES
        named = own_pictures(article, self._parts.renderer.site.url)
        for url, name in named.items():
            picture = await queries.wait(queries.start(partial(store.picture, name)))
            if picture is None or len(picture[1]) > left:
                continue
            kind, content = picture
            left -= len(content)
            found[url] = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        return found
