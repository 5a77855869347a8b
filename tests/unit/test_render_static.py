"""Static files: prepared once in each coding, and sent in the one that a client prefers."""

import gzip

import brotli
import pytest

from services.render.rendering.static_files import StaticFiles
from services.render.serving.codings import BROTLI, GZIP
from tests.unit.test_render_answers import RENDERER, Site

TEXT_FILES = sorted(RENDERER.files.coded)
STYLE = "/static/style.css"


def test_every_text_is_ready_in_both_codings_and_brotli_is_the_shorter_one() -> None:
    assert TEXT_FILES == [
        "favicon.svg", "live.js", "page.js", "read.js", "search.js", "style.css",
    ]  # fmt: skip
    for name, forms in RENDERER.files.coded.items():
        content = RENDERER.files.contents[name]
        assert list(forms) == [BROTLI, GZIP]
        assert brotli.decompress(forms[BROTLI]) == gzip.decompress(forms[GZIP]) == content
        assert len(forms[BROTLI]) < len(forms[GZIP]) < len(content)


def test_a_file_that_is_the_same_in_another_site_is_not_compressed_again() -> None:
    one, other = StaticFiles(), StaticFiles("\n:root{--brand:#000}", {"a.txt": b"x" * 999})
    assert other.coded["page.js"] is one.coded["page.js"]
    assert other.coded["style.css"] != one.coded["style.css"]
    assert brotli.decompress(other.coded["a.txt"][BROTLI]) == b"x" * 999


def test_a_text_that_no_coding_makes_shorter_is_sent_as_it_is() -> None:
    assert StaticFiles(more={"a.txt": b"x"}).coded["a.txt"] == {}


@pytest.mark.parametrize("path", [f"/static/{name}" for name in TEXT_FILES])
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", b"br"),
        ("gzip, br;q=0.9", b"gzip"),
        ("br;q=0.5, gzip;q=0.4", b"br"),
        ("gzip;q=0.5, br;q=0", b"gzip"),
        ("*", b"br"),
        ("*;q=0.1, br;q=0", b"gzip"),
        ("identity", b""),
        ("br;q=0.1, identity", b""),
        ("", b""),
    ],
)
async def test_a_client_gets_the_coding_that_it_prefers(
    path: str, accepted: str, coding: bytes
) -> None:
    site = Site()
    answer = await site.ask(path, accept_encoding=accepted)
    assert answer.headers.get(b"content-encoding", b"") == coding
    assert answer.headers[b"vary"] == b"Accept-Encoding"
    content = RENDERER.files.contents[path.removeprefix("/static/")]
    assert {b"": bytes, b"br": brotli.decompress, b"gzip": gzip.decompress}[coding](
        answer.body
    ) == content
    tag = answer.headers[b"etag"].decode()
    again = await site.ask(path, accept_encoding=accepted, if_none_match=tag)
    assert (again.status, again.body, again.headers[b"vary"]) == (304, b"", b"Accept-Encoding")


async def test_each_coding_has_a_tag_of_its_own_and_pages_have_no_brotli() -> None:
    site = Site()
    tags = [
        (await site.ask(STYLE, accept_encoding=accepted)).headers[b"etag"]
        for accepted in ("", "gzip", "br")
    ]
    assert len(set(tags)) == 3
    held = tags[2].decode()
    assert (await site.ask(STYLE, accept_encoding="gzip", if_none_match=held)).status == 200
    font = await site.ask("/static/literata-latin.woff2", accept_encoding="br, gzip")
    assert b"content-encoding" not in font.headers
    await site.totals.load()
    page = await site.ask("/", accept_encoding="br, gzip;q=0.1")
    assert page.headers[b"content-encoding"] == b"gzip"
