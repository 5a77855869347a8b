"""Makes the font files of the pages from a copy of npm's `@fontsource-variable/literata`:
`python -m deploy.font node_modules/@fontsource-variable/literata`.

Keeps the weights 400 to 700 and the characters that pages need, without hints.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

TARGET = Path(__file__).parents[1] / "services/render/fonts"
PUNCTUATION = (
    0x2009, 0x2010, 0x2011, 0x2013, 0x2014, 0x2018, 0x2019, 0x201A, 0x201C, 0x201D, 0x201E, 0x2022,
    0x2026, 0x202F, 0x2032, 0x2033, 0x2039, 0x203A, 0x2044, 0x20AC, 0x2122, 0x2190, 0x2192, 0x2212,
)  # fmt: skip
LATIN = {*range(0x20, 0x7F), *range(0xA0, 0x100), 0x131, 0x152, 0x153, *PUNCTUATION}
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "liga", "tnum", "lnum", "pnum"]


def make(source: Path, part: str) -> int:
    """One part of the font, `latin` or `vietnamese`. Returns its bytes."""
    font = TTFont(source / f"files/literata-{part}-wght-normal.woff2")
    held = set(font.getBestCmap())
    options = subset.Options()
    options.layout_features = FEATURES
    options.hinting = False
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=held & LATIN if part == "latin" else held)
    chosen.subset(font)
    font.flavor = None
    with TemporaryDirectory() as folder:
        # The subset is read again: the instancer finds glyphs in it that are gone.
        font.save(f"{folder}/subset.ttf")
        font = instancer.instantiateVariableFont(
            TTFont(f"{folder}/subset.ttf"), {"wght": (400, 400, 700)}
        )
        font.flavor = "woff2"
        target = TARGET / f"literata-{part}.woff2"
        font.save(target)
    return target.stat().st_size


if __name__ == "__main__":
    for each in ("latin", "vietnamese"):
        sys.stdout.write(f"{each}: {make(Path(sys.argv[1]), each)} bytes\n")
