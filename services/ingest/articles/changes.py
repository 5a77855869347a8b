"""The life of an article: what each request makes of it, and the event of the change. Pure.

    (none) ──▶ scheduled ──▶ published ──▶ withdrawn ──▶ published …
Every change raises the revision by one.
"""

from dataclasses import dataclass
from datetime import datetime

from luotdoc_events import events
from services.ingest.articles.article import Content, State, StoredArticle
from services.ingest.articles.article_events import event_of, full_event, weigh
from services.ingest.articles.content import Weight
from services.ingest.articles.preconditions import Preconditions
from shared.base.errors import Problem

MAX_CORRECTIONS = 20
"""Upper bound for the corrections of an article; the oldest one makes room."""


@dataclass(frozen=True)
class Decision:
    """The outcome of a request:
    the article's new state, whether it changed, and the event to publish, if any.
    """

    article: StoredArticle
    changed: bool
    event: events.Data | None = None


def put(
    article_id: str,
    content: Content,
    current: StoredArticle | None,
    wanted: Preconditions,
    now: datetime,
    base_url: str,
    weight: Weight | None = None,
    correction: str = "",
    request: str = "",
) -> Decision:
    """Store `content` as the article's state. Raises `Problem` 412.

    `weight` is the editor's `change`; None derives it from the changed fields.
    `correction` is the editor's note on what was wrong.
    `request` is the digest of the `POST` that creates the article.
    """
    wanted.check(current)
    state: State = "scheduled" if content.published_at > now else "published"
    quiet = weight == "minor"
    same = current is not None and current.state == state and current.content == content
    if current and same and (state == "published" or current.quiet == quiet):
        return Decision(current, changed=False)
    article = StoredArticle(
        id=article_id,
        revision=current.revision + 1 if current else 1,
        state=state,
        content=content,
        created_at=current.created_at if current else now,
        modified_at=now,
        was_public=state == "published" or bool(current and current.was_public),
        quiet=quiet,
        corrections=_corrections(current, content, state, weight, correction, now),
        request=current.request if current else request,
    )
    return Decision(article, True, event_of(current, article, base_url, weight))


def _corrections(
    current: StoredArticle | None,
    content: Content,
    state: State,
    weight: Weight | None,
    note: str,
    now: datetime,
) -> list[events.Correction]:
    """The corrections with that of this change, if it is one: a major change of a public article,
    or one with a `note` that makes public again what readers saw before.
    """
    if current is None:
        return []
    if state != "published" or not (
        (current.was_public and note)
        or (current.state == "published" and (weight or weigh(current.content, content)) == "major")
    ):
        return current.corrections
    return [*current.corrections, events.Correction(at=now, note=note)][-MAX_CORRECTIONS:]


def repeated(current: StoredArticle | None, request: str) -> Decision | None:
    """The outcome of a repeated `POST`: the article that the first one created.
    None if it is the first.

    `request` is the digest of its body. Raises `Problem` 422 if the key was used with another body.
    """
    if current is None:
        return None
    if current.request != request:
        raise Problem.invalid("Idempotency-Key", "was used with another body")
    return Decision(current, changed=False)


def withdraw(
    current: StoredArticle | None,
    wanted: Preconditions,
    now: datetime,
    base_url: str,
    replaced_by: str | None = None,
) -> Decision:
    """Withdraw the article. Idempotent. `replaced_by`: the id of the article to read instead; None
    leaves what was said before. Raises `Problem` 404, 412 or 422.
    """
    if current is None:
        raise Problem(404, "there is no such article")
    wanted.check(current)
    if replaced_by == current.id:
        raise Problem.invalid("replaced_by", "must be another article")
    withdrawn = current.state == "withdrawn"
    if withdrawn and replaced_by in (None, current.replaced_by):
        return Decision(current, changed=False)
    update = {
        "revision": current.revision + 1,
        "state": "withdrawn",
        "modified_at": now,
        "replaced_by": replaced_by or "",
    }
    article = current.model_copy(update=update)
    return Decision(article, True, event_of(current, article, base_url, None))


def come_due(current: StoredArticle, now: datetime, base_url: str) -> Decision:
    """Publish a scheduled article whose time has come."""
    if current.state != "scheduled" or current.content.published_at > now:
        return Decision(current, changed=False)
    update = {
        "revision": current.revision + 1,
        "state": "published",
        "modified_at": now,
        "was_public": True,
    }
    article = current.model_copy(update=update)
    return Decision(
        article, True, event_of(current, article, base_url, "minor" if current.quiet else None)
    )


def republish(current: StoredArticle, base_url: str) -> Decision:
    """Publish a public article's state again under a new revision,
    so that every subscriber handles it.
    """
    if current.state != "published":
        return Decision(current, changed=False)
    article = current.model_copy(update={"revision": current.revision + 1})  # nothing was modified
    return Decision(
        article, True, full_event(events.ArticleUpdated, article, "republish", base_url)
    )
