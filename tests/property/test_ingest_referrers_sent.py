"""Queries of reads, put together by hypothesis."""

import asyncio
import re
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.reads.read_request import REFERRER, referrer_of
from shared.base.errors import Problem
from tests.support.both_paths import BothPaths

PIECES = st.sampled_from(
    [
        b"referrer", b"=", b"&", b"https://", b"https%3A%2F%2F", b"www.google.com", b"[::1]:8",
        b"android-app://com.zing.zalo", b"%", b"%0", b"%00", b"%zz", b"%C3%A1", b"?", b";", b"a",
        b"/", b"@", b"%26", b"%3D", b"%72eferrer", b"Referrer", b"..",
    ]
)  # fmt: skip
QUERIES = st.lists(PIECES, max_size=10).map(b"".join)


@given(QUERIES | st.binary(max_size=60))
def test_a_referrer_is_what_the_standard_parser_finds(query: bytes) -> None:
    escaped = b"%72eferrer"  # an escaped name is another parameter here
    plain = query.replace(b"+", b"%2B").replace(escaped, b"another")
    found = parse_qs(plain.decode("latin-1"), keep_blank_values=True).get("referrer", [])
    if len(found) > 1 or (found and not re.fullmatch(f"({REFERRER})?", found[0], re.ASCII)):
        with pytest.raises(Problem) as problem:
            referrer_of(query)
        assert [error["path"] for error in problem.value.errors] == ["referrer"]
    else:
        assert referrer_of(query) == (found[0] if found else None)


@given(QUERIES)
def test_both_paths_answer_a_query_alike(query: bytes) -> None:
    async def check() -> None:
        paths = BothPaths()
        fast = await paths.read(b"/reads?" + query)
        assert fast == await paths.read(b"/reads?" + query, slow=True)
        assert fast.status in (204, 422)
        assert paths.fast == (fast.status == 204)

    asyncio.run(check())
