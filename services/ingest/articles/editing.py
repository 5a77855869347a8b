"""What the editors' routes have in common: parse an article, clean its body, commit, answer."""

from codecs import BOM_UTF8
from collections.abc import Callable

from fastapi import Request, Response
from pydantic import BaseModel

from services.ingest.articles import changes
from services.ingest.articles.answers import Notice, answer_of_write
from services.ingest.articles.article import Content, StoredArticle, fill
from services.ingest.articles.body.clean import Body
from services.ingest.articles.body.limits import MAX_ATTRIBUTES, MAX_TAGS
from services.ingest.articles.content import (
    MAX_BODY_BYTES,
    ArticleInput,
    distinct,
    given_twice,
    one_of_each,
)
from services.ingest.articles.preconditions import Preconditions
from services.ingest.articles.slug import slug_of
from services.ingest.service import Articles
from services.ingest.settings import IngestSettings
from shared.base.errors import INVALID, Problem
from shared.web.api import json_body, validated
from shared.web.openapi import body
from shared.web.paths import article_path
from shared.web.problems import MAX_FAULTS

_MAX_JSON = IngestSettings.model_fields["max_article_bytes"].default
_SAID = (
    f"At most {_MAX_JSON:,} bytes of JSON (`LUOTDOC_MAX_ARTICLE_BYTES`). Its "
    f"`body_html` may have {MAX_BODY_BYTES:,} "
    f"bytes in UTF-8, {MAX_TAGS:,} tags and {MAX_ATTRIBUTES} attributes in a tag; "
    "elements without an end tag are "
    "bounded too. Unknown fields are refused."
)
_EXAMPLES = {
    "least": {"title": "Xin chào", "section": "thoi-su", "body_html": "<p>Bài đầu tiên.</p>"},
    "scheduled": {
        "title": "Lễ hội cầu ngư",
        "section": "van-hoa",
        "lead": "Sáng mai, làng chài mở hội.",
        "body_html": "<p>Nội dung</p>",
        "tags": ["lễ hội"],
        "byline": "Minh Anh",
        "image": {"url": "/media/0123456789abcdef0123456789abcdef.webp", "alt": "Thuyền rồng"},
        "published_at": "2030-02-01T07:00:00+07:00",
    },
}
ARTICLE_BODY = body(ArticleInput, examples=_EXAMPLES, description=_SAID)
"""The description of the request's body."""
TOO_LARGE = {413: f"The body has more than {_MAX_JSON:,} bytes; the connection is closed."}

DecideWith = Callable[[StoredArticle | None, Content], changes.Decision]


def response(answer: BaseModel, article: StoredArticle, status: int = 200) -> Response:
    """The answer as JSON with the article's `ETag` and `Location`."""
    return Response(
        answer.model_dump_json(),
        status,
        {"etag": article.etag, "location": f"/articles/{article.id}", "cache-control": "no-store"},
        media_type="application/json",
    )


async def given_in(request: Request, service: Articles) -> ArticleInput:
    """The article in a request. Raises `Problem` 413, 415 or 422."""
    body = (await json_body(request, service.max_article_bytes)).removeprefix(BOM_UTF8)
    given = validated(ArticleInput, body)
    if name := given_twice(body):
        raise Problem.invalid(name, "is given twice")
    return given


async def put_answer(
    service: Articles,
    request: Request,
    article_id: str,
    wanted: Preconditions,
    strict: bool = False,
) -> Response:
    """Create or replace an article by the content in `request`, and answer it."""
    given = await given_in(request, service)

    def decide(current: StoredArticle | None, content: Content) -> changes.Decision:
        return changes.put(
            article_id, content, current, wanted, service.clock(), service.base_url, given.weight,
            given.correction or "",
        )  # fmt: skip

    return await write_article(service, given, article_id, strict, decide)


def _warnings(service: Articles, given: ArticleInput, body: Body) -> list[Notice]:
    found = [Notice(path=warned.path, message=warned.message) for warned in body.warnings]
    if given.image is not None and not given.image.alt:
        found.append(
            Notice(path="image.alt", message="is missing: people who can't see the picture need it")
        )
    if distinct(given.tags) != given.tags:
        found.append(Notice(path="tags", message="some stand twice; the first of each was kept"))
    if one_of_each(given.translations, given.language) != given.translations:
        text = "some are in the same language, or in the article's own; the first of each was kept"
        found.append(Notice(path="translations", message=text))
    sections = service.sections()
    if sections and given.section not in sections:
        found.append(
            Notice(path="section", message=f"{given.section} is none of the site's sections")
        )
    return found


async def write_article(
    service: Articles, given: ArticleInput, article_id: str, strict: bool, decide: DecideWith
) -> Response:
    """Clean the body, commit what `decide` makes of
    the stored article and the content, and answer it.
    """
    if any(each.article == article_id for each in given.translations):
        raise Problem.invalid("translations", "must name other articles")
    page = service.base_url + article_path(
        given.section, given.slug or slug_of(given.title), article_id
    )
    body = await service.offload.body(given.body_html, page)
    warnings = _warnings(service, given, body)
    if strict and warnings:
        raise Problem(422, INVALID, [warned.model_dump() for warned in warnings[:MAX_FAULTS]])
    now, created = service.clock(), False

    def decided(current: StoredArticle | None) -> changes.Decision:
        nonlocal created
        created = current is None
        return decide(current, fill(given, body.html, current, now))

    change = await service.change(article_id, decided)
    return response(
        answer_of_write(change.article, service.base_url, warnings),
        change.article,
        201 if created else 200,
    )
