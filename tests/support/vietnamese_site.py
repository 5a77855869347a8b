"""A site's file in which every text has every Vietnamese letter."""

from collections.abc import Callable
from pathlib import Path

from tests.support.vietnamese import BARRED, Letter, letters

LETTERS = list(letters())
Way = Callable[[Letter], str]
SITE = """
name = "{0}"
tagline = "{0}"
menu = ["thoi-su", {{ name = "{0}", url = "/doc-nhieu/" }}]
[sections.thoi-su]
name = "{0}"
description = "{0}"
[[links]]
name = "{0}"
url = "https://h.vn/"
[footer]
body = "{0}"
editor = "{0}"
licence = "{0}"
address = "{0}"
[map]
title = "{0}"
description = "{0}"
file = "map.svg"
[map.districts.a]
name = "{0}"
tag = "{1}"
[[front]]
block = "notice"
text = "{0}"
[[front]]
block = "section"
section = "thoi-su"
[[front]]
block = "latest"
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>{}</text><g id="a"/></svg>'


def written(way: Way, number: int = len(LETTERS)) -> str:
    """The first letters, written in a way, in words of eleven; then those with a bar."""
    words = ["".join(map(way, LETTERS[at : at + 11])) for at in range(0, number, 11)]
    return f"{' '.join(words)} {BARRED}"


def tags_in(way: Way) -> list[str]:
    """Tags with every letter, written in a way."""
    return ["".join(map(way, LETTERS[at : at + 20])) + BARRED for at in range(0, len(LETTERS), 20)]


def composed(each: Letter) -> str:
    """A letter as one character."""
    return each.one


def site_file(folder: Path, way: Way) -> Path:
    """The site's file and its map with every letter in a way."""
    (folder / "map.svg").write_text(SVG.format(written(way)))
    path = folder / "site.toml"
    path.write_text(SITE.format(written(way), tags_in(way)[0]))
    return path
