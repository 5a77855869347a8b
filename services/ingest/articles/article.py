"""The life of an article: states, revisions, preconditions, and the event each change makes. Pure.

    (none) ──▶ scheduled ──▶ published ──▶ withdrawn ──▶ published …
Every change raises the revision by one.
"""

import re
import string
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from luotdoc_events import events
from services.ingest.articles.body.links import absolute, origin_of
from services.ingest.articles.content import ArticleInput, distinct, slug_of
from shared.base.errors import Problem
from shared.web.paths import article_path

_TAG = r'(W/)?"[^"]*"'
IF_MATCH = rf"^(\*|[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*)$"
"""Pattern of a valid `If-Match`:
`*`, or a list of entity tags, in which RFC 9110 allows empty elements."""

ALPHABET = string.ascii_lowercase + string.digits
"""Characters of article ids."""
State = Literal["scheduled", "published", "withdrawn"]
Weight = Literal["major", "minor"]


class Content(events.ArticleContent):
    """The parts of an article that an editor decides, cleaned, with every default filled in."""

    reads_baseline: int = 0


class Article(BaseModel):
    """An article as stored. Times are UTC."""

    model_config = ConfigDict(frozen=True)
    id: str
    revision: int
    state: State
    content: Content
    created_at: datetime
    modified_at: datetime
    was_public: bool
    """True if the article was ever public. Only then subscribers may have it."""
    quiet: bool = False
    """True if the editor called it minor.
    Stored for a scheduled article, whose event is made later."""
    request: str = ""
    """Digest of the `POST` with an `Idempotency-Key` that created the article; empty for others."""

    @property
    def etag(self) -> str:
        """The revision as an entity tag."""
        return f'"{self.revision}"'


@dataclass(frozen=True)
class Preconditions:
    """`If-Match` (None: not given; empty: any revision) and `If-None-Match: *`."""

    revisions: frozenset[int] | None = None
    create_only: bool = False

    def check(self, current: Article | None) -> None:
        """Raises `Problem` 412 unless `current` is what the client expects.
        Check this before anything else.
        """
        if self.create_only and current is not None:
            raise Problem(412, f"the article exists already, at revision {current.revision}")
        if self.revisions is None:
            return
        if current is None:
            raise Problem(412, "the article does not exist")
        if self.revisions and current.revision not in self.revisions:
            raise Problem(412, f"the article is at revision {current.revision}")


def preconditions(if_match: str | None, if_none_match: str | None) -> Preconditions:
    """Parse both headers. Raises `Problem` 422 that names the malformed one."""
    revisions: frozenset[int] | None = None
    if if_match is not None:
        if not re.fullmatch(IF_MATCH, if_match):
            raise Problem.invalid(
                "If-Match", 'must be * or entity tags in double quotes, such as "3"'
            )
        tags = [found[0] for found in re.finditer(_TAG, if_match)]
        # A weak tag, or one that is not a revision, never matches:
        # it becomes 0, which is not a revision either.
        revisions = frozenset(
            int(t[1:-1]) if re.fullmatch(r'"[1-9][0-9]{0,14}"', t) else 0 for t in tags
        )
    if if_none_match not in (None, "*"):
        raise Problem.invalid("If-None-Match", "must be *")
    return Preconditions(revisions, if_none_match == "*")


@dataclass(frozen=True)
class Change:
    """The outcome of a request:
    the article's new state, whether it changed, and the event to publish, if any.
    """

    article: Article
    changed: bool
    event: events.Data | None = None


_NOT_AS_GIVEN = {"slug", "tags", "body_html", "published_at", "image", "reads_baseline", "change"}


def fill(given: ArticleInput, body_html: str, current: Article | None, now: datetime) -> Content:
    """The content with its defaults filled in.
    `body_html` is the cleaned body. Some absent fields keep stored values.
    """
    stored = current.content.published_at if current else now
    baseline = current.content.reads_baseline if current else 0
    return Content(
        **given.model_dump(exclude=_NOT_AS_GIVEN),
        reads_baseline=baseline if given.reads_baseline is None else given.reads_baseline,
        image=events.Image(**given.image.model_dump()) if given.image else None,
        slug=given.slug or slug_of(given.title),
        tags=distinct(given.tags),
        body_html=body_html,
        published_at=given.published_at or stored,
    )


def put(
    article_id: str,
    content: Content,
    current: Article | None,
    wanted: Preconditions,
    now: datetime,
    base_url: str,
    weight: Weight | None = None,
    request: str = "",
) -> Change:
    """Store `content` as the article's state. Raises `Problem` 412.

    `weight` is the editor's `change`; None derives it from the changed fields.
    `request` is the digest of the `POST` that creates the article.
    """
    wanted.check(current)
    state: State = "scheduled" if content.published_at > now else "published"
    quiet = weight == "minor"
    same = current is not None and current.state == state and current.content == content
    if current and same and (state == "published" or current.quiet == quiet):
        return Change(current, changed=False)
    article = Article(
        id=article_id,
        revision=current.revision + 1 if current else 1,
        state=state,
        content=content,
        created_at=current.created_at if current else now,
        modified_at=now,
        was_public=state == "published" or bool(current and current.was_public),
        quiet=quiet,
        request=current.request if current else request,
    )
    return Change(article, True, _event(current, article, base_url, weight))


def minted_id(token: str, key: str) -> str:
    """The id of the article that a `POST` with the `Idempotency-Key` `key` creates,
    for the token named `token`.
    """
    number = int.from_bytes(sha256(orjson.dumps([token, key])).digest())
    letters = []
    for _ in range(12):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def repeated(current: Article | None, request: str) -> Change | None:
    """The outcome of a repeated `POST`: the article that the first one created.
    None if it is the first.

    `request` is the digest of its body. Raises `Problem` 422 if the key was used with another body.
    """
    if current is None:
        return None
    if current.request != request:
        raise Problem.invalid("Idempotency-Key", "was used with another body")
    return Change(current, changed=False)


def withdraw(
    current: Article | None, wanted: Preconditions, now: datetime, base_url: str
) -> Change:
    """Withdraw the article. Idempotent. Raises `Problem` 404 or 412."""
    if current is None:
        raise Problem(404, "there is no such article")
    wanted.check(current)
    if current.state == "withdrawn":
        return Change(current, changed=False)
    article = current.model_copy(
        update={"revision": current.revision + 1, "state": "withdrawn", "modified_at": now}
    )
    return Change(article, True, _event(current, article, base_url, None))


def come_due(current: Article, now: datetime, base_url: str) -> Change:
    """Publish a scheduled article whose time has come."""
    if current.state != "scheduled" or current.content.published_at > now:
        return Change(current, changed=False)
    update = {
        "revision": current.revision + 1,
        "state": "published",
        "modified_at": now,
        "was_public": True,
    }
    article = current.model_copy(update=update)
    return Change(
        article, True, _event(current, article, base_url, "minor" if current.quiet else None)
    )


def republish(current: Article, base_url: str) -> Change:
    """Publish a public article's state again under a new revision,
    so that every subscriber handles it.
    """
    if current.state != "published":
        return Change(current, changed=False)
    article = current.model_copy(update={"revision": current.revision + 1})  # nothing was modified
    return Change(article, True, _full(events.ArticleUpdated, article, "republish", base_url))


def as_event(article: Article, base_url: str, schemas_url: str) -> events.Envelope:
    """The current state of an article that was ever public, as an event:
    published (`republish`) or tombstone.

    The event's id depends only on the article's id and revision.
    """
    published = article.state == "published"
    return events.envelope(
        _full(events.ArticlePublished, article, "republish", base_url)
        if published
        else _tombstone(article, base_url),
        id=f"{article.id}-{article.revision}-state",
        source="/luotdoc/ingest",
        time=article.modified_at,
        subject=article.id,
        revision=article.revision,
        schemas=schemas_url,
    )


def url_of(article_id: str, content: Content, base_url: str) -> str:
    """The canonical address of the article's page."""
    return base_url + article_path(content.section, content.slug, article_id)


def _event(
    before: Article | None, after: Article, base_url: str, said: Weight | None
) -> events.Data | None:
    was, now_public = bool(before and before.state == "published"), after.state == "published"
    if now_public and was and before:
        return _full(
            events.ArticleUpdated, after, said or _weight(before.content, after.content), base_url
        )
    if now_public:
        return _full(events.ArticlePublished, after, said or "major", base_url)
    if after.was_public and before and before.state != after.state:
        return _tombstone(after, base_url)
    return None


def _tombstone(article: Article, base_url: str) -> events.ArticleWithdrawn:
    return events.ArticleWithdrawn(
        id=article.id,
        revision=article.revision,
        url=url_of(article.id, article.content, base_url),
        reason="withdrawn" if article.state == "withdrawn" else "rescheduled",
        withdrawn_at=article.modified_at,
    )


def _weight(before: Content, after: Content) -> Weight:
    told = ("title", "lead", "body_html", "image")
    return (
        "major" if any(getattr(before, name) != getattr(after, name) for name in told) else "minor"
    )


def _full(
    kind: type[events.Article], article: Article, change: Any, base_url: str
) -> events.Article:
    """The event with absolute addresses, because subscribers use them outside of the site."""
    content = article.content
    image = content.image
    if image is not None and image.url.startswith("/"):
        image = image.model_copy(update={"url": f"{origin_of(base_url)}{image.url}"})
    return kind(
        id=article.id,
        revision=article.revision,
        change=change,
        url=url_of(article.id, article.content, base_url),
        modified_at=article.modified_at,
        **content.model_dump(exclude={"image", "body_html"}),
        body_html=absolute(content.body_html, base_url),
        image=image,
    )
