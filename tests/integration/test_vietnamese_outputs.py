"""Every Vietnamese letter, however it is written, comes out in one form: from an editor's request
and the site's file to pages, feeds, sitemaps, tables, search and redirects of real services.
"""

import json
import re
import unicodedata
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aio_pika
import httpx
import orjson
from lxml import etree

from luotdoc_subscriber.rabbit import layout
from services.render.keys import tag_key
from services.render.search.folding import word_of
from tests.support.machine_outputs import texts_in
from tests.support.system import System, until
from tests.support.vietnamese import BARRED, WAYS
from tests.support.vietnamese_site import LETTERS, Way, composed, site_file, tags_in, written

SHORT = 66
"""Letters of a text that must be short."""
WHOLE, PART = written(composed), written(composed, SHORT)
TAGS = tags_in(composed)


@dataclass
class Outcome:
    """For each output how many letters were looked for, and which were wrong."""

    seen: dict[str, int] = field(default_factory=dict)
    wrong: list[tuple[str, str, str]] = field(default_factory=list)

    def judge(self, way: str, output: str, texts: list[str], wanted: str = WHOLE) -> None:
        """Some text has `wanted`, and no text has a letter of several characters."""
        held = max(texts, key=lambda text: sum(each in text for each in wanted), default="")
        exact = any(wanted in text for text in texts)
        missing = "".join(each for each in wanted if not exact and each not in held)
        loose = {each for text in texts for each in text if unicodedata.combining(each)}
        self.seen[output] = self.seen.get(output, 0) + len(wanted.replace(" ", ""))
        if missing or loose or not exact:
            self.wrong.append((way, output, missing + ascii("".join(loose))))


def article_in(way: Way) -> dict[str, Any]:
    """An article with every letter in each of its texts."""
    text, short = written(way), written(way, SHORT)
    return {
        "title": text,
        "lead": text,
        "byline": text,
        "topic": short,
        "tags": tags_in(way),
        "body_html": f"<h2>{text}</h2><p>{text}</p><figure><img src='/media/a.jpg' alt='{text}'>"
        f"<figcaption>{text}</figcaption></figure><table><tr><td>{text}</td></tr></table>",
        "image": {"url": "/media/a.jpg", "alt": text, "caption": text, "credit": short},
        "attachments": [{"url": "/media/b.pdf", "title": text}],
        "correction": text,
    }


async def published(system: System) -> AsyncGenerator[dict[str, Any], None]:
    """The data of events of articles, as subscribers get them."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(layout.EVENTS_EXCHANGE.name, "article.*")
        yield {}
        async with queue.iterator() as messages:
            async for message in messages:
                yield orjson.loads(message.body)["data"]


async def test_every_letter_comes_out_in_one_form_everywhere(
    system: System, tmp_path: Path
) -> None:
    site = site_file(tmp_path, WAYS["windows-1258"])
    await system.start_all(site=site)
    outcome, events = Outcome(), published(system)
    await anext(events)
    slugs = set[str]()
    for number, (name, way) in enumerate(WAYS.items()):
        article = f"chu{number}"
        await system.put(article, title="Trước")
        answer = (await system.put(article, **article_in(way))).json()
        assert answer["revision"] == 2, answer
        slugs.add(answer["slug"])
        outcome.judge(name, "PUT", texts_in("application/json", json.dumps(answer).encode()))
        _, told = [await anext(events), await anext(events)]
        outcome.judge(name, "event", texts_in("application/json", orjson.dumps(told)))
        assert [told["title"], told["lead"], told["topic"]] == [WHOLE, WHOLE, PART]
        assert (told["tags"], told["corrections"][-1]["note"]) == (TAGS, WHOLE)
        assert (await system.read(article)).status_code == 204
        await until(lambda url=answer["url"]: _served(system, url), 10, "the page")
        await _of_article(system, outcome, name, article, answer["url"])
    assert len(slugs) == 1
    (slug,) = slugs
    assert re.fullmatch(r"[a-z0-9-]+", slug)

    async def counted() -> bool:
        top = await system.http.get(f"{system.url('stats')}/stats/top")
        return len(top.json().get("items", [])) == len(WAYS)

    await until(counted, 20, "the reads in stats")
    await events.aclose()
    typed = quote("".join(map(composed, LETTERS[:8])))

    async def indexed() -> object:
        return (await _answer(system, "render", f"/goi-y/?q={typed}")).json()

    await until(indexed, 30, "the articles in the index of search")
    for number, (name, way) in enumerate(WAYS.items()):
        figures = await _answer(system, "stats", f"/stats/articles/chu{number}/")
        outcome.judge(name, "figures' page", _texts(figures))
        await _of_site(system, outcome, name)
        await _of_search(system, outcome, name, way)
        await _of_redirects(system, outcome, name, way)
    print(
        f"\n{len(LETTERS) + len(BARRED)} letters x {len(WAYS)} ways x {len(outcome.seen)} outputs: "
        f"{sum(outcome.seen.values())} looked for, {len(outcome.wrong)} outputs wrong"
    )
    print(", ".join(outcome.seen))
    assert outcome.wrong == []


async def _served(system: System, url: str) -> bool:
    page = await system.http.get(system.url("render") + urlsplit(url).path)
    return page.status_code == 200


async def _answer(system: System, service: str, path: str) -> httpx.Response:
    answer = await system.http.get(system.url(service) + path)
    assert answer.status_code == 200, (path, answer.text[:300])
    return answer


def _texts(answer: httpx.Response) -> list[str]:
    return texts_in(answer.headers["content-type"].partition(";")[0], answer.content)


async def _of_article(system: System, outcome: Outcome, way: str, name: str, url: str) -> None:
    """What is made of one article."""
    tag, topic = quote(tag_key(TAGS[0])), quote(tag_key(PART))
    for output, path in {
        "page": urlsplit(url).path,
        "file to keep": f"/luu/{name}.html",
        "tag's page": f"/tu-khoa/{tag}/",
        "topic's page": f"/chu-de/{topic}/",
        "tag's RSS": f"/tu-khoa/{tag}/feed.xml",
        "topic's Atom": f"/chu-de/{topic}/atom.xml",
    }.items():
        outcome.judge(way, output, _texts(await _answer(system, "render", path)))
    api = await system.http.get(f"{system.url('ingest')}/articles/{name}")
    outcome.judge(way, "GET", texts_in("application/json", api.content))


async def _of_site(system: System, outcome: Outcome, way: str) -> None:
    """What has the texts of the site, and of all articles."""
    for output, path in {
        "front page": "/",
        "section": "/thoi-su/",
        "archive": "/luu-tru/",
        "most read": "/doc-nhieu/",
        "RSS": "/feed.xml",
        "Atom": "/atom.xml",
        "section's RSS": "/thoi-su/feed.xml",
        "section's Atom": "/thoi-su/atom.xml",
        "news sitemap": "/news-sitemap.xml",
        "manifest": "/manifest.webmanifest",
    }.items():
        outcome.judge(way, output, _texts(await _answer(system, "render", path)))
    page = (await _answer(system, "render", "/")).text
    (map_,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    labels = [str(label) for label in etree.fromstring(map_).itertext()]
    assert labels.count(WHOLE) == 4  # title, description, its own label, the district
    outcome.judge(way, "map", labels)
    for output, path in {
        "CSV of the most read": "/stats/top?format=csv",
        "JSON of the most read": "/stats/top",
        "figures of the site": "/stats/",
    }.items():
        outcome.judge(way, output, _texts(await _answer(system, "stats", path)))


async def _of_search(system: System, outcome: Outcome, way: str, write: Way) -> None:
    """Each letter is found, and the question comes back in one form."""
    for at in range(0, len(LETTERS), 44):
        some = LETTERS[at : at + 44]
        asked = "".join(map(write, some))
        answer = await _answer(system, "render", f"/tim-kiem/?q={quote(asked)}")
        outcome.judge(way, "search's echo", _texts(answer), "".join(each.one for each in some))
    for each in LETTERS:
        assert word_of(f"t{write(each)}n") == word_of(f"t{each.one}n"), (way, each.one)
    answer = await _answer(system, "render", f"/goi-y/?q={quote(''.join(map(write, LETTERS[:8])))}")
    outcome.judge(way, "suggestions", _texts(answer), TAGS[0])


async def _of_redirects(system: System, outcome: Outcome, way: str, write: Way) -> None:
    """Tags in capitals, and in each way, lead to the address in one form."""
    render = system.url("render")
    for name, tag in zip(tags_in(write), TAGS, strict=True):
        answer = await system.http.get(f"{render}/tu-khoa/{quote(name)}/?a=%E1%BB%87")
        assert answer.status_code == 301
        to = answer.headers["location"]
        assert to.isascii()
        assert to.endswith("/?a=%E1%BB%87")
        outcome.judge(way, "redirect", [unquote(urlsplit(to).path)], tag.casefold())
