"""Sizes of the pictures that ingest holds, in bodies and pages."""

import re
from typing import Any

import pytest

from luotdoc_events.parts import Image
from services.render.rendering.pages import rendered_page
from services.render.rendering.picture_sizes import held_names, leading_image, sized
from services.render.rendering.renderer import Renderer
from tests.unit.test_render_pages import Shown, article, settings

SITE = "https://tin.example.vn"
NAME, OTHER = "0123456789abcdef0123456789abcdef.webp", "f" * 32 + ".png"
FACTS: dict[str, dict[str, Any]] = {
    NAME: {"type": "image/webp", "size": 9, "width": 1200, "height": 800}
}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f'<img src="/media/{NAME}" alt="a">', 'alt="a" width="1200" height="800"'),
        (f'<img src="{SITE}/media/{NAME}" alt="a">', 'alt="a" width="1200" height="800"'),
        (f'<img src="/media/{NAME}" width="600" alt="a">', 'alt="a" width="600" height="400"'),
        (f'<img src="/media/{NAME}" height="80" alt="a">', 'alt="a" width="120" height="80"'),
        (f'<img src="/media/{NAME}" width="9" height="9">', 'width="9" height="6"'),
        (f'<img src="/media/{NAME}" width="1">', 'width="1" height="1"'),
        (
            f'<img src="/media/{NAME}" alt="Đặt width=" title="5 height=">',
            'alt="Đặt width=" title="5 height=" width="1200" height="800"',
        ),
    ],
)
def test_a_held_picture_has_its_size_and_an_editor_s_width_stays(given: str, shown: str) -> None:
    found = sized(f"<p>{given}</p>", SITE, FACTS)
    assert found.startswith("<p><img src=")
    assert found.endswith(f" {shown}></p>")
    assert sorted(re.findall(r' (width|height)="\d', found)) == ["height", "width"]


@pytest.mark.parametrize(
    "body",
    [
        f'<img src="/media/{OTHER}" alt="a" width="9">',
        f'<img src="https://x.vn/media/{NAME}" alt="a">',
        f'<img src="/media/{NAME}.exe" alt="a">',
        f'<video src="/media/{NAME}"></video><img src="/a.png" alt="a">',
        f'<p title="<img src=/media/{NAME}>">a</p><img src="/a.png">',
        "<p>không ảnh</p>",
    ],
)
def test_other_pictures_stay_as_they_are(body: str) -> None:
    assert sized(body, SITE, FACTS) == body


def test_held_pictures_are_found_in_any_data() -> None:
    body = f'<img src="/media/{NAME}"><img src="{SITE}/media/{NAME}"><img src="/media/x.webp">'
    data = {"image": {"url": f"/media/{OTHER}"}, "body_html": body}
    assert held_names(data) == [OTHER, NAME]
    assert held_names({"image": None, "body_html": body}) == [NAME]
    assert held_names({}) == []


def test_a_page_knows_the_sizes_of_its_pictures() -> None:
    renderer = Renderer(settings())
    shown = article(
        image=Image(url=f"/media/{NAME}", alt="Cầu"),
        body_html=f'<p><img src="/media/{NAME}" alt="b"></p>',
    )
    page = rendered_page(renderer, shown, FACTS)
    held = Shown("".join(page.parts))
    assert held.values("//img[@alt='Cầu' or @alt='b']/@width") == ["1200", "1200"]
    assert held.values("//img[@alt='Cầu' or @alt='b']/@height") == ["800", "800"]
    assert held.values("//meta[@property='og:image:width']/@content") == ["1200"]
    assert (page.pictures, page.summary["picture"]) == (FACTS, FACTS[NAME])
    listed = renderer.shown_image(page.summary["image"], page.summary["picture"])
    assert listed is not None
    assert (listed["width"], listed["height"]) == (1200, 800)


def test_the_first_wide_picture_of_a_text_stands_for_an_article_without_its_own() -> None:
    icon = {OTHER: {"type": "image/png", "size": 9, "width": 32, "height": 32}}
    body = (
        f'<p><img src="/media/{OTHER}" alt="b"></p><p title=\'<img src="/media/{NAME}">\'>c</p>'
        f'<p><img src="{SITE}/media/{NAME}" alt="Ng&ocirc; &amp; L&ecirc;"></p>'
    )
    renderer = Renderer(settings())
    page = rendered_page(renderer, article(image=None, body_html=body), FACTS | icon)
    assert page.summary["image"] == {
        "url": f"{SITE}/media/{NAME}", "alt": "Ngô & Lê", "caption": "", "credit": ""
    }  # fmt: skip
    assert page.summary["picture"] == FACTS[NAME]
    held = Shown("".join(page.parts))
    assert held.meta("og:image") == [f"{SITE}/media/{NAME}"]
    assert held.values("//meta[@name='twitter:card']/@content") == ["summary_large_image"]
    assert held.values("//figure[@class='hero']") == []  # the text has it
    plain = rendered_page(renderer, article(image=None, body_html=body), icon)
    assert plain.summary["image"] is None
    bare = Shown("".join(plain.parts))
    assert bare.values("//meta[@name='twitter:card']/@content") == ["summary"]


def test_a_picture_of_unknown_size_has_none() -> None:
    renderer = Renderer(settings())
    page = rendered_page(renderer, article(image=Image(url="/media/a.webp", alt="Cầu")), {})
    assert Shown("".join(page.parts)).values("//img[@alt='Cầu']/@width") == []
    assert "picture" not in page.summary


def test_a_leading_picture_is_found_behind_values_that_look_like_attributes() -> None:
    body = f'<p><img src="/media/{NAME}" alt="Cầu" title="xem src="></p>'
    found = leading_image(article(image=None, body_html=body), SITE, FACTS)
    assert found == Image(url=f"/media/{NAME}", alt="Cầu")
