"""The life of an article: every change, the revision it makes and the event it sends."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from luotdoc_events.events import Article as FullArticle
from luotdoc_events.events import (
    ArticlePublished,
    ArticleUpdated,
    ArticleWithdrawn,
    Image,
    data_of,
)
from services.ingest.articles.answers import ArticleAnswer, view
from services.ingest.articles.article import Content, StoredArticle, fill, url_of
from services.ingest.articles.article_events import as_event
from services.ingest.articles.changes import (
    Decision,
    come_due,
    put,
    repeated,
    republish,
    withdraw,
)
from services.ingest.articles.content import ArticleInput, Weight
from services.ingest.articles.documents import document_of, stored_article_of
from services.ingest.articles.preconditions import Preconditions, preconditions
from shared.base.errors import Problem
from tests.support.editors import LEAST

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
TOMORROW = NOON + timedelta(days=1)
SITE = "https://tin.example.vn"
ANY = Preconditions()

CONTENT = Content(
    title="Thông xe cầu Vĩnh Ngàn",
    slug="thong-xe-cau-vinh-ngan",
    section="kinh-te",
    lead="Cầu dài 480 m.",
    body_html="<p>Sáng nay</p>",
    byline="Thu Hà",
    tags=["cầu"],
    image=Image(url="/media/cau.webp", alt="Cầu"),
    language="vi",
    published_at=NOON,
    reads_baseline=7,
)


def content(**changes: Any) -> Content:
    return CONTENT.model_copy(update=changes)


def store(
    current: StoredArticle | None, what: Content, now: datetime = NOON, wanted: Preconditions = ANY
) -> Decision:
    return put("ls0001", what, current, wanted, now, SITE)


def published() -> StoredArticle:
    return store(None, CONTENT).article


def scheduled() -> StoredArticle:
    return store(None, content(published_at=TOMORROW)).article


def withdrawn() -> StoredArticle:
    return withdraw(published(), ANY, LATER, SITE).article


def told(change: Decision) -> tuple[int, str, str | None]:
    """The revision, the state, and the event's name with what it says of the change."""
    event = change.event
    said = None
    if isinstance(event, ArticleWithdrawn):
        said = f"{event.name} {event.reason}"
    elif isinstance(event, FullArticle):
        said = f"{event.name} {event.change}"
    if event is not None:
        assert isinstance(event, FullArticle | ArticleWithdrawn)
        assert (event.id, event.revision) == ("ls0001", change.article.revision)
    return change.article.revision, change.article.state, said


# ── from nothing
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_article_is_published_with_its_whole_state() -> None:
    change = store(None, CONTENT)

    assert change.changed
    assert change.article == StoredArticle(
        id="ls0001",
        revision=1,
        state="published",
        content=CONTENT,
        created_at=NOON,
        modified_at=NOON,
        was_public=True,
    )
    assert change.event == ArticlePublished(
        id="ls0001",
        revision=1,
        change="major",
        url="https://tin.example.vn/kinh-te/thong-xe-cau-vinh-ngan-ls0001.html",
        slug="thong-xe-cau-vinh-ngan",
        section="kinh-te",
        title="Thông xe cầu Vĩnh Ngàn",
        lead="Cầu dài 480 m.",
        body_html="<p>Sáng nay</p>",
        byline="Thu Hà",
        tags=["cầu"],
        image=Image(url=f"{SITE}/media/cau.webp", alt="Cầu"),
        language="vi",
        published_at=NOON,
        modified_at=NOON,
        reads_baseline=7,
    )


def test_an_article_for_the_future_is_scheduled_and_nobody_is_told() -> None:
    change = store(None, content(published_at=NOON + timedelta(milliseconds=1)))
    assert change.changed
    assert told(change) == (1, "scheduled", None)
    assert not change.article.was_public


def test_a_repeated_post_finds_the_article_that_the_first_one_created() -> None:
    first = put("ls0001", CONTENT, None, ANY, NOON, SITE, request="d1").article
    later = store(first, content(title="Khác"), LATER).article
    for current in (first, later):
        assert repeated(current, "d1") == Decision(current, changed=False)
        with pytest.raises(Problem) as problem:
            repeated(current, "d2")
        assert problem.value.status == 422
        assert problem.value.errors == [
            {"path": "Idempotency-Key", "message": "was used with another body"}
        ]
    assert repeated(None, "d1") is None


# ── from scheduled
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scheduled_article_becomes_due_at_its_time_and_not_before() -> None:
    early = come_due(scheduled(), TOMORROW - timedelta(milliseconds=1), SITE)
    assert (early.changed, told(early)) == (False, (1, "scheduled", None))

    change = come_due(scheduled(), TOMORROW, SITE)
    assert (change.changed, told(change)) == (True, (2, "published", "article.published major"))
    assert change.article.was_public
    assert change.article.modified_at == TOMORROW


def test_a_scheduled_article_may_change_in_silence() -> None:
    change = store(scheduled(), content(published_at=TOMORROW, title="Khác"), LATER)
    assert (change.changed, told(change)) == (True, (2, "scheduled", None))


def test_a_scheduled_article_that_is_moved_to_the_past_is_published() -> None:
    assert told(store(scheduled(), content(published_at=NOON), LATER)) == (
        2,
        "published",
        "article.published major",
    )


def test_a_scheduled_article_that_nobody_saw_is_withdrawn_in_silence() -> None:
    change = withdraw(scheduled(), ANY, LATER, SITE)
    assert (change.changed, told(change)) == (True, (2, "withdrawn", None))


# ── from published
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "weight"),
    [
        ({"title": "Khác"}, "major"),
        ({"lead": "Khác"}, "major"),
        ({"body_html": "<p>Khác</p>"}, "major"),
        ({"image": None}, "major"),
        ({"slug": "khac"}, "minor"),
        ({"section": "xa-hoi"}, "minor"),
        ({"byline": "Khác"}, "minor"),
        ({"tags": []}, "minor"),
        ({"language": "en"}, "minor"),
        ({"published_at": NOON - timedelta(days=1)}, "minor"),
        ({"reads_baseline": 8}, "minor"),
        ({"byline": "Khác", "title": "Khác"}, "major"),
    ],
)
def test_an_update_says_how_much_changed(changes: dict[str, Any], weight: str) -> None:
    change = store(published(), content(**changes), LATER)

    assert (change.changed, told(change)) == (True, (2, "published", f"article.updated {weight}"))
    assert isinstance(change.event, ArticleUpdated)
    assert (change.article.created_at, change.article.modified_at, change.event.modified_at) == (
        NOON,
        LATER,
        LATER,
    )


def test_the_same_content_again_changes_nothing() -> None:
    before = published()
    change = store(before, content(), LATER)
    assert change == Decision(before, changed=False, event=None)


def test_a_public_article_that_is_moved_to_the_future_disappears() -> None:
    change = store(published(), content(published_at=TOMORROW, slug="moi"), LATER)

    assert told(change) == (2, "scheduled", "article.withdrawn rescheduled")
    assert isinstance(change.event, ArticleWithdrawn)
    assert change.event.url == "https://tin.example.vn/kinh-te/moi-ls0001.html"
    assert change.event.withdrawn_at == LATER
    assert change.article.was_public


def test_a_rescheduled_article_is_published_again_in_its_time() -> None:
    away = store(published(), content(published_at=TOMORROW), LATER).article
    assert told(come_due(away, TOMORROW, SITE)) == (3, "published", "article.published major")


def test_a_rescheduled_article_that_is_withdrawn_is_told_because_it_was_once_seen() -> None:
    away = store(published(), content(published_at=TOMORROW), LATER).article
    assert told(withdraw(away, ANY, LATER, SITE)) == (3, "withdrawn", "article.withdrawn withdrawn")


def test_withdrawing_is_told_with_a_tombstone() -> None:
    change = withdraw(published(), ANY, LATER, SITE)

    assert change.changed
    assert change.event == ArticleWithdrawn(
        id="ls0001",
        revision=2,
        url="https://tin.example.vn/kinh-te/thong-xe-cau-vinh-ngan-ls0001.html",
        reason="withdrawn",
        withdrawn_at=LATER,
    )
    assert (change.article.state, change.article.content, change.article.modified_at) == (
        "withdrawn",
        CONTENT,
        LATER,
    )


def test_republishing_sends_the_state_again_under_a_new_revision() -> None:
    change = republish(published(), SITE)

    assert (change.changed, told(change)) == (True, (2, "published", "article.updated republish"))
    assert isinstance(change.event, ArticleUpdated)
    assert (change.event.title, change.event.modified_at) == (
        CONTENT.title,
        published().modified_at,
    )


def test_only_a_public_article_is_republished() -> None:
    for current in (scheduled(), withdrawn()):
        assert republish(current, SITE) == Decision(current, changed=False)


def test_only_a_scheduled_article_comes_due() -> None:
    for current in (published(), withdrawn()):
        assert come_due(current, TOMORROW, SITE) == Decision(current, changed=False)


def test_a_withdrawn_article_may_name_the_one_in_its_place_even_later() -> None:
    first = withdraw(published(), ANY, LATER, SITE, "b2")
    assert (first.article.replaced_by, told(first)[0]) == ("b2", 2)
    assert isinstance(first.event, ArticleWithdrawn)
    assert first.event.replaced_by == "b2"
    for again in (None, "b2"):
        assert not withdraw(first.article, ANY, TOMORROW, SITE, again).changed
    other = withdraw(first.article, ANY, TOMORROW, SITE, "c3")
    assert told(other) == (3, "withdrawn", "article.withdrawn withdrawn")
    assert isinstance(other.event, ArticleWithdrawn)
    assert (other.event.replaced_by, other.event.withdrawn_at) == ("c3", TOMORROW)
    assert stored_article_of(document_of(other.article)) == other.article
    revived = store(other.article, CONTENT, TOMORROW)
    assert revived.article.replaced_by == ""


def test_an_article_does_not_stand_in_its_own_place() -> None:
    with pytest.raises(Problem) as refused:
        withdraw(published(), ANY, LATER, SITE, published().id)
    assert (refused.value.status, refused.value.errors[0]["path"]) == (422, "replaced_by")


# ── from withdrawn
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_content_revives_a_withdrawn_article() -> None:
    change = store(withdrawn(), CONTENT, TOMORROW)
    assert (change.changed, told(change)) == (True, (3, "published", "article.published major"))


def test_a_withdrawn_article_that_is_scheduled_is_told_to_come_again() -> None:
    change = store(withdrawn(), content(published_at=TOMORROW), LATER)
    assert (change.changed, change.article.revision, change.article.state) == (True, 3, "scheduled")
    assert isinstance(change.event, ArticleWithdrawn)
    assert change.event.reason == "rescheduled"
    assert change.article.was_public


def test_withdrawing_again_changes_nothing() -> None:
    before = withdrawn()
    assert withdraw(before, ANY, TOMORROW, SITE) == Decision(before, changed=False)


def test_an_unknown_article_cannot_be_withdrawn() -> None:
    with pytest.raises(Problem) as problem:
        withdraw(None, preconditions("*", None), LATER, SITE)
    assert problem.value.status == 404


# ── the state as an event
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("article", "kind"),
    [
        (published(), "luotdoc.article.published.v1"),
        (withdrawn(), "luotdoc.article.withdrawn.v1"),
        (
            store(published(), content(published_at=TOMORROW), LATER).article,
            "luotdoc.article.withdrawn.v1",
        ),
    ],
)
def test_the_current_state_is_an_event_with_one_id(article: StoredArticle, kind: str) -> None:
    event = as_event(article, SITE, f"{SITE}/schemas")
    assert (event.id, event.type) == (f"ls0001-{article.revision}-state", kind)
    assert (event.source, event.subject) == ("/luotdoc/ingest", "ls0001")
    assert (event.sequence, event.time) == (f"{article.revision:020d}", article.modified_at)
    name = kind.removeprefix("luotdoc.")
    assert event.dataschema == f"{SITE}/schemas/{name}.json"
    assert event == as_event(article, SITE, f"{SITE}/schemas")


def test_the_state_of_a_public_article_is_republished_and_others_have_a_tombstone() -> None:
    state = data_of(as_event(published(), SITE, SITE))
    assert isinstance(state, ArticlePublished)
    assert (state.change, state.title) == ("republish", CONTENT.title)
    gone = data_of(as_event(withdrawn(), SITE, SITE))
    assert isinstance(gone, ArticleWithdrawn)
    assert (gone.reason, gone.withdrawn_at) == ("withdrawn", LATER)


def test_a_picture_elsewhere_keeps_its_address() -> None:
    elsewhere = Image(url="https://anh.example/a.webp")
    event = store(None, content(image=elsewhere)).event
    assert isinstance(event, ArticlePublished)
    assert event.image == elsewhere


# ── preconditions
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "wanted"),
    [
        (None, None, Preconditions(None, False)),
        ("*", None, Preconditions(frozenset(), False)),
        (None, "*", Preconditions(None, True)),
        ('"3"', None, Preconditions(frozenset({3}), False)),
        ('"3", "12"', None, Preconditions(frozenset({3, 12}), False)),
        ('"3","12"', None, Preconditions(frozenset({3, 12}), False)),
        ('W/"3"', None, Preconditions(frozenset({0}), False)),
        ('W/"3", "4"', None, Preconditions(frozenset({0, 4}), False)),
        ('"abc"', None, Preconditions(frozenset({0}), False)),
        ('"03"', None, Preconditions(frozenset({0}), False)),
        ('""', None, Preconditions(frozenset({0}), False)),
        ('"9999999999999999999999"', None, Preconditions(frozenset({0}), False)),
        ('"a,b"', None, Preconditions(frozenset({0}), False)),
        ('"1, 2", W/"3,4", "5"', None, Preconditions(frozenset({0, 5}), False)),
        ('"3",', None, Preconditions(frozenset({3}), False)),
        (', "3"', None, Preconditions(frozenset({3}), False)),
        (',, "3" ,\t,"4" , ', None, Preconditions(frozenset({3, 4}), False)),
    ],
)
def test_preconditions_are_read(
    if_match: str | None, if_none_match: str | None, wanted: Preconditions
) -> None:
    assert preconditions(if_match, if_none_match) == wanted


@pytest.mark.parametrize(
    "if_match", ["", "3", '"3', "'3'", '"3" "4"', ",", '"3"4', '*, "3"', 'w/"3"', '"3"\n']
)
def test_an_if_match_that_cannot_be_read_is_named(if_match: str) -> None:
    with pytest.raises(Problem) as problem:
        preconditions(if_match, None)
    assert (problem.value.status, [fault["path"] for fault in problem.value.errors]) == (
        422,
        ["If-Match"],
    )


@pytest.mark.parametrize("if_none_match", ["", '"3"', "* "])
def test_an_if_none_match_other_than_the_star_is_named(if_none_match: str) -> None:
    with pytest.raises(Problem) as problem:
        preconditions(None, if_none_match)
    assert (problem.value.status, [fault["path"] for fault in problem.value.errors]) == (
        422,
        ["If-None-Match"],
    )


@pytest.mark.parametrize("if_match", ["*", '"1"', '"7", "1"'])
def test_an_article_at_the_expected_revision_changes(if_match: str) -> None:
    assert (
        store(
            published(), content(title="Khác"), wanted=preconditions(if_match, None)
        ).article.revision
        == 2
    )
    assert withdraw(published(), preconditions(if_match, None), LATER, SITE).article.revision == 2


@pytest.mark.parametrize("if_match", ['"3"', 'W/"1"', '"0"', '"1.0"', '"1,1"', '"3",'])
def test_a_lost_race_is_412_even_for_the_same_content(if_match: str) -> None:
    wanted = preconditions(if_match, None)
    changes: list[Callable[[], Decision]] = [
        lambda: store(published(), CONTENT, wanted=wanted),
        lambda: withdraw(published(), wanted, LATER, SITE),
        lambda: withdraw(withdrawn(), wanted, LATER, SITE),
    ]
    for change in changes:
        with pytest.raises(Problem, match="the article is at revision") as problem:
            change()
        assert problem.value.status == 412


@pytest.mark.parametrize("if_match", ["*", '"1"'])
def test_if_match_never_creates(if_match: str) -> None:
    with pytest.raises(Problem, match="the article does not exist") as problem:
        store(None, CONTENT, wanted=preconditions(if_match, None))
    assert problem.value.status == 412


def test_create_only_creates_once() -> None:
    create = preconditions(None, "*")
    assert store(None, CONTENT, wanted=create).article.revision == 1
    for current in (published(), scheduled(), withdrawn()):
        with pytest.raises(Problem, match="the article exists already") as problem:
            store(current, CONTENT, wanted=create)
        assert problem.value.status == 412


# ── defaults and answers
# ─────────────────────────────────────────────────────────────────────────────────────────────


def given(**fields: Any) -> ArticleInput:
    return ArticleInput.model_validate_json(
        json.dumps({**LEAST, **fields}, default=datetime.isoformat)
    )


def test_a_new_article_gets_its_slug_from_the_title_and_appears_now() -> None:
    filled = fill(given(), "<p>sạch</p>", None, LATER)

    assert (filled.slug, filled.published_at, filled.body_html) == ("cau-moi", LATER, "<p>sạch</p>")
    assert (filled.lead, filled.byline, filled.tags, filled.image) == ("", "", [], None)
    assert (filled.language, filled.reads_baseline) == ("vi", 0)


def test_a_known_article_keeps_its_publishing_time() -> None:
    assert fill(given(), "<p>x</p>", scheduled(), LATER).published_at == TOMORROW
    assert fill(given(published_at=LATER), "<p>x</p>", scheduled(), NOON).published_at == LATER


def test_what_the_editor_says_goes_before_the_defaults() -> None:
    filled = fill(
        given(slug="khac", image={"url": "/media/a.webp", "credit": "TTXVN"}, reads_baseline=9),
        "b",
        None,
        NOON,
    )
    assert (filled.slug, filled.reads_baseline) == ("khac", 9)
    assert filled.image == Image(url="/media/a.webp", alt="", caption="", credit="TTXVN")


def test_what_is_left_out_stays_as_it_is_stored() -> None:
    assert fill(given(), "<p>x</p>", None, NOON).reads_baseline == 0
    assert fill(given(), "<p>x</p>", published(), NOON).reads_baseline == 7
    assert fill(given(reads_baseline=0), "<p>x</p>", published(), NOON).reads_baseline == 0


def test_the_editor_says_how_much_a_change_matters() -> None:
    def said(
        current: StoredArticle | None, what: Content, weight: Weight | None
    ) -> tuple[int, str, str | None]:
        return told(put("ls0001", what, current, ANY, NOON, SITE, weight))

    other = content(title="Thông xe cầu mới")
    assert said(None, CONTENT, "minor") == (1, "published", "article.published minor")
    assert said(published(), other, "minor") == (2, "published", "article.updated minor")
    assert said(published(), content(tags=["x"]), "major") == (
        2,
        "published",
        "article.updated major",
    )
    assert said(published(), other, None) == (2, "published", "article.updated major")
    assert said(published(), CONTENT, "minor") == (1, "published", None)


def test_a_scheduled_article_remembers_that_it_comes_quietly() -> None:
    tomorrow = content(published_at=TOMORROW)
    quiet = put("ls0001", tomorrow, None, ANY, NOON, SITE, "minor").article
    assert told(come_due(quiet, TOMORROW, SITE)) == (2, "published", "article.published minor")
    loud = put("ls0001", tomorrow, quiet, ANY, NOON, SITE)
    assert loud.changed
    assert told(come_due(loud.article, TOMORROW, SITE)) == (
        3,
        "published",
        "article.published major",
    )


def test_an_event_has_absolute_addresses_and_the_answer_those_that_are_stored() -> None:
    body = (
        '<p><a href="/x" rel="noopener noreferrer">x</a><img src="/media/a.jpg" alt="" '
        'loading="lazy"></p>'
    )
    change = store(None, content(body_html=body, image=Image(url="/media/b.jpg")))
    event = change.event
    assert isinstance(event, ArticlePublished)
    assert event.body_html == body.replace('="/', f'="{SITE}/')
    assert event.image == Image(url=f"{SITE}/media/b.jpg")
    answer = view(change.article, SITE, full=True)
    assert isinstance(answer, ArticleAnswer)
    assert answer.body_html == body


def test_the_address_is_made_of_section_slug_and_id() -> None:
    assert (
        url_of("ls0001", CONTENT, SITE)
        == "https://tin.example.vn/kinh-te/thong-xe-cau-vinh-ngan-ls0001.html"
    )
    assert published().etag == '"1"'


def test_a_stored_article_is_not_changed_in_place() -> None:
    article = published()
    with pytest.raises(ValidationError, match="frozen"):
        article.revision = 2  # type: ignore[misc]


def test_the_answer_shows_a_public_article() -> None:
    answer = view(published(), SITE, full=False).model_dump(mode="json")
    wanted = {
        "id": "ls0001",
        "revision": 1,
        "state": "published",
        "slug": "thong-xe-cau-vinh-ngan",
        "section": "kinh-te",
        "url": "https://tin.example.vn/kinh-te/thong-xe-cau-vinh-ngan-ls0001.html",
        "created_at": "2026-11-23T12:00:00.000Z",
        "modified_at": "2026-11-23T12:00:00.000Z",
        "title": "Thông xe cầu Vĩnh Ngàn",
        "lead": "Cầu dài 480 m.",
        "body_html": "<p>Sáng nay</p>",
        "byline": "Thu Hà",
        "tags": ["cầu"],
        "image": {"url": "/media/cau.webp", "alt": "Cầu", "caption": "", "credit": ""},
        "language": "vi",
        "published_at": "2026-11-23T12:00:00.000Z",
        "reads_baseline": 7,
    }
    assert {name: answer.get(name) for name in wanted} == wanted


def test_of_a_withdrawn_article_the_public_learns_that_it_is_gone_and_nothing_more() -> None:
    assert view(withdrawn(), SITE, full=False).model_dump().keys() == {
        "id", "revision", "state", "slug", "section", "url", "created_at", "modified_at"
    }  # fmt: skip
    assert view(withdrawn(), SITE, full=True).model_dump()["body_html"] == "<p>Sáng nay</p>"
