"""The limits on a body, each with a large body that reaches it."""

import pytest

from services.ingest.articles.body.clean import clean
from services.ingest.articles.body.limits import TooMuch
from services.ingest.articles.body.prepare import prepare

PAGE = "https://www.example.org/thoi-su/bai-a1.html"


def each(html: str) -> str:
    """`html` 1,000 times with different attributes: a parser copies only three equal elements."""
    return "".join(html.format(number) for number in range(1000))


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("".join(f"<b a={n}>" for n in range(60)) + "<p>x" * 2000, "never closed"),
        (each("<p><b a={}><i></p>"), "never closed"),
        (each("<p><b a={}><!-- </b> -->"), "never closed"),
        (each("<p><b a={}></i>"), "never closed"),
        (each("<p><b a={} title='</b>'>"), "never closed"),
        (each("<P><FONT lang={}>"), "never closed"),
        (each("<p><b a={}><style></b></style>"), "never closed"),
        (each("<p><b a={}><object></b></object>"), "never closed"),
        (each("<p><b a={}><svg></b></svg>"), "never closed"),
        (each("<p><b a={}><table><style></table></style></b></table>x"), "never closed"),
        ('<style><a title="</style>' + each("<p><b a={}>x") + '">', "never closed"),
        ("<svg><style><a title='</style>" + each("<p><b a={}>x") + "'>", "never closed"),
        ("<!-->" + each("<p><b a={}>x") + "-->", "never closed"),
        ("<? <a title='>" + each("<p><b a={}>x") + "'>", "never closed"),
        ("<svg><p>" + "<div />" * 7000, "never closed"),
        ("<svg><foreignObject>" + "<path />" * 7000, "never closed"),
        ("<svg>" + "<path d=x/>" * 7000, "never closed"),
        ("<div>" * 7000, "never closed"),
        ("<ul><li>" * 7000, "never closed"),
        ("<table>x" * 7000, "never closed"),
        ("<br>" * 150_001, "150000 tags"),
        ("<p " + " ".join(f"a{number}=1" for number in range(101)) + ">", "attributes"),
    ],
)
def test_the_limit_that_is_exceeded_is_named(html: str, what: str) -> None:
    with pytest.raises(TooMuch, match=what):
        prepare(html)


def test_formatting_that_multiplies_is_refused_by_its_size() -> None:
    opened = "".join(f'<span lang="vi-{n:08}">' for n in range(14))
    with pytest.raises(ValueError, match="deeply nested"):
        clean(opened + "<div>x</div>" * 9000, PAGE)
