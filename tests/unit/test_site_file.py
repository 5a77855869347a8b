"""The site's file: what it says, and what each of its faults is told like, with line and key."""

from pathlib import Path
from typing import Any

import pytest

from services.render.site.model import MenuEntry, WholeSite
from shared.base.site_basics import SiteBasics
from shared.base.site_file import UnusableSite, read_site
from shared.base.words import SiteText
from tests.support.system import ROOT

ENGLISH = ROOT / "tests/cases/site-en/site.toml"
START = 'name = "Báo"\n'


def english() -> WholeSite:
    site = read_site(ENGLISH, WholeSite).site
    assert isinstance(site, WholeSite)
    return site


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "site.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(folder: Path, text: str | bytes, model: type[SiteBasics] = WholeSite) -> list[str]:
    path = write(folder, text)
    with pytest.raises(UnusableSite) as error:
        read_site(path, model)
    first, *faults = str(error.value).split("\n")
    assert first == f"{path} is not usable:"
    return faults


def test_every_key_is_taken() -> None:
    site = english()
    assert (site.name, site.name.said_in("vi"), site.name.said_in("fr")) == (
        "The Vinh Ngan Courier",
        "Báo Vĩnh Ngàn",
        "The Vinh Ngan Courier",
    )
    assert (site.languages, site.language) == (("en", "vi"), "en")
    assert (site.language_of("en-GB"), site.language_of("vi"), site.language_of("lo")) == (
        "en",
        "vi",
        "en",
    )
    assert (site.prefix("en"), site.prefix("vi")) == ("", "/vi")
    assert (site.url, site.time_zone) == ("https://courier.example.org", "Europe/London")
    assert site.baseline == 1_250_000
    assert site.picture_hosts == ("cdn.example.org", "*.pictures.example.org:8443")
    assert site.entries == (
        MenuEntry(SiteText("News"), "/news/", "news"),
        MenuEntry(SiteText("Most read"), "/doc-nhieu/"),
        MenuEntry(SiteText("Sport"), "/sport/", "sport"),
    )
    assert site.entries[1].name.said_in("vi") == "Đọc nhiều"
    assert [(each.name, each.url) for each in site.links] == [
        ("Weather", "https://weather.example.org/?q=river")
    ]
    assert site.footer.editor.said_in("vi") == "Nguyễn Văn J."
    assert (site.footer.phone, site.footer.email, site.footer.accessibility) == (
        "+44 20 7946 0000",
        "desk@courier.example.org",
        "/news/accessibility-a11y.html",
    )
    assert [(each.kind, each.count, each.section, each.window) for each in site.blocks] == [
        ("notice", 5, "", "24h"),
        ("lead", 3, "", "24h"),
        ("section", 4, "politics", "24h"),
        ("most_read", 5, "", "7d"),
        ("latest", 5, "", "24h"),
    ]
    assert site.blocks[0].text.said_in("vi") == "Hôm nay cầu đóng."
    assert site.logo_file == "logo.svg"
    assert site.files["logo.svg"].startswith(b"<svg")
    assert site.analytics is not None
    assert (site.analytics.source, site.analytics.connect, site.analytics.data) == (
        "https://stats.example.org",
        ("https://collect.example.org",),
        {"domain": "courier.example.org"},
    )


def test_sections_are_a_tree() -> None:
    site = english()
    assert [each.slug for each in site.sections] == ["news", "sport"]
    news = site.section("news")
    assert (news.description, [each.slug for each in news.children]) == (
        "What happened today",
        ["politics"],
    )
    assert site.within("news") == ("news", "politics", "council")
    assert site.within("council") == ("council",)
    assert site.section("council").within == "politics"


def test_a_section_that_the_site_does_not_name_has_a_name_with_its_diacritics() -> None:
    unnamed = english().section("dan-van")
    assert (unnamed.slug, unnamed.name, unnamed.name.said_in("en")) == (
        "dan-van",
        "Tin khác",
        "Other news",
    )
    assert english().within("dan-van") == ("dan-van",)


def test_a_site_needs_a_name_only(tmp_path: Path) -> None:
    site = read_site(write(tmp_path, '\ufeffname = "Báo"\r\n'), WholeSite).site
    assert isinstance(site, WholeSite)
    assert (site.name, site.languages, site.sections, site.map) == ("Báo", ("vi",), (), None)
    assert [block.kind for block in site.blocks] == ["pinned", "lead", "latest"]
    assert (site.logo_file, site.files, site.colours.css()) == ("favicon.svg", {}, "")


FAULTS: list[tuple[str, list[str]]] = [
    ("", ["line 1, name: is missing"]),
    ("name = 7", ["line 1, name: must be a text in quotes, or a table of texts by language such as "
                  '{ vi = "Tin", en = "News" }']),
    ('name = ""', ["line 1, name: must be a text of 1 to 200 characters"]),
    (f'name = "{"x" * 201}"', ["line 1, name: must be a text of 1 to 200 characters"]),
    ('name = "a\\u0007b"', ["line 1, name: must be a line of text; it holds control characters, or "
                           "others that can't be seen"]),
    ('name = { de = "Zeitung", vi = "Báo" }',
     ["line 1, name: 'de' is none of the site's languages (vi)"]),
    ('languages = ["vi", "en"]\nname = { en = "Paper" }',
     ["line 2, name: has no text in vi, the site's first language"]),
    (f"{START}taglin = 'x'", ["line 2, taglin: is no key here: is tagline meant?"]),
    (f"{START}xyz = 'x'", ["line 2, xyz: is no key here"]),
    (f"{START}[footer]\nphon = '1'", ["line 3, footer.phon: is no key here: is phone meant?"]),
    (f"{START}links = 'x'", ["line 2, links: must be a list"]),
    (f"{START}[links]\nname = 'x'", ["line 2, links: must be a list"]),
    (f"{START}map = 'map.svg'", ["line 2, map: must be a table"]),
    (f"{START}baseline = '7'", ["line 2, baseline: must be a whole number"]),
    (f"{START}baseline = -1", ["line 2, baseline: must be greater than or equal to 0"]),
    (f"{START}languages = []", ["line 2, languages: must have at least 1"]),
    (f"{START}languages = ['vi', 'VI']",
     ["line 2, languages[1]: must be a language's tag (BCP 47), such as vi or en"]),
    (f"{START}languages = ['vi', 'vi']", ["line 2, languages: has vi twice"]),
    (f"{START}time_zone = 'Hanoi'",
     ["line 2, time_zone: must be the name of a time zone, such as Asia/Ho_Chi_Minh"]),
    (f"{START}base_url = 'bao.vn'",
     ["line 2, base_url: must be an absolute http:// or https:// address without a query"]),
    (f"{START}\nlinks = [\n  {{ name = 'A', url = '/a' }},\n  {{ name = 'B', url = 'javascript:x' "
     "}},\n]".replace("}}", "}"),
     ["line 5, links[1].url: must be a path such as /thoi-su/, or an http:// or https:// address"]),
    (f"{START}[[links]]\nname = 'A'\nurl = '/a'\n[[links]]\nname = 'B'",
     ["line 5, links[1].url: is missing"]),
    (f"{START}picture_hosts = ['cdn.example.vn', 'a b']",
     ["line 2, picture_hosts[1]: 'a b' must be a host, such as cdn.example.vn or *.example.vn"]),
    (f"{START}[sections]\nsearch = {{ name = 'Tìm' }}",
     ["line 3, sections.search: search is a path name of the system's own"]),
    (f"{START}languages = ['vi', 'en']\n[sections.en]\nname = 'Anh'",
     ["line 3, sections.en: en is the prefix of a language's lists"]),
    (f"{START}[sections.'Kinh tế']\nname = 'Kinh tế'",
     ['line 2, sections."Kinh tế": must be a slug: a-z, 0-9 and single -, at most 100 characters']),
    (f"{START}[sections.a]\nnam = 'A'",
     ["line 2, sections.a.name: is missing", "line 3, sections.a.nam: is no key here: is name "
      "meant?"]),
    (f"{START}[sections.a]\nname = 'A'\n[sections.a]\nname = 'B'",
     ["line 4: is no TOML: Cannot declare ('sections', 'a') twice, in column 12"]),
    (f"{START}[sections.a]\nname = 'A'\nwithin = 'b'",
     ["line 4, sections.a.within: b is no section of this file"]),
    (f"{START}[sections]\na = {{ name = 'A', within = 'c' }}\nb = {{ name = 'B', within = 'a' }}\n"
     "c = { name = 'C', within = 'b' }\nd = { name = 'D', within = 'a' }",
     ["line 3, sections.a.within: goes round in a circle: a in c in b in a",
      "line 4, sections.b.within: goes round in a circle: b in a in c in b",
      "line 5, sections.c.within: goes round in a circle: c in b in a in c"]),
    (f"{START}[sections]\na = {{ name = 'A', within = 'a' }}",
     ["line 3, sections.a.within: goes round in a circle: a in a"]),
    (f"{START}menu = ['a',\n {{ name = 'B' }}]\n", ["line 3, menu[1].url: is missing"]),
    (f"{START}menu = [7]", ["line 2, menu[0]: must be a table"]),
    (f"{START}menu = [\n'a']\n", ["line 3, menu[0]: a is no section of this file"]),
    (f"{START}[colours]\nlink = 'blue'",
     ["line 3, colours.link: must be a colour such as #0b5699"]),
    (f"{START}[colours]\nlink = '#8cc5f7'\nbar = '#fd0'\n[colours.dark]\nlink = '#0B5699'",
     ["line 3, colours.link: #8cc5f7 has a contrast of 1.83:1 to #fff; must be 4.5:1 at least",
      "line 4, colours.bar: #fd0 has a contrast of 1.35:1 to #fff; must be 4.5:1 at least",
      "line 6, colours.dark.link: #0b5699 has a contrast of 2.41:1 to #0f1720; must be 4.5:1 at "
      "least"]),
    (f"{START}[[front]]\nblock = 'hero'",
     ["line 3, front[0].block: must be 'notice', 'lead', 'pinned', 'latest', 'section', "
      "'most_read' or 'trending'"]),
    (f"{START}[[front]]\nblock = 'lead'\n[[front]]\nblock = 'section'\ncount = 3",
     ["line 4, front[1].section: is missing"]),
    (f"{START}[[front]]\nblock = 'section'\nsection = 'kinh-te'",
     ["line 4, front[0].section: kinh-te is no section of this file"]),
    (f"{START}[[front]]\nblock = 'lead'\ntext = 'x'\ncount = 31",
     ["line 4, front[0].text: is no key of a block lead, only of notice",
      "line 5, front[0].count: must be less than or equal to 30"]),
    (f"{START}[[front]]\nblock = 'notice'", ["line 2, front[0].text: is missing"]),
    (f"{START}front = []", ["line 2, front: must have at least 1"]),
    (f"{START}[footer]\nphone = 'gọi tôi'\nemail = 'a@b'",
     ["line 3, footer.phone: must be a telephone number such as 0215 382 4567",
      "line 4, footer.email: must be an e-mail address such as toasoan@example.vn"]),
    (f"{START}[map]\ntitle = 'Bản đồ'", ["line 2, map: must have one of file and picture"]),
    (f"{START}[map]\ntitle = 'Bản đồ'\nfile = 'none.svg'",
     ["line 4, map.file: none.svg can't be read: No such file or directory"]),
    (f"{START}[map]\ntitle = 'Bản đồ'\nfile = '../map.svg'",
     ["line 4, map.file: must be the name of a file beside this one: letters, digits, ., _ and -, "
      "no folders"]),
    (f"{START}logo = 7", ["line 2, logo: must be the name of a file beside this one: letters, "
                          "digits, ., _ and -, no folders"]),
    (f"{START}logo = 'site.toml'",
     ["line 2, logo: site.toml must be a picture: .svg, .png, .webp or .jpg"]),
    (f"{START}[analytics]\nscript = 'https://a.vn/s.js'\ndata = {{ 'x y' = '1' }}",
     ["line 4, analytics.data: 'x y' must be a name of letters, digits and -"]),
    (f"{START}[analytics]\nscript = 'data:x'\nconnect = ['ftp://a.vn']",
     ["line 3, analytics.script: must be a path such as /thoi-su/, or an http:// or https:// "
      "address",
      "line 4, analytics.connect[0]: 'ftp://a.vn' is no origin such as https://www.example.org"]),
    ("name = 'a'\nname = 'b'", ["line 2: is no TOML: Cannot overwrite a value"]),
    ("name = ", ["line 1: is no TOML: Invalid value"]),
    ('name = "Báo', ["line 1: is no TOML: Unterminated string"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "faults"), FAULTS)
def test_a_fault_is_told_with_its_line_and_key(
    text: str, faults: list[str], tmp_path: Path
) -> None:
    assert refused(tmp_path, text) == faults


def test_what_is_no_text_or_too_much_of_it_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, b"name = 'x'\n\n# \xff\xfe") == ["line 3: must be UTF-8"]
    assert refused(tmp_path, "name = 'x'\n" + "#" * (10 << 20)) == [
        "must have at most 262,144 bytes, not 10,485,771"
    ]
    assert refused(tmp_path, "name = " + "[" * 100_000) == ["is nested too deeply"]
    with pytest.raises(UnusableSite, match="can't be read: No such file or directory"):
        read_site(tmp_path / "none.toml", WholeSite)
    with pytest.raises(UnusableSite, match="can't be read: Is a directory"):
        read_site(tmp_path, WholeSite)


DISTRICT = "[map.districts.x]\nname = 'X'\n"


@pytest.mark.parametrize(
    ("drawing", "more", "faults"),
    [
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'>\n<script>x()</script></svg>",
         "", ["line 4, map.file: map.svg, line 2: <script> is not allowed"]),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>", DISTRICT,
         ["line 5, map.districts.x: is no id of an element in map.svg"]),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><g id='x'/></svg>",
         f"{DISTRICT}tag = '!'\n", ["line 7, map.districts.x.tag: must have letters or digits"]),
        ("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><g id='x'/></svg>",
         f"{DISTRICT}tag = 'a'\nurl = '/b/'\n",
         ["line 5, map.districts.x: must have one of url and tag"]),
        ("x" * 65537, "", ["line 4, map.file: map.svg must have at most 65,536 bytes"]),
    ],
)  # fmt: skip
def test_a_fault_of_the_map_is_told_with_both_lines(
    drawing: str, more: str, faults: list[str], tmp_path: Path
) -> None:
    (tmp_path / "map.svg").write_text(drawing)
    assert refused(tmp_path, f"{START}[map]\ntitle = 'Bản đồ'\nfile = 'map.svg'\n{more}") == faults


def test_a_map_may_be_a_picture_that_says_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    text = f"{START}[map]\ntitle = 'Bản đồ'\npicture = 'map.png'\n"
    assert refused(tmp_path, text) == ["line 2, map: must have alt, what the picture shows"]
    site = read_site(write(tmp_path, f"{text}alt = 'Chín huyện'\n"), WholeSite).site
    assert isinstance(site, WholeSite)
    assert site.map is not None
    assert (site.map.picture_file, site.map.drawing("vi", "")) == ("map.png", "")
    assert list(site.files) == ["map.png"]


def test_other_services_read_their_part_and_no_more(tmp_path: Path) -> None:
    site = read_site(
        write(tmp_path, f"{START}footer = 7\n[sections.tin]\nname = 'Tin'\n"), SiteBasics
    )
    assert site.settings == {"site_name": "Báo", "sections": (("tin", "Tin"),)}
    text = f"{START}footer = 7\n[sections.state]\nname = 'Tin'"
    assert refused(tmp_path, text, SiteBasics) == [
        "line 3, sections.state: state is a path name of the system's own"
    ]


def test_a_site_s_settings_are_those_that_its_file_says() -> None:
    settings: dict[str, Any] = dict(english().as_settings())
    assert settings == {
        "base_url": "https://courier.example.org",
        "time_zone": "Europe/London",
        "site_name": "The Vinh Ngan Courier",
        "sections": (
            ("news", "News"),
            ("politics", "Politics"),
            ("council", "Council"),
            ("sport", "Sport"),
        ),
        "site_tagline": "News from the river",
        "site_address": "1 Bridge Street",
        "links": (("Weather", "https://weather.example.org/?q=river"),),
        "picture_hosts": ("cdn.example.org", "*.pictures.example.org:8443"),
        "site_baseline": 1_250_000,
    }
