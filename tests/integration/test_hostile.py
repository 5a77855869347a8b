"""Hostile article bodies come out harmless: judged by parsing the served page."""

import json
import re
from typing import Any

from lxml import html as markup

from tests.support.system import System, until

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='javascript:alert(1)'>",
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    "<p onclick=alert(1) onmouseover='x'>chữ</p>",
    "<a href='javascript:alert(1)'>a</a>",
    "<a href='JaVaScRiPt:alert(1)'>a</a>",
    "<a href='java&#10;script:alert(1)'>a</a>",
    "<a href=' &#14; javascript:alert(1)'>a</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "<a href='vbscript:x'>a</a>",
    "<style>body{display:none}</style>",
    "<p style='position:fixed;background:url(javascript:x)'>chữ</p>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href='//evil.example/'>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src='//evil.example'></iframe>",
    "<object data='x.swf'></object><embed src='x.swf'>",
    "<form action='//evil.example'><input name=q><button "
    "formaction='javascript:alert(1)'>b</button></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><script>alert(1)</script></textarea>",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<p title='\"><script>alert(1)</script>'>x</p>",
    "<table><tr><td><div></table><script>alert(1)</script>",
    "</main></body></html><script>alert(1)</script>",
    "<b><p></b><i></p><script>alert(1)</script>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<img alt='<table onclick=x>' src='/a.png'>",
    "<template><script>alert(1)</script></template>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<p id=location name=cookie class=top>x</p>",
]

ALLOWED_IN_BODY = {"http", "https", "mailto", "tel"}


async def test_hostile_bodies_are_harmless(system: System) -> None:
    await system.start_all()
    for number, body in enumerate(HOSTILE):
        answer = await system.put(
            f"h{number}", title=f"Thử {number}", body_html=f"<p>trước</p>{body}<p>sau</p>"
        )
        assert answer.status_code == 201, body
    for number, body in enumerate(HOSTILE):
        served = await until(lambda n=number: system.page(f"h{n}"), 10, body)
        _check(served.text, body)
        assert "unsafe-inline" not in served.headers["content-security-policy"]
        assert "script-src 'self'" in served.headers["content-security-policy"]
        assert served.headers["x-content-type-options"] == "nosniff"


def _check(text: str, body: str) -> None:
    page: Any = markup.document_fromstring(text)
    scripts = page.xpath("//script")
    data = [each for each in scripts if each.get("type") == "application/ld+json"]
    for each in data:  # what is not run, and can't end before its end
        assert "<" not in each.text, body
        assert json.loads(each.text)["@context"] == "https://schema.org", body
    ours = [each.get("src", "") for each in scripts if each not in data]
    names = [re.sub(r"^/static/([a-z]+\.js)\?v=[0-9a-f]+$", r"\1", each) for each in ours]
    assert sorted(names) == ["page.js", "read.js"], body
    assert len(page.xpath("//main")) == 1, body
    [main] = page.xpath("//main")
    for element in page.iter():
        if not isinstance(element.tag, str):  # a comment
            continue
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), (body, name)
            assert name not in ("style", "srcdoc", "formaction", "xlink:href", "srcset"), (
                body,
                name,
            )
            if name in ("href", "src", "action", "cite"):
                scheme = re.match(
                    r"\s*([a-z][a-z0-9+.-]*):", re.sub(r"[\x00-\x20]", "", value), re.I
                )
                assert scheme is None or scheme[1].lower() in ALLOWED_IN_BODY, (body, value)
    forbidden = (
        "//iframe|//object|//embed|//main//form|//main//input|//style|//base|//template"
        "|//video|//math|//textarea"
    )
    assert not page.xpath(forbidden), body
    assert not main.xpath(".//svg|.//script|.//link|.//meta"), body
    assert not page.xpath("//*[@name='cookie']|//*[@id='location']|//main//p[@class='top']"), body
    assert "trước" in main.text_content(), body
