"""Each Vietnamese letter has one form, however an editor's system writes it: in every text of an
article, its body and its slug.
"""

import json
import unicodedata

import pytest

from luotdoc_events.events import Correction
from services.ingest.articles.article import fill
from services.ingest.articles.body.clean import clean
from services.ingest.articles.body.ids import id_of
from services.ingest.articles.changes import put
from services.ingest.articles.content import ArticleInput
from services.ingest.articles.preconditions import Preconditions
from services.ingest.articles.slug import slug_of
from shared.base.letters import one_form
from tests.support.article_store import NOON, SITE
from tests.support.editors import LEAST
from tests.support.vietnamese import BARRED, VOWELS, WAYS, Letter, letters

PAGE = f"{SITE}/kinh-te/x-ls0001.html"
BODY = (
    '<h2 id="{0}">{0}</h2><p>{0} <b>{0}</b></p><ul><li>{0}</li></ul>'
    '<figure><img src="/a.webp" alt="{0}"><figcaption>{0}</figcaption></figure>'
    '<table><tr><td>{0}</td></tr></table><p><a href="#{0}" title="{0}">{0}</a></p>'
)


def test_the_table_has_each_letter_once() -> None:
    every = [each.one for each in letters()] + list(BARRED)
    assert (len(every), len(set(every))) == (134, 134)
    assert [unicodedata.name(one).split()[1] for one in every] == (
        ["SMALL"] * 66 + ["CAPITAL"] * 66 + ["SMALL", "CAPITAL"]
    )
    written = {way(each) for each in letters() for way in WAYS.values()}
    # 60 with shape and tone have 5 spellings, 72 with one mark 2; 48 have an old tone mark too.
    assert len(written) == 60 * 5 + 72 * 2 + 48


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("each", list(letters()), ids=lambda each: each.one)
def test_a_letter_has_one_form(each: Letter, way: str) -> None:
    assert one_form(WAYS[way](each)) == each.one


def test_a_letter_with_a_bar_stays() -> None:
    assert one_form(BARRED) == BARRED


@pytest.mark.parametrize(
    "other",
    ["e\u0301\u0306", "x\u0301\u0302", "n\u0303\u0302", "o\u0304\u0301", "\u0391\u0301\u0302"],
)
def test_marks_of_other_languages_are_only_composed(other: str) -> None:
    assert one_form(other) == unicodedata.normalize("NFC", other)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", range(len(VOWELS)), ids=lambda row: VOWELS[row][2][0])
def test_every_text_of_an_article_has_one_form(row: int, way: str) -> None:
    plain, _, ones = VOWELS[row]
    marked = [each for each in letters() if each.one in ones]
    text = " ".join(f"Đ{WAYS[way](each)}ng" for each in marked)
    wanted = " ".join(f"Đ{each.one}ng" for each in marked)
    sent = {
        **LEAST,
        **dict.fromkeys(("title", "lead", "byline", "topic", "correction"), text),
        "body_html": BODY.format(text),
        "tags": [text, wanted],
        "image": {"url": "/a", "alt": text, "caption": text, "credit": text},
        "attachments": [{"url": "/a.pdf", "title": text}],
    }
    given = ArticleInput.model_validate_json(json.dumps(sent))
    content = fill(given, clean(given.body_html, PAGE).html, None, NOON)
    image, files = content.image, content.attachments
    assert image is not None
    assert {content.title, content.lead, content.byline, content.topic} == {wanted}
    assert {image.alt, image.caption, image.credit, files[0].title} == {wanted}
    assert content.tags == [wanted]
    assert content.body_html == clean(BODY.format(wanted), PAGE).html
    assert content.body_html.count(wanted) >= 9
    assert unicodedata.normalize("NFC", content.body_html) == content.body_html
    assert content.slug == "-".join([f"d{plain.lower()}ng"] * len(marked))
    assert slug_of(text) == content.slug
    assert id_of(text) == id_of(wanted)
    first = put("ls0001", content, None, Preconditions(), NOON, SITE).article
    other = content.model_copy(update={"title": "Khác"})
    noted = given.correction or ""
    later = put("ls0001", other, first, Preconditions(), NOON, SITE, correction=noted).article
    assert later.corrections == [Correction(at=NOON, note=wanted)]


@pytest.mark.parametrize("way", WAYS)
def test_a_letter_of_entities_is_composed_in_the_body(way: str) -> None:
    for each in letters():
        entities = "".join(f"&#{ord(character)};" for character in WAYS[way](each))
        assert clean(f"<p>{entities}</p>", PAGE).html == f"<p>{each.one}</p>"
