"""The colours that browsers and systems draw around pages are the site's own."""

import json
import re

import pytest

from services.render.rendering.renderer import Renderer
from services.render.site.colours import Colours
from tests.support.machine_articles import event_article, in_html
from tests.unit.test_render_answers import SETTINGS, Site


def themes(renderer: Renderer) -> list[tuple[str, str]]:
    """The colours that a page names, each with the theme that it is for."""
    body = "".join(renderer.article(event_article())).encode()
    return [
        (each.get("media"), each.get("content"))
        for each in in_html(body, "//meta[@name='theme-color']")
    ]


@pytest.mark.parametrize(
    ("given", "light", "dark"),
    [
        ({}, "#123f66", "#15324d"),
        ({"bar": "#5b1a2e"}, "#5b1a2e", "#15324d"),
        ({"bar": "#5b1a2e", "dark": {"bar": "#300c18"}}, "#5b1a2e", "#300c18"),
        ({"brand": "#000000"}, "#123f66", "#15324d"),
    ],
)
async def test_pages_and_the_manifest_have_the_colours_of_the_bars(
    given: dict[str, object], light: str, dark: str
) -> None:
    renderer = Renderer(SETTINGS)
    colours = Colours.model_validate(given)
    renderer.use(renderer.site.model_copy(update={"colours": colours}))
    assert themes(renderer) == [
        ("(prefers-color-scheme: light)", light),
        ("(prefers-color-scheme: dark)", dark),
    ]
    manifest = json.loads((await Site(renderer=renderer).ask("/manifest.webmanifest")).body)
    assert (manifest["theme_color"], manifest["background_color"]) == (light, "#fff")


def test_the_colours_by_default_are_those_of_the_style_sheet() -> None:
    css = Renderer(SETTINGS).files.contents["style.css"].decode()
    bars = re.findall(r"--bar: (#[0-9a-f]+);", css)
    assert [colour for _, colour in themes(Renderer(SETTINGS))] == bars
