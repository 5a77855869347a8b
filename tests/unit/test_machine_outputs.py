"""The checks of answers find what they are for."""

import pytest

from tests.support.machine_outputs import faults_of, texts_in

PAGE = "<!doctype html><html><head><title>x</title></head><body><main>{}</main></body></html>"
LD = '<script type="application/ld+json">{}</script>'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *(
            ("text/html", PAGE.format(inside))
            for inside in (
                "<script>alert(1)</script>",
                '<script src="https://evil.vn/x.js"></script>',
                '<script src="/static/page.js?v=0123456789">alert(1)</script>',
                "<img src=x onerror=alert(1)>",
                "<p style='color:red'>x</p>",
                "<a href='java\nscript:alert(1)'>x</a>",
                "<img src='data:text/html,x'>",
                "<iframe></iframe>",
                "<!-- x -->",
                "<main></main>",
                "<noscript>a</noscript><noscript>b</noscript>",
                "a\x0bb",
                "a\ufdd0b",
                "a\x85b",
                LD.format('{"@context": "https://evil.vn"}'),
                LD.format('{"@context": "https://schema.org", "name": "<b>"}'),
            )
        ),
        ("application/json", '{"a": NaN}'),
        ("application/json", '{"a": "\\ud800"}'),
        ("application/json", "{"),
        ("text/csv", "a,b\r\n1,2,3\r\n"),
        ("text/csv", 'a\r\n"=HYPERLINK(""x"")"\r\n'),
        ("text/csv", "a\r\n+SUM(1)\r\n"),
        ("text/csv", "a\r\n＝x\r\n"),
        ("application/xml", "<?xml version='1.0'?><x/>"),
    ],
)
def test_what_is_wrong_is_found(kind: str, body: str) -> None:
    assert faults_of(kind, body.encode(), "https://tin.vn") != []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "text/html",
            PAGE.format("<p title='&lt;script&gt;'>&lt;script&gt; \u2028 =1+1 onload=</p>"),
        ),
        ("text/html", PAGE.format('<script src="/static/page.js?v=0123456789" defer></script>')),
        ("text/html", PAGE.format(LD.format('{"@context": "https://schema.org", "x": "\\u003c"}'))),
        ("text/html", PAGE.format("<img src='data:image/png;base64,AA=='><a href='/a:b'>x</a>")),
        ("application/json", '{"a": "\\ud83d\\ude00", "b": -1.5e3}'),
        ("text/csv", 'a,b\r\n"=""00123""",-1\r\n\'=x,"a\nb"\r\n'),
    ],
)
def test_what_is_right_is_let_through(kind: str, body: str) -> None:
    assert faults_of(kind, body.encode(), "https://tin.vn") == []


def test_every_text_of_an_answer_is_seen() -> None:
    html = PAGE.format('<p title="b">c<b>d</b>e</p>' + LD.format('{"f": ["g"]}'))
    assert {*"bcdefg"} <= {*texts_in("text/html", html.encode())}
    assert {*"abc"} <= {*texts_in("application/xml", b'<x a="b">a<y/>c</x>')}
    assert {*"abc"} <= {*texts_in("application/json", b'{"a": [{"b": "c"}]}')}
    assert texts_in("text/csv", "\ufeffa,b\r\nc,d\r\n".encode()) == [*"abcd"]
