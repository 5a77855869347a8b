"""Hostile texts in every field of an article and of the site, into every answer: pages, files to
keep, feeds, sitemaps, structured data, search and tables stay valid, nothing in them runs, and the
text is still the text.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
from lxml import etree
from lxml import html as lxml_html

from services.render.keys import tag_key
from tests.support.machine_outputs import faults_of
from tests.support.system import EDITOR, System, until

TEXTS = [
    "</script><script>alert(1)</script>",
    "</title></textarea></style><img src=x onerror=alert(1)>",
    "]]><![CDATA[<b>đ</b>]]>",
    "--><!-- x --!><p>",
    "\"' onload=alert(1) x='\" autofocus",
    "&lt;b&gt; &amp;amp; &#60;script&#62; &quot;",
    "a\u2028b\u2029c",
    "\u202eevil\u202c \u2066x\u2069 \u200f",
    "x\ufeff\u200b\u200dy\ue000\ufdd0",
    "{{7*7}} {% raw %} ${7} #{7} %(x)s %s",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    '\\"};alert(1);//\\u003c\\',
    "javascript:alert(1)",
    '=HYPERLINK("http://evil.vn","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "😀 e\u0323\u0302 \U0010fffd \U000e0041",
    "<?xml version='1.0'?><?php x ?>",
    "../../%2e%2e/%00%0d%0aX: y?#",
]
"""Ingest may refuse or change them. What it stores is what its answer says."""
REFUSED = ["a\x01b", "a\x85b", "a\x00", "x\x7f", "x\x9fy", "\ufffe", "x\uffff", "\ud800x", "\udc00"]
BODY = (
    "<h2>{0}</h2><p>{0}</p><figure><img src='/media/a.jpg' alt=\"x\"><figcaption>{0}</figcaption>"
    "</figure><table><tr><td>{0}</td></tr></table><pre>{0}</pre><p><a href='/x'>{0}</a></p>"
)
SITE = """
name = {0}
tagline = {0}
languages = ["vi", "en"]
[sections.thoi-su]
name = {{ vi = {0}, en = {0} }}
description = {0}
[[links]]
name = {0}
url = "https://h.vn/?a=1&b=%22"
[footer]
body = {0}
editor = {0}
licence = {0}
address = {0}
[map]
title = {0}
description = {0}
file = "map.svg"
[map.districts.a]
name = {0}
tag = {0}
[[front]]
block = "notice"
text = {0}
[[front]]
block = "section"
section = "thoi-su"
count = 30
[[front]]
block = "latest"
count = 30
"""
SITE_TEXT = "Báo </script>]]> & \"x' onload=a --> {{1}} đ"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g id="a">'
    "<text>&lt;script&gt;</text></g></svg>"
)


@dataclass
class Looked:
    """The answers that were looked at."""

    system: System
    kinds: dict[str, int] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    async def get(self, service: str, path: str) -> httpx.Response:
        """An answer of status 200, which is judged."""
        answer = await self.system.http.get(self.system.url(service) + path)
        assert answer.status_code == 200, (path, answer.text[:300])
        kind = answer.headers["content-type"].partition(";")[0]
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.wrong += [(path, fault) for fault in faults_of(kind, answer.content, PUBLIC)]
        return answer


PUBLIC = "http://127.0.0.1:8000"


def fields_of(text: str, number: int) -> dict[str, Any]:
    """An article with the text in each of its fields, as far as it fits."""
    return {
        "title": text,
        "lead": text,
        "byline": text,
        "topic": text,
        "tags": [text[:50], "x"],
        "image": {"url": "/media/ảnh-[1]|đ.jpg", "alt": text, "caption": text, "credit": text},
        "attachments": [
            {"url": f"https://h.vn/tệp-{number}?a=1&b=|", "title": text, "type": "", "size": 9}
        ],
        "correction": text,
        "body_html": BODY.format(text),
    }


def written_site(folder: Path) -> Path:
    """A site whose texts are hostile."""
    (folder / "map.svg").write_text(SVG)
    path = folder / "site.toml"
    path.write_text(SITE.format(json.dumps(SITE_TEXT, ensure_ascii=False)))
    return path


def parsed(html: str) -> Any:
    """A page as a tree."""
    return lxml_html.document_fromstring(html)


def without_forbidden(text: str) -> str:
    """The text as XML can have it."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


async def test_hostile_texts_in_every_field_are_texts_in_every_answer(
    system: System, tmp_path: Path
) -> None:
    await system.start_all(site=written_site(tmp_path))
    stored: dict[str, dict[str, Any]] = {}
    for number, text in enumerate(TEXTS):
        name = f"h{number:02}"
        await system.put(name, title=f"Bài {number}")
        answer = await system.put(name, **fields_of(text, number))
        assert answer.status_code == 200, (text, answer.text)
        stored[name] = answer.json()
        assert (await system.read(name)).status_code == 204
    await _big(system)
    await _refused(system)
    for name, article in stored.items():
        revision = article["revision"]

        async def rendered(name: str = name, revision: int = revision) -> bool:
            page = await system.db.pages.find_one({"_id": name}, {"revision": 1})
            return bool(page and page["revision"] == revision)

        await until(rendered, 10, f"the page of {name}")

    async def listed() -> bool:
        top = await system.http.get(f"{system.url('stats')}/stats/top?window=24h&limit=50")
        return len(top.json().get("items", [])) == len(stored)

    await until(listed, 20, "the reads of all in stats")
    looked = Looked(system)
    for name, article in stored.items():
        await _of_article(looked, name, article)
    await _of_site(looked, stored)
    print(
        f"\n{len(TEXTS)} hostile texts, answers by type: {looked.kinds}, {len(looked.wrong)} wrong"
    )
    assert looked.wrong == []
    assert len(looked.kinds) == 7


async def _big(system: System) -> None:
    """A body of a megabyte."""
    piece = BODY.format("</p>]]>&lt;script&gt; đ \u2028 \"' --> ")
    body = piece * ((1 << 20) // len(piece.encode()))
    answer = await system.put("big", title="Lớn", lead="x " * 1000, body_html=body)
    assert answer.status_code == 201, answer.text[:300]
    await until(lambda: system.page("big"), 20, "the big page")


async def _refused(system: System) -> None:
    """What no output could write is refused where it comes in, in each field."""
    for text in REFUSED:
        for field_, value in fields_of(text, 0).items():
            if field_ == "body_html":
                continue  # its characters are left out
            least = {"title": "x", "section": "thoi-su", "body_html": "<p>x</p>"}
            content = json.dumps({**least, field_: value}).encode()
            answer = await system.http.put(
                f"{system.url('ingest')}/articles/ref", content=content,
                headers={**EDITOR, "content-type": "application/json"},
            )  # fmt: skip
            assert answer.status_code in (400, 422), (text, field_, answer.status_code)


async def _of_article(looked: Looked, name: str, article: dict[str, Any]) -> None:
    """The answers about one article."""
    path = urlsplit(article["url"]).path
    page = parsed((await looked.get("render", path)).text)
    title = article["title"]
    assert " ".join(page.xpath("//h1")[0].text_content().split()) == title
    (data,) = page.xpath("//script[@type='application/ld+json']")
    news = json.loads(data.text)["@graph"][0]
    assert (news["headline"], news["description"]) == (title, article["lead"])
    assert (news["keywords"], news["author"]["name"]) == (article["tags"], article["byline"])
    assert page.xpath("//meta[@property='og:title']/@content") == [title]
    assert page.xpath("//meta[@property='og:description']/@content") == [article["lead"]]
    assert page.xpath("//meta[@property='article:tag']/@content") == article["tags"]
    assert article["corrections"][-1]["note"] in page.text_content()
    assert article["attachments"][0]["title"] in page.text_content()
    saved = parsed((await looked.get("render", f"/luu/{name}.html")).text)
    assert " ".join(saved.xpath("//h1")[0].text_content().split()) == title
    await looked.get("stats", f"/stats/articles/{name}/")
    await looked.get("stats", f"/stats/articles/{name}")
    lists = [("/tu-khoa/", article["tags"][0]), ("/chu-de/", article["topic"])]
    for base, text in lists:
        if key := quote(tag_key(text)):
            for end in ("", "feed.xml", "atom.xml"):
                await looked.get("render", f"{base}{key}/{end}")
            asked = await looked.system.http.get(
                f"{looked.system.url('render')}{base}{quote(text, safe='')}/"
            )
            to = asked.headers.get("location", f"{base}{key}/")
            assert "/" in text or unquote(to) == unquote(f"{base}{key}/")
    for query in (title, article["lead"], f'"{title}"'):
        found = await looked.get("render", f"/tim-kiem/?q={quote(query, safe='')}")
        shown = parsed(found.text).xpath("//input[@id='q']/@value")
        assert shown == [query[:200]]
        await looked.get("render", f"/goi-y/?q={quote(query[:100], safe='')}")


async def _of_site(looked: Looked, stored: dict[str, dict[str, Any]]) -> None:
    """The answers that have all articles."""
    titles = {without_forbidden(each["title"]) for each in stored.values()}
    for form, tag in (("feed", "item"), ("atom", "{*}entry")):
        for base in ("/", "/thoi-su/", "/en/"):
            feed = etree.fromstring((await looked.get("render", f"{base}{form}.xml")).content)
            named = {
                entry.findtext("{*}title") or entry.findtext("title") for entry in feed.iter(tag)
            }
            assert base == "/en/" or named == {*titles, "Lớn"}
    for path in ("/", "/en/", "/thoi-su/", "/en/thoi-su/", "/luu-tru/", "/doc-nhieu/", "/khong/"):
        if path == "/khong/":
            answer = await looked.system.http.get(looked.system.url("render") + path)
            looked.wrong += [(path, each) for each in faults_of("text/html", answer.content, "")]
            continue
        page = parsed((await looked.get("render", path)).text)
        assert SITE_TEXT in page.xpath("//title")[0].text_content()
        assert SITE_TEXT in page.xpath("//*[local-name()='svg']/*[local-name()='title']/text()")
    index = etree.fromstring((await looked.get("render", "/sitemap.xml")).content)
    for loc in index.iter("{*}loc"):
        await looked.get("render", urlsplit(str(loc.text)).path)
    news = etree.fromstring((await looked.get("render", "/news-sitemap.xml")).content)
    assert titles <= {each.text for each in news.iter("{*}title")}
    manifest = (await looked.get("render", "/manifest.webmanifest")).json()
    assert (manifest["name"], manifest["description"]) == (SITE_TEXT, SITE_TEXT)
    for name in ("top?window=24h&limit=50&", "sections?", "trending?"):
        await looked.get("stats", f"/stats/{name}format=csv")
        await looked.get("stats", f"/stats/{name}format=json")
    await looked.get("stats", "/stats/")
