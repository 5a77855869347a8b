"""The time that style sheets take."""

import time

import pytest

from services.ingest.articles.body.clean import clean

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"


def cleaned(html: str) -> str:
    """The body. Cleaning it again must not change it."""
    body = clean(html, PAGE).html
    assert clean(body, PAGE).html == body
    return body


@pytest.mark.parametrize(
    "sheet",
    [
        "@" * 200_000, "a" * 200_000, "/*" * 100_000, "{" * 200_000, ".a{" * 60_000,
        "@{a{}" * 40_000, "," * 200_000,
        "".join(f".a{n}{{font-weight:bold}}" for n in range(9000)),
        ",".join(f".a{n}" for n in range(30_000)) + "{font-family:" + "x" * 4000 + "}",
    ],
)  # fmt: skip
def test_the_time_for_a_style_sheet_is_linear(sheet: str) -> None:
    begun = time.process_time()
    assert cleaned(f"<style>{sheet}</style><p class=a1>x</p>")
    assert time.process_time() - begun < 10  # measured: at most 0.14 s
