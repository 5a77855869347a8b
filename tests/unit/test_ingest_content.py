"""What an editor sends: limits and their messages, cleaned text, slugs, and HTML that means
harm.
"""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.ingest.articles.content import (
    ArticleInput,
    distinct,
    given_twice,
)
from services.ingest.articles.slug import slug_of
from tests.support.editors import LEAST, faults


def taken(**fields: Any) -> ArticleInput:
    return ArticleInput.model_validate_json(json.dumps({**LEAST, **fields}))


def place(**fields: Any) -> list[str]:
    return list(faults(**fields))


# ── fields
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_three_fields_are_enough() -> None:
    article = taken()
    assert article.body_html == "<p>x</p>"
    assert (article.lead, article.tags, article.byline, article.image) == ("", [], "", None)
    assert (article.language, article.slug, article.published_at, article.reads_baseline) == (
        "vi",
        None,
        None,
        None,
    )


def test_a_picture_needs_its_address_alone() -> None:
    image = taken(image={"url": "/a"}).image
    assert image is not None
    assert (image.url, image.alt, image.caption, image.credit) == ("/a", "", "", "")


def test_everything_at_its_limit_is_taken() -> None:
    image = {"url": "/" + "x" * 1999, "alt": "ă" * 500, "caption": "â" * 1000, "credit": "đ" * 200}
    article = taken(
        title="ệ" * 300,
        section="a" * 100,
        body_html="x" * (1 << 20),
        lead="ư" * 2000,
        tags=["ơ" * 50] * 20,
        byline="ô" * 200,
        image=image,
        language="vi-Latn-VN-x1",
        slug="b" * 100,
        published_at="2900-12-31T23:59:59Z",
        reads_baseline=1 << 50,
    )
    assert (len(article.title), len(article.lead), len(article.tags)) == (300, 2000, 20)


@pytest.mark.parametrize("field", ["title", "section", "body_html"])
def test_what_is_required_is_missed(field: str) -> None:
    assert faults(**{field: None}) == {field: "Field required"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 301),
        ("section", "x" * 101),
        ("body_html", ""),
        ("lead", "x" * 2001),
        ("tags", ["x"] * 21),
        ("byline", "x" * 201),
        ("slug", "x" * 101),
        ("reads_baseline", -1),
        ("reads_baseline", (1 << 50) + 1),
    ],
)
def test_one_more_than_the_limit_is_refused(field: str, value: Any) -> None:
    assert place(**{field: value}) == [field]


@pytest.mark.parametrize(
    ("image", "where"),
    [
        ({}, "image.url"),
        ({"url": "/" + "x" * 2000}, "image.url"),
        ({"url": "/a", "alt": "x" * 501}, "image.alt"),
        ({"url": "/a", "caption": "x" * 1001}, "image.caption"),
        ({"url": "/a", "credit": "x" * 201}, "image.credit"),
        ({"url": "/a", "width": 3}, "image.width"),
    ],
)
def test_the_picture_has_limits_too(image: dict[str, Any], where: str) -> None:
    assert place(image=image) == [where]


@pytest.mark.parametrize(("field", "most"), [("title", 300), ("lead", 2000), ("byline", 200)])
def test_a_text_that_is_too_long_is_told_in_characters(field: str, most: int) -> None:
    assert faults(**{field: "ộ" * (most + 1)}) == {
        field: f"must have at most {most} characters, not {most + 1}"
    }


def test_a_tag_has_fifty_letters_at_most_and_is_named_by_its_place() -> None:
    assert place(tags=["cầu", "x" * 51]) == ["tags.1"]
    assert faults(tags=["cầu", "  "]) == {"tags.1": "must not be blank"}


@pytest.mark.parametrize("title", ["", "   ", "\n\t", "\u00a0\u2003"])
def test_a_blank_title_is_refused(title: str) -> None:
    assert faults(title=title) == {"title": "must not be blank"}


def test_a_body_is_measured_in_bytes_not_in_letters() -> None:
    half = 1 << 19
    assert faults(body_html="đ" * half) == {}
    assert faults(body_html="đ" * half + "x") == {
        "body_html": "must have at most 1048576 bytes in UTF-8"
    }


def test_an_unknown_field_is_a_mistake() -> None:
    assert faults(titel="x") == {"titel": "Extra inputs are not permitted"}


def test_the_editor_may_say_how_much_a_change_matters() -> None:
    assert [taken(change=said).change for said in (None, "minor", "major")] == [
        None,
        "minor",
        "major",
    ]
    assert place(change="republish") == ["change"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("tags", "cầu"),
        ("reads_baseline", "5"),
        ("reads_baseline", 1.5),
        ("reads_baseline", True),
    ],
)
def test_types_are_not_guessed(field: str, value: Any) -> None:
    assert place(**{field: value}) == [field]


def test_all_faults_are_told_at_once() -> None:
    assert place(title="", section="Kinh tế", reads_baseline=-1) == [
        "title",
        "section",
        "reads_baseline",
    ]


@pytest.mark.parametrize("language", ["VI", "v", "vi_VN", "vi-", "tiếng", "vi\n"])
def test_a_language_is_a_tag(language: str) -> None:
    assert place(language=language) == ["language"]


SCHEMA = Draft202012Validator(ArticleInput.model_json_schema())


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "x", "tags": ["x", "5"]},
        {"title": "\tCầu\n", "lead": "", "byline": "x\ty"},
        {"section": "the-thao", "slug": "stats"},
        {"section": "statistics"},
        {"image": {"url": "/", "alt": "", "caption": "x", "credit": "x"}},
        {"image": {"url": "/media/x.webp?y#z"}},
        {"image": {"url": "https://e.vn/x.jpg"}},
    ],
)
def test_the_schema_takes_what_we_take(fields: dict[str, Any]) -> None:
    assert SCHEMA.is_valid({**LEAST, **fields})
    assert faults(**fields) == {}


@pytest.mark.parametrize(
    "fields",
    [
        *({"title": title} for title in ("", " ", "\u00a0\n", "a\0b", "a\x7f", "a\ufffe")),
        *({"tags": [tag]} for tag in ("", " ", "a\x1b")),
        *({name: "a\x1fb"} for name in ("lead", "byline")),
        *({"image": {"url": "/a", name: "\x9f"}} for name in ("alt", "caption", "credit")),
        *({"image": {"url": url}} for url in ("", "a", "//e.vn/a", "/a b", "https://", "/\\e.vn")),
        *({"section": section} for section in ("admin", "stats", "Kinh-te")),
        {"titel": "x"},
        {"image": {"url": "/a", "width": 3}},
        {"reads_baseline": "5"},
        {"image": {"url": "/a", "alt": 5}},
    ],
)
def test_the_schema_refuses_what_we_refuse(fields: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid({**LEAST, **fields})
    assert len(faults(**fields)) == 1


# ── text
# ──────────────────────────────────────────────────────────────────────────────────────────────────

DECOMPOSED = "Đu\u031bo\u031b\u0300ng vê\u0300"
COMPOSED = "Đường về"


@pytest.mark.parametrize("field", ["title", "lead", "byline"])
def test_letters_are_composed_and_spaces_made_single(field: str) -> None:
    assert (
        getattr(taken(**{field: f"  {DECOMPOSED}\n\tbản \u2028 Lác "}), field)
        == f"{COMPOSED} bản Lác"
    )


@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff", "\u2060", "\u00ad"])
def test_a_line_begins_and_ends_with_what_is_seen(unseen: str) -> None:
    article = taken(title=f"{unseen} {unseen}Cầu mới{unseen}", tags=[f"{unseen}cầu", "Cầu"])
    assert (article.title, distinct(article.tags)) == ("Cầu mới", ["cầu"])


def test_tags_that_differ_in_capitals_alone_are_one() -> None:
    assert distinct(["Huế", "cầu", "HUẾ", "Cầu", "hue", "cầu"]) == ["Huế", "cầu", "hue"]


BLANK = ["\u200b", "\ufeff", "\u2060", "\u3164", "\u00ad", "\u200e", "\u200d\u200c", "\u2800",
         "\u115f\u1160",
         "\uffa0", "\u034f", "\u180e", "\ufe0f", "\u0301", "\u202e\u202c", " \u200b \u00a0",
         "\ue000", "\u061c",
         "\U000e0041"]  # fmt: skip


@pytest.mark.parametrize("text", BLANK)
def test_characters_that_nobody_sees_are_blank(text: str) -> None:
    message = "must not be blank: it has only characters that can't be seen"
    assert faults(title=text, lead=text, byline=text, tags=[text]) == {
        "title": message, "lead": message, "byline": message, "tags.0": message
    }  # fmt: skip
    assert faults(image={"url": "/a", "alt": text, "caption": text, "credit": text}) == {
        "image.alt": message, "image.caption": message, "image.credit": message
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["🏆", "中", "1", "!", "\u0e01\u0e34", "a\u200bb", "👨\u200d👩\u200d👧", "ㅏ"]
)
def test_characters_that_show_are_kept(text: str) -> None:
    assert taken(title=text).title == text


def test_direction_overrides_are_taken_out_of_a_line() -> None:
    text = "Giá vàng \u202e2026/11/26\u202c hôm \u2066\u2067\u2068nay\u2069\u202a\u202b\u202d"
    article = taken(
        title=text, lead=text, byline=text, tags=[text], image={"url": "/a", "caption": text}
    )
    clean = "Giá vàng 2026/11/26 hôm nay"
    assert (article.title, article.lead, article.byline, article.tags) == (
        clean,
        clean,
        clean,
        [clean],
    )
    assert article.image is not None
    assert article.image.caption == clean


@pytest.mark.parametrize("mark", ["\u0301", "\u0e49", "\u20dd", "\U0001d165", "\u0488"])
def test_a_letter_has_eight_combining_marks_at_most(mark: str) -> None:
    assert taken(title=f"x{mark * 200}y").title == f"x{mark * 8}y"


def test_so_are_those_of_tags_and_pictures() -> None:
    assert taken(tags=[f" {DECOMPOSED} "]).tags == [COMPOSED]
    image = taken(
        image={"url": "/a", "alt": DECOMPOSED, "caption": f"{DECOMPOSED}\n", "credit": DECOMPOSED}
    ).image
    assert image is not None
    assert (image.alt, image.caption, image.credit) == (COMPOSED, COMPOSED, COMPOSED)


def test_limits_count_composed_letters() -> None:
    letter = unicodedata.normalize("NFD", "ệ")
    assert len(letter) == 3
    assert taken(title=letter * 300, tags=[letter * 50]).tags == ["ệ" * 50]


@pytest.mark.parametrize("character", ["\0", "\x08", "\x1b", "\x7f", "\x9f", "\ufffe"])
def test_control_characters_are_refused_in_text(character: str) -> None:
    text = f"a{character}b"
    message = "must not contain control characters"
    assert faults(title=text, lead=text, byline=text, tags=[text]) == {
        "title": message, "lead": message, "byline": message, "tags.0": message
    }  # fmt: skip


# ── slugs, sections, addresses, times
# ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Đường về bản Lác", "duong-ve-ban-lac"),
        ("ĐẮK LẮK: 1.000 tỷ đồng!", "dak-lak-1-000-ty-dong"),
        ("Ỷ ỹ ữ ẳ ỗ ợ ế ụ", "y-y-u-a-o-o-e-u"),
        (unicodedata.normalize("NFD", "Mường Sạ"), "muong-sa"),
        ("  --Chè--  ", "che"),
        ("Lãi suất tăng 3,5% lên 12,25%/năm", "lai-suat-tang-3-5-len-12-25-nam"),
        ("Tỷ số 2–1, phút 90'+5", "ty-so-2-1-phut-90-5"),
        ("Giá 1.234.567,89 đồng", "gia-1-234-567-89-dong"),
        ("A &amp; B, AT&T, R&D", "a-amp-b-at-t-r-d"),
        ("Mã &#273; và &#x111;", "ma-273-va-x111"),
        ("M‘Nông, Sao℠ Việt", "m-nong-sao-viet"),
        ("Giá vàng 24/11/2026: 100 m²", "gia-vang-24-11-2026-100-m2"),
        ("Độ mặn 4‰", "do-man-4"),
        ("Độ mặn 4,5‰ ở Bến Tre", "do-man-4-5-o-ben-tre"),
        ("Lãi 3‱ một ngày", "lai-3-mot-ngay"),
        ("Phí 1‰2 lần", "phi-1-2-lan"),
        ("Hơn 3½ năm", "hon-3-1-2-nam"),
        ("3,½ và 1¼¾", "3-1-2-va-1-1-4-3-4"),
        ("½ năm", "1-2-nam"),
        ("10⁵ lần, 10²³ và 10⁻⁵", "10-5-lan-10-23-va-10-5"),
        ("CO₂ và C₁₂H₂₂", "co2-va-c12h22"),
        ("Top ①② 2⑩", "top-1-2-2-10"),
        ("Nhà 5㎡, 5²m", "nha-5m2-5-2m"),
        ("2026㋊", "2026-11yue"),
        ("５０ năm", "50-nam"),
        ("Phút 90’’5", "phut-90-5"),
        ("Nắng nóng 50°C, 38,5℃ và 40ºC", "nang-nong-50-c-38-5-c-va-40-c"),
        ("iPhone 15 Pro™ của Apple® giá 5 £, 100€", "iphone-15-pro-cua-apple-gia-5-100"),
        ("100.000₫", "100-000d"),
        ("Bụi 5µm, dài 5㎞, № 5, § 5", "bui-5um-dai-5km-no-5-5"),
        ("M’Nông, M'Nông, Mʼnông", "m-nong-m-nong-m-nong"),
        ("người\u200b và ng\u200bười, Chơ\u0306ro", "nguoi-va-nguoi-choro"),
        ("ខ្មែរ", "khmaer"),
        ("C++, C#, A&B", "c-c-a-b"),
        ("20/11 và 1.000.000 đồng", "20-11-va-1-000-000-dong"),
        ("Новости 日本", "novosti-ri-ben"),
        ("😀🎉", "bai-viet"),
        ("!!!", "bai-viet"),
        ("", "bai-viet"),
        ("a" * 300, "a" * 100),
        ("nghiêng " * 20, "-".join(["nghieng"] * 12)),
    ],
)
def test_slugs_are_made_from_titles(title: str, slug: str) -> None:
    assert slug_of(title) == slug


@pytest.mark.parametrize(
    "slug", ["", "Kinh-te", "kinh te", "kinh--te", "-kinh", "te-", "đường", "a/b", "a.b", "a\n"]
)
def test_a_slug_is_lower_case_letters_figures_and_single_hyphens(slug: str) -> None:
    assert place(slug=slug) == ["slug"]
    assert place(section=slug) == ["section"]


@pytest.mark.parametrize(
    "section",
    (
        "admin api articles docs events feed health healthz livez media metrics openapi reads "
        "readyz redoc robots schemas sitemap state static stats"
    ).split(),
)
def test_a_section_is_not_called_as_one_of_our_own_paths(section: str) -> None:
    assert faults(section=section) == {"section": f"{section} is a path name of the system's own"}
    assert faults(slug=section) == {}


@pytest.mark.parametrize(
    "url", ["https://e.vn/a.jpg", "http://e.vn", "/media/a.webp", "/a?b=c&d=%20#e"]
)
def test_addresses_of_pictures(url: str) -> None:
    assert faults(image={"url": url}) == {}


@pytest.mark.parametrize(
    "url",
    [
        "", "a.jpg", "//evil.example/a.jpg", "/\\evil.example", "\\\\evil", "javascript:alert(1)",
        "data:image/png,x",
        "HTTPS://e.vn/a", "https://", "https:///a", "/a b", '/a"onerror=alert(1)', "/a'b", "/<b>",
        " /a", "/a\n",
        "/a\0reads\0", "/a\x1b", "https://e.vn/\x7f",
    ],
)  # fmt: skip
def test_addresses_that_could_be_something_else_are_refused(url: str) -> None:
    assert faults(image={"url": url}) == {
        "image.url": "must be an http(s) address, or a path that starts with one slash"
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T07:05:00Z", datetime(2026, 11, 23, 7, 5, tzinfo=UTC)),
        ("2026-11-23T07:05:00+07:00", datetime(2026, 11, 23, 0, 5, tzinfo=UTC)),
        ("2026-11-23t07:05:00.1239z", datetime(2026, 11, 23, 7, 5, 0, 123_000, tzinfo=UTC)),
        ("2026-11-23T07:05:00.999Z", datetime(2026, 11, 23, 7, 5, 0, 999_000, tzinfo=UTC)),
        ("2026-11-23 07:05:00-05:30", datetime(2026, 11, 23, 12, 35, tzinfo=UTC)),
        ("1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_publishing_time_is_kept_in_utc_to_the_millisecond(text: str, moment: datetime) -> None:
    published_at = taken(published_at=text).published_at
    assert published_at is not None
    assert published_at.isoformat() == moment.isoformat()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2026-11-23T07:05:00", "Input should have timezone info"),
        ("2026-11-23", "must be an RFC 3339 time, such as 2026-11-23T07:05:00+07:00"),
        ("1795417500", "must be an RFC 3339 time, such as 2026-11-23T07:05:00+07:00"),
        (1795417500, "must be an RFC 3339 time, such as 2026-11-23T07:05:00+07:00"),
        ("hôm nay", "must be an RFC 3339 time, such as 2026-11-23T07:05:00+07:00"),
        ("1899-12-31T23:59:59Z", "must lie between the years 1900 and 2900 (UTC)"),
        ("2901-01-01T00:00:00Z", "must lie between the years 1900 and 2900 (UTC)"),
        ("1900-01-01T00:00:00+14:00", "must lie between the years 1900 and 2900 (UTC)"),
        ("2900-12-31T23:59:59-14:00", "must lie between the years 1900 and 2900 (UTC)"),
        ("0001-01-01T00:00:00+14:00", "must lie between the years 1900 and 2900 (UTC)"),
        ("9999-12-31T23:59:59-14:00", "must lie between the years 1900 and 2900 (UTC)"),
    ],
)
def test_other_publishing_times_are_refused(value: Any, message: str) -> None:
    assert faults(published_at=value) == {"published_at": message}


def test_a_whole_number_may_be_written_with_a_fraction_of_zero() -> None:
    assert taken(reads_baseline=7.0).reads_baseline == 7


def test_a_day_that_no_calendar_has_is_refused() -> None:
    assert place(published_at="2026-02-30T00:00:00Z") == ["published_at"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"title": "a", "title": "b"}', "title"),
        (b'{"title" :"a"\n,\t"title"\n: "b"}', "title"),
        (b'{"image": {"url": "/a", "url": "/b"}}', "url"),
        (b'{"title": "a", "body_html": "<p \\"title\\": \\"x\\">"}', None),
        (b'{"slug": "title", "title": "title", "tags": ["title", "title"]}', None),
        (b'{"title": "a\\\\", "lead": "b"}', None),
    ],
)
def test_a_field_that_stands_twice_is_found(body: bytes, field: str | None) -> None:
    assert given_twice(body) == field
