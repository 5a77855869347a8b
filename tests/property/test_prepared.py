"""Pages from deflated pieces are one gzip member, whatever the pieces are."""

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from services.render.serving.prepared import STORED, PageBytes, piece, prepared_page

TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3000))


@given(TEXTS)
def test_pieces_are_one_gzip_member_with_the_text_of_all(texts: list[str]) -> None:
    body, expected = PageBytes([piece(text) for text in texts]), "".join(texts).encode()
    assert body.plain == expected
    assert gzip.decompress(body.gzip) == expected
    member = zlib.decompressobj(wbits=31)
    assert member.decompress(body.gzip) + member.flush() == expected
    assert member.eof
    assert member.unused_data == b""


@given(TEXTS, st.integers(0, 10**12), st.sampled_from(["", "<aside>Tổng</aside>" * 200]))
def test_a_page_with_other_live_parts_has_the_same_static_bytes(
    texts: list[str], reads: int, aside: str
) -> None:
    parts = [part for text in texts for part in (text, "\0reads\0")] + ["\0aside\0"]
    page = prepared_page(parts)
    live = {"\0reads\0": piece(str(reads)), "\0aside\0": piece(aside)}
    expected = "".join({"\0reads\0": str(reads), "\0aside\0": aside}.get(p, p) for p in parts)
    assert gzip.decompress(page.filled(live).gzip).decode() == expected
    assert page.filled(live).plain.decode() == expected
    assert "".join(page.texts) == "".join(parts)


@given(st.text(st.characters(codec="utf-8"), max_size=70))
def test_short_pieces_are_stored_as_they_are(text: str) -> None:
    made = piece(text)
    if 0 < len(made.plain) < STORED:
        assert made.deflated.endswith(made.plain)
        assert len(made.deflated) == len(made.plain) + 5
    assert zlib.decompress(made.deflated + b"\x03\0", -15) == made.plain
