"""The most read articles of a day, a week, a month and of all time."""

from urllib.parse import quote

from services.render.kinds.parts import PageParts
from services.render.kinds.ranked import most_read_items
from services.render.rendering.renderer import ASIDE_MARK
from services.render.serving.answers import Answer
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of

MOST_READ = "doc-nhieu"
MOST_READ_WINDOWS = ("24h", "7d", "30d", "all")
"""The values of `trong`, the default first."""
MOST_READ_SHOWN = 50


class MostReadPage:
    """Answers requests for the most read articles, in the order of `/stats/top`."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    async def __call__(self, asked: Asked) -> Answer:
        """The list of the window `trong`; a page that says so while it is not known."""
        parts = self._parts
        window = asked.one("trong") if asked.has("trong") else MOST_READ_WINDOWS[0]
        if window not in MOST_READ_WINDOWS:
            return parts.errors.not_found(asked.language)
        parts.require_totals()
        found = await most_read_items(parts, window, asked.language, MOST_READ_SHOWN)
        items, stale = found or ([], False)
        side, stale_side = await parts.side(asked.language)
        base = quote(f"{asked.prefix}/{MOST_READ}/")
        urls = {
            each: base if each == MOST_READ_WINDOWS[0] else f"{base}?trong={each}"
            for each in MOST_READ_WINDOWS
        }
        query = urls[window].removeprefix(base)
        every = parts.renderer.site.in_every_language(f"/{MOST_READ}/")
        html = parts.renderer.page(
            "most_read.html",
            title=parts.renderer.words(asked.language).say("Đọc nhiều"),
            canonical=parts.renderer.site.url + urls[window],
            language=asked.language,
            every={tag: path + query for tag, path in every.items()},
            window=window,
            urls=urls,
            items=items,
            is_known=found is not None,
        )
        return Answer(
            kind="list",
            body=html.replace(ASIDE_MARK, side.html).encode(),
            tag=tag_of(html.encode() + side.tag),
            stale=stale or stale_side,
        )
