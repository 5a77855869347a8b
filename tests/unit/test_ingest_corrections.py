"""The corrections of an article: major changes that its readers should know of."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from luotdoc_events.events import Article as FullArticle
from luotdoc_events.events import Attachment, Correction, Image
from services.ingest.articles.answers import ArticleAnswer, view
from services.ingest.articles.article import StoredArticle
from services.ingest.articles.article_events import as_event
from services.ingest.articles.changes import Decision, come_due, put, republish, withdraw
from services.ingest.articles.content import Weight
from services.ingest.articles.documents import document_of, stored_article_of
from services.ingest.articles.preconditions import Preconditions
from tests.support.article_store import NOON, SITE, content

ANY = Preconditions()
LATER, TOMORROW = NOON + timedelta(hours=1), NOON + timedelta(days=1)
TWO = LATER + timedelta(hours=1)


def changed(
    current: StoredArticle | None,
    now: datetime = LATER,
    weight: Weight | None = None,
    note: str = "",
    **fields: Any,
) -> Decision:
    given = content().model_copy(update=fields)
    return put("ls0001", given, current, ANY, now, SITE, weight, note)


def corrections(change: Decision) -> list[tuple[datetime, str]]:
    """The corrections of the article, which its event must have too."""
    found = [(each.at, each.note) for each in change.article.corrections]
    if isinstance(change.event, FullArticle):
        assert [(each.at, each.note) for each in change.event.corrections] == found
    return found


def public() -> StoredArticle:
    return changed(None, NOON).article


def corrected() -> StoredArticle:
    return changed(public(), title="Cầu Vĩnh Ngàn thông xe", note="Sai tên cầu.").article


def test_a_new_article_has_no_corrections() -> None:
    assert corrections(changed(None, NOON, note="Bản đầu")) == []


@pytest.mark.parametrize("field", ["title", "lead", "body_html", "image"])
def test_another_text_or_picture_of_a_public_article_is_a_correction(field: str) -> None:
    value: Any = Image(url="/khac.webp") if field == "image" else "<p>Khác</p>"
    assert corrections(changed(public(), **{field: value})) == [(LATER, "")]


def test_attachments_are_part_of_what_is_corrected() -> None:
    decree = Attachment(url="/quyet-dinh.pdf", title="Quyết định")
    assert corrections(changed(public(), attachments=[decree])) == [(LATER, "")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("tags", ["x"]), ("byline", "X"), ("section", "x"), ("topic", "x"), ("pinned", True)),
        *(("audio", "/x.mp3"), ("reads_baseline", 8), ("slug", "x"), ("language", "en")),
    ],
)
def test_what_is_around_the_text_is_none(field: str, value: Any) -> None:
    assert corrections(changed(public(), **{field: value})) == []


def test_a_note_makes_any_change_a_correction() -> None:
    change = changed(public(), byline="Thu Hà", tags=["x"], note="Ghi sai thẻ.", weight="major")
    assert corrections(change) == [(LATER, "Ghi sai thẻ.")]


def test_a_minor_change_is_none() -> None:
    assert corrections(changed(public(), title="Khác", weight="minor")) == []


def test_the_same_content_again_adds_none() -> None:
    one = corrected()
    again = changed(one, TWO, title=one.content.title, note="Sai tên cầu.")
    assert not again.changed
    assert corrections(again) == [(LATER, "Sai tên cầu.")]


def test_corrections_stand_in_their_order() -> None:
    second = changed(corrected(), TWO, title="Ba")
    assert corrections(second) == [(LATER, "Sai tên cầu."), (TWO, "")]


def test_of_twenty_one_the_oldest_makes_room() -> None:
    article = public()
    for number in range(1, 22):
        article = changed(article, NOON + timedelta(minutes=number), title=f"Tin {number}").article
    assert len(article.corrections) == 20
    assert article.corrections[0].at == NOON + timedelta(minutes=2)
    assert article.corrections[-1].at == NOON + timedelta(minutes=21)


def test_republishing_and_withdrawing_keep_them_and_add_none() -> None:
    one = corrected()
    wanted = [(LATER, "Sai tên cầu.")]
    again = republish(one, SITE)
    assert again.changed
    assert corrections(again) == wanted
    gone = withdraw(one, ANY, TWO, SITE)
    assert corrections(gone) == wanted
    revived = changed(gone.article, TWO, title="Khác")
    assert corrections(revived) == wanted


def test_a_note_on_what_is_public_again_is_kept() -> None:
    gone = withdraw(public(), ANY, LATER, SITE).article
    assert corrections(changed(gone, TWO, title="Khác", note="Sai số.")) == [(TWO, "Sai số.")]


def test_an_article_that_waits_for_its_time_is_not_corrected() -> None:
    waiting = changed(None, NOON, published_at=TOMORROW).article
    rewritten = changed(waiting, title="Khác", published_at=TOMORROW, note="Sai.").article
    due = come_due(rewritten, TOMORROW, SITE)
    assert corrections(due) == []


def test_corrections_are_kept_while_an_article_waits_for_its_time_again() -> None:
    wanted = [(LATER, "Sai tên cầu.")]
    waiting = changed(corrected(), TWO, published_at=TOMORROW)
    assert corrections(waiting) == wanted
    assert corrections(come_due(waiting.article, TOMORROW, SITE)) == wanted


def test_corrections_are_stored_answered_and_replayed() -> None:
    one = corrected()
    assert stored_article_of(document_of(one)) == one
    older = {name: value for name, value in document_of(one).items() if name != "corrections"}
    assert stored_article_of(older).corrections == []
    answer = view(one, SITE, full=True)
    assert isinstance(answer, ArticleAnswer)
    assert answer.model_dump(mode="json")["corrections"] == [
        {"at": "2026-11-23T13:00:00.000Z", "note": "Sai tên cầu."}
    ]
    replayed = as_event(one, SITE, f"{SITE}/schemas").data
    assert FullArticle.model_validate(replayed).corrections == [
        Correction(at=LATER, note="Sai tên cầu.")
    ]
