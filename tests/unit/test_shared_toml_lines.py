"""The lines of a TOML document's keys, counted by hand."""

import pytest

from shared.base.toml_lines import MOST_BYTES, TomlKey, TomlLines

DOCUMENT = '''\
# line 1
name = "Báo"
"a key".'and.another' = 3
menu = ["x", "y"]

text = """
[not.a.table]
= 1
"""
[map]
file = "map.svg"
links = [
  # a comment
  {name = "A", url = "/a"},
  {name = "B", url = "/b"}, {name = "C"},

  {name = ["D",
           "E"]},
]
[map.districts."lam-son"]  # [x]
name = {vi = "Lam Sơn", en = "Lam Son"}

[[front]]
block = "lead"
[[front]]
block = "section"
[front.more]
deep = [[1],
  [2,
   3]]
[[front.items]]
one = 1
[[front.items]]
one = 2
[sections.van-hoa]
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("name",), 2),
        (("a key",), 3),
        (("a key", "and.another"), 3),
        (("menu", 0), 4),
        (("menu", 1), 4),
        (("text",), 6),
        (("not",), 1),
        (("map",), 10),
        (("map", "file"), 11),
        (("map", "links"), 12),
        (("map", "links", 0), 14),
        (("map", "links", 0, "url"), 14),
        (("map", "links", 1), 15),
        (("map", "links", 2, "name"), 15),
        (("map", "links", 3), 17),
        (("map", "links", 3, "name", 1), 17),
        (("map", "links", 9), 12),
        (("map", "alt"), 10),
        (("map", "districts"), 20),
        (("map", "districts", "lam-son"), 20),
        (("map", "districts", "lam-son", "name", "en"), 21),
        (("front",), 23),
        (("front", 0), 23),
        (("front", 0, "block"), 24),
        (("front", 1), 25),
        (("front", 1, "count"), 25),
        (("front", 1, "block"), 26),
        (("front", 1, "more", "deep", 0), 28),
        (("front", 1, "more", "deep", 1), 29),
        (("front", 1, "items", 0, "one"), 32),
        (("front", 1, "items", 1), 33),
        (("front", 1, "items", 1, "one"), 34),
        (("sections", "van-hoa", "name"), 35),
        (("missing", "altogether"), 1),
    ],
)
def test_each_key_has_its_line(key: TomlKey, line: int) -> None:
    assert TomlLines(DOCUMENT).of(key) == line
    assert TomlLines(DOCUMENT.replace("\n", "\r\n")).of(key) == line


def test_only_line_feeds_end_lines() -> None:
    document = "a = 'x\u2028y\x85'\nb = 1"
    assert TomlLines(document).of(("b",)) == 2


def test_the_work_for_a_long_array_is_bounded() -> None:
    rows = "\n".join(f"  {number}," for number in range(20_000))
    assert len(rows) * 20_000 > MOST_BYTES
    lines = TomlLines(f"name = 'x'\nlong = [\n{rows}\n]\nlast = 1\n")
    assert lines.of(("name",)) == 1
    assert lines.of(("last",)) is None
