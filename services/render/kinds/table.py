"""The route table: every path of the site, and the kind of page that answers it."""

from collections.abc import Sequence

from services.render.kinds import article, saved, section
from services.render.kinds.article import ArticlePage, Near
from services.render.kinds.files import PictureFile, StaticFile
from services.render.kinds.front import FrontPage
from services.render.kinds.lists import Lists
from services.render.kinds.month import ARCHIVE, ArchivePage, MonthPage
from services.render.kinds.most_read import MOST_READ, MostReadPage
from services.render.kinds.parts import PageParts
from services.render.kinds.saved import SavedArticle
from services.render.kinds.section import SectionPage
from services.render.kinds.tag import TAG, TOPIC, TagPage, TopicPage
from services.render.serving.fragments import Fragments
from services.render.serving.routes import Route, Routes, route


def make_routes(
    parts: PageParts,
    neighbours: Fragments[Near],
    months: Fragments[list[tuple[int, int, int]]],
    others: Sequence[Route] = (),
) -> Routes:
    """The routes of the site, the most frequent first where patterns allow it. `others`: those of
    search and of files for machines.
    """
    lists, static = Lists(parts), StaticFile(parts)
    table: list[Route] = [
        # Before articles: its path has the form of theirs.
        route(saved.PATTERN, SavedArticle(parts)),
        route(article.PATTERN, ArticlePage(parts, neighbours)),
        route("/", FrontPage(parts, lists), localised=True),
        route("/static/(.+)", static),
        route(r"/media/([0-9a-f]{32}\.[a-z]{3,4})", PictureFile(parts)),
        route(f"/{ARCHIVE}/", ArchivePage(parts, months), localised=True),
        route(
            rf"/{ARCHIVE}/([0-9]{{4}})/(0[1-9]|1[0-2])/", MonthPage(parts, lists), localised=True
        ),
        route(f"/{MOST_READ}/", MostReadPage(parts), localised=True),
        route(f"/{TAG}/([^/]{{1,200}})/", TagPage(parts, lists), localised=True),
        route(f"/{TOPIC}/([^/]{{1,400}})/", TopicPage(parts, lists), localised=True),
        *others,
        route(section.PATTERN, SectionPage(parts, lists), localised=True),
        route(r"/favicon\.ico", static.favicon),
    ]
    return Routes(table, parts.renderer.site.languages)
