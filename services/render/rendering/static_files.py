"""The files that pages load, and their addresses. Pure."""

import gzip
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import brotli

from services.render.serving.codings import BROTLI, GZIP
from shared.web.look import LOOK

FOLDER = Path(__file__).parents[1]
TEXT_ENDINGS = ("css", "js", "svg", "txt")
"""Endings of the files that get shorter by compression; pictures and fonts don't."""
KEPT_FILES = 40
"""Files whose compressed forms are kept for the next site: most files are the same in each."""


class StaticFiles:
    """Style sheet, scripts, icon and fonts, by name. The style sheet's `url("font.woff2")` becomes
    the font's address.
    """

    def __init__(self, css: str = "", more: Mapping[str, bytes] | None = None) -> None:
        """`css` ends the style sheet; `more` are files of the site's own."""
        own = {file.name: file.read_bytes() for file in sorted((FOLDER / "static").iterdir())}
        fonts = {
            file.name: file.read_bytes() for file in sorted((FOLDER / "fonts").glob("*.woff2"))
        }
        self.contents = {**own, **fonts, "favicon.svg": LOOK["favicon.svg"], **(more or {})}
        style = LOOK["base.css"] + own["style.css"] + css.encode()
        for name in fonts:
            style = style.replace(
                f'url("{name}")'.encode(),
                f'url("/static/{name}?v={_version(fonts[name])}")'.encode(),
            )
        self.contents["style.css"] = style
        self._versions = {name: _version(content) for name, content in self.contents.items()}
        self.coded: Mapping[str, Mapping[bytes, bytes]] = {
            name: _coded(content)
            for name, content in self.contents.items()
            if name.rpartition(".")[2] in TEXT_ENDINGS
        }
        """The content of texts by coding, the best one first."""

    def url(self, name: str) -> str:
        """The address of a file. It changes with the file's content."""
        return f"/static/{name}?v={self.version(name)}"

    def version(self, name: str) -> str:
        """A short hash of a file."""
        return self._versions[name]


def _version(content: bytes) -> str:
    return sha256(content).hexdigest()[:10]


@lru_cache(maxsize=KEPT_FILES)
def _coded(content: bytes) -> Mapping[bytes, bytes]:
    """A file in each coding that makes it shorter. Slow: 70 ms for the style sheet."""
    made = {BROTLI: brotli.compress(content), GZIP: gzip.compress(content, mtime=0)}
    return {coding: body for coding, body in made.items() if len(body) < len(content)}
