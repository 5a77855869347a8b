"""The structured data of pages has the types and properties of schema.org: TypeScript checks it
against schema-dts, which is made from the vocabulary, and refuses what the vocabulary lacks.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from services.render.machine.structured import (
    Things,
    article_things,
    breadcrumbs,
    organization,
    website,
)
from tests.support.machine_articles import (
    AT,
    PICTURE,
    SITE,
    event_article,
    in_html,
    machine_article,
)
from tests.support.sources import ROOT
from tests.unit.test_site_languages import COURIER

FULL = machine_article(
    lead="Dẫn",
    section="Thời sự",
    section_url="https://tin.vn/thoi-su/",
    tags=("mưa",),
    byline="Nguyễn Văn A",
    picture=PICTURE,
    modified=AT,
)
PAGES: dict[str, list[Things]] = {
    "article": article_things(SITE, FULL, "Trang chủ"),
    "least": article_things(SITE, machine_article(), "Trang chủ"),
    "front": [website(SITE, "vi"), organization(SITE)],
    "list": [breadcrumbs([("Trang chủ", "https://tin.vn/"), ("Thời sự", "https://tin.vn/x/")])],
}
HOSTILE = "</script>]]> & \"x' \u2028 đ <b>"


def of_pages() -> dict[str, list[Things]]:
    """What pages of a site of two languages say: as they are rendered, and read from their HTML."""
    texts = dict.fromkeys(("title", "lead", "byline", "topic"), HOSTILE)
    image = {"url": "/media/ảnh.jpg", "alt": HOSTILE, "caption": HOSTILE, "credit": HOSTILE}
    pages = {
        language: "".join(
            COURIER.article(
                event_article(
                    section="news", language=language, tags=[HOSTILE], image=image, **texts
                ),
                {},
            )
        )
        for language in ("en", "vi")
    }
    for language, prefix in (("en", ""), ("vi", "/vi")):
        listed: dict[str, Any] = {
            "base": f"{prefix}/tu-khoa/x/", "language": language, "heading": HOSTILE,
            "section": None, "items": [], "cursor": None, "newer": None, "older": None,
        }  # fmt: skip
        pages[f"list {language}"] = COURIER.listing("list.html", **listed)
    scripts = "//script[@type='application/ld+json']/text()"
    found = {
        name: [json.loads(text) for text in in_html(html.encode(), scripts)]
        for name, html in pages.items()
    }
    assert {name: len(scripts) for name, scripts in found.items()} == dict.fromkeys(pages, 1)
    return {f"page {name}": each["@graph"] for name, (each,) in found.items()}


OPTIONS = "--strict --noEmit --target es2022 --module es2022 --moduleResolution bundler".split()


WRONG: list[Things] = [
    {"@type": "NewsArticle", "headlin": "x"},
    {"@type": "NewsArticel", "headline": "x"},
    {"@type": "NewsArticle", "author": {"@type": "Person", "nam": "x"}},
    {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "place": 1}]},
]


def test_structured_data_is_of_the_vocabulary(tmp_path: Path) -> None:
    """One run of the compiler, because each takes seconds. It also wants an error for each of what
    is wrong on purpose.
    """
    pages = PAGES | of_pages()
    search = pages["front"][0].pop("potentialAction")
    lines = ["import type { Graph, SearchAction, WithActionConstraints } from 'schema-dts'"]
    lines.append(f"export const search: WithActionConstraints<SearchAction> = {json.dumps(search)}")
    for number, things in enumerate([*pages.values(), *([each] for each in WRONG)]):
        if number >= len(pages):
            lines.append("// @ts-expect-error")
        graph = json.dumps({"@context": "https://schema.org", "@graph": things})
        lines.append(f"export const graph{number}: Graph = {graph}")
    (tmp_path / "things.ts").write_text("\n".join(lines))
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    tsc = ["node", str(ROOT / "node_modules/typescript/bin/tsc"), *OPTIONS, "things.ts"]
    done = subprocess.run(tsc, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    print(f"\n{len(pages)} graphs are of the vocabulary, {len(WRONG)} that are not were refused")
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)
