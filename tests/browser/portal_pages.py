"""A portal with every kind of page, for browsers."""

import io
import json
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from PIL import Image

from deploy.local import ports
from tests.browser.portal_articles import ARTICLES
from tests.support.system import EDITOR, ROOT, System, until

SITE = ROOT / "deploy/local/samples/site/site.toml"
LISTS = {
    "front": "/",
    "section": "/thoi-su/",
    "tag": "/tu-khoa/cầu/",
    "topic": "/chu-de/mùa-lũ-2026/",
    "archive": "/luu-tru/",
    "month": "/luu-tru/2026/11/",
    "most read": "/doc-nhieu/",
    "search": "/tim-kiem/",
    "found": "/tim-kiem/?q=cau",
    "not found": "/none/",
}


@dataclass
class Pages:
    """A render with one article of each sort, and one that is withdrawn."""

    url: str
    articles: dict[str, str]
    """Paths of the articles' pages by their ids."""
    gone: str
    """The path of the withdrawn one."""

    def paths(self, *, large: bool = True) -> list[str]:
        """Every page."""
        held = [path for name, path in self.articles.items() if large or name != "large"]
        return [*LISTS.values(), self.gone, *held]


def drawn_picture(number: int, size: tuple[int, int] = (900, 600)) -> bytes:
    """A picture unlike those of other numbers."""
    held = io.BytesIO()
    colour = (40 * number % 256, 90 + number, 255 - 20 * number % 256)
    Image.new("RGB", size, colour).save(held, "PNG")
    return held.getvalue()


async def upload(system: System, name: str, content: bytes) -> str:
    """The path of a picture that ingest holds from now on."""
    answer = await system.http.put(
        f"{system.url('ingest')}/media/{name}", content=content, headers=EDITOR
    )
    return str(urlsplit(answer.raise_for_status().json()["url"]).path)


async def page_path(system: System, name: str) -> str:
    """The path of an article's page, once it is there."""
    page = await until(partial(system.page, name), 15, f"the page of {name}")
    return str(page.url.raw_path.decode())


async def publish_portal(system: System) -> Pages:
    """Start render and ingest on the sample portal, and publish the articles."""
    port = ports.choose_port()
    url = f"http://127.0.0.1:{port}"
    system.environment |= {"SITE": str(SITE), "BASE_URL": url}
    await system.start("ingest")
    await system.start("render", port=port, reads_url=f"{system.url('ingest')}/reads")
    landscape = await upload(system, "cau.png", drawn_picture(1))
    portrait = await upload(system, "doc.png", drawn_picture(2, (600, 1100)))
    for name, body in ARTICLES.items():
        text = json.dumps(body).replace("/media/none.webp", landscape)
        filled = json.loads(text.replace("/media/portrait.webp", portrait))
        (await system.put(name, **filled)).raise_for_status()
    await system.put("gone", title="Bài đã gỡ")
    found = {name: await page_path(system, name) for name in [*ARTICLES, "gone"]}
    withdrawn = f"{system.url('ingest')}/articles/gone?replaced_by=full"
    (await system.http.delete(withdrawn, headers=EDITOR)).raise_for_status()
    gone = found.pop("gone")

    async def is_gone() -> bool:
        return (await system.http.get(url + gone)).status_code == 410

    await until(is_gone, 15, "the withdrawn page is gone")
    return Pages(url, found, gone)
