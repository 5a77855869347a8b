"""Detects bots by their user agent. Pure.

People first: what a browser, or an app on a phone, sends is a person's unless it names itself a
robot. The public list of crawlers is one input: its patterns are asked where the rest of a
browser's agent names a product that they know. An app is not looked up there: it may share its name
with a program. `tests/cases/user_agents.json` holds verdicts that must not change by an upgrade of
that list.

A new agent is reduced first (`reduction`), and judged by what is kept of it alone: by one search
for all names at once (Aho-Corasick) and a set of words. So whoever has kept a reduced agent can
judge it again, by the rules of a later release.
"""

import re
from functools import lru_cache
from hashlib import sha256

from ahocorasick_rs import BytesAhoCorasick
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from shared.agents.crawler_list import by_word
from shared.agents.reduction import (
    EMAIL,
    MAX_AGENT_LENGTH,
    NOT_A_MODEL,
    Reduction,
    words_with_digits,
)

# Beginnings of people's browsers' agents.
_BROWSERS = (
    *(
        b"mozilla/ opera/ applewebkit/ ucweb ucbrowser dalvik/ [fban/ [fb_iab/ mqqbrowser/ "
        b"lynx/ w3m/ elinks netsurf/ dillo/ emacs-w3 url/emacs edbrowse/ amaya/ ibrowse/ icab/ "
        b"k-meleon/ konqueror/ midori/ surf/ uzbl amiga-aweb/ amigavoyager/ amigaos ncsa_mosaic/ "
        b"vms_mosaic/ "
        b"nokia samsung- samsung/ sec- lg- lge- lg/ "
        b"sonyericsson blackberry docomo/ kddi- softbank/ vodafone/ mot- htc_ htc- alcatel "
        b"huawei zte- micromax maui portalmmm sie- sagem- sharp- philips panasonic- pantech"
    ).split(),
    b"links (",
    b"ncsa mosaic/",
)
# Words by which an app names its device.
_DEVICE = re.compile(
    rb"iphone|ipad|ipod|\bios[ /]\d|android|andr0id|cfnetwork/|windows "
    rb"phone|harmony|tizen|web[0o]s|smart-?tv"
    rb"|playstation|nintendo|xbox|kaios|symbian|midp|ucweb|\(ucbrowser/|openwave|up\.browser|obigo|j2me"
    rb"|nokia|blackberry|hbbtv|ce-html|nettv|apple "
    rb"?tv|roku|\bcrkey|watchos|tvos|visionos|darwin/\d|wap.?browser|\bmaui\b|applenews"
)
# An app's name, its version and its device's before a browser's agent.
_AFTER_A_NAME = re.compile(rb"[a-z][\w.-]*/[\w./-]+ ?(?:\([^()]*\) ?)?mozilla/\d")
# Words of every browser's agent: an engine, a system, or a browser's name.
# Privacy tools overwrite them with 0 and D.
_OF_A_BROWSER = re.compile(
    rb"webkit|gecko|khtml|konqueror|msie|trident|presto|opera|firefox|chrome|safari|browser|mobile|windows"
    rb"|win(?:9|1|nt)|macintosh|mac os|x11|linux|bsd|cros|os/2|amiga|beos|haiku|risc ?os|sunos|palm"
    rb"|brew|blackberry|nokia|samsung|maemo|meego|inferno|dreamcast|webtv|netfront|lotus|[(]0{5}"
)
# Words of an app that shows the page itself.
_APP = re.compile(rb"; ?wv\)|version/4\.0 (?:mobile )?chrome/|electron/|cfnetwork/")
# Comments with names of devices ("CUBOT", "M bot 60").
# They say nothing about the program, with some exceptions.
_MODEL = re.compile(
    rb"\((?![^()]*(?:" + NOT_A_MODEL.pattern + rb"))[^()]*(?:android|dpi;)[^()]*\)|\[fb[^\]]*\]"
)
_ROBOTS = (
    # names of robots' tasks
    *(
        b"slurp archiver archive.org indexer externalhit externalagent "
        b"prerender synthetic uptime read-aloud inspectiontool googleother mediapartners "
        b"appengine-google -google/ google-ad favicons feedfetcher emailproxy googlemessages "
        b"whatcms cloudflarediagnostics cloudflareobservatory"
    ).split(),
    # programs that drive a browser
    *(
        b"headless phantomjs puppeteer playwright selenium webdriver jsdom htmlunit cypress/ "
        b"lighthouse pagespeed ptst gtmetrix pingdom datadog newrelic site24x7 nutch heritrix "
        b"webpagetest testcafe browserless applitools functionize wappalyzer assetnote dejaclick "
        b"debugbear iplabel neustar speedcurve sitespeed dareboost websnapr webthumb "
        b"happydom slimerjs casperjs triflejs zombie.js envjs/ wkhtmlto webkit2png cutycapt "
        b"zgrab nikto sqlmap acunetix nessus openvas masscan netsparker nuclei "
        b"capybara-webkit weasyprint rendertron mechanize"
    ).split(),
    # libraries and tools
    *(
        b"python curl/ wget httpclient http-client libwww-perl powershell winhttp "
        b"go-http node-fetch node.js nodejs axios undici perl/ ruby/ ms-office wordpress siege/"
    ).split(),
    b"http client",
    b"web services client",
    # what scanners put into an agent to attack the program that reads it
    *b"burpcollaborator oastify. ${ load_file( sleep( /etc/passwd".split(),
    b"<script",
    b"union select",
    # programs that read for a language model
    *b"chatgpt-user perplexity-user claude-user mistralai-user anthropic-".split(),
)
# Patterns of the list that match people too: browsers (Facebook's, Viber's, WhatsApp's,
# Cốc Cốc's, Fluid), and a library that apps name next to their device.
_PEOPLES_PATTERNS = frozenset(
    {
        r"MetaIAB Facebook",
        r"Viber",
        r"WhatsApp",
        r"coccoc",
        r"Fluid",
        r"okhttp",
    }
)

# Tasks that name robots, and also apps on a phone: "QRScanner/2.1", "DailyMonitor/3.0".
# In a phone's agent they count only at the beginning of a word, and a library's name doesn't count.
_TASKS = frozenset(
    b"preview validator checker scanner monitor fetcher inspector observatory screenshot "
    b"thumbnail survey measurement okhttp".split()
)
_TASK = re.compile(
    rb"(?<![a-z])(?<!technology )(?<!technology%20)(?:"
    + b"|".join(sorted(_TASKS - {b"okhttp"}))
    + rb")"
)
# Contact addresses of robots, but not those of components in people's browsers.
_WEB = re.compile(rb"https?:(?!//(?:www\.)?(?:bsalsa|qtweb)\.)|(?<!//)www\.")
_GOOGLE_S = re.compile(rb"gecko[;,] google(?!weblight)")
# Names that people's agents may contain too; `_means_a_robot` decides.
_SECOND_LOOK = {
    b"bot": re.compile(rb"(?<!cu)bots?(?![a-z])"),
    # "SpiderSolitaire", "Scrapbook" and "Crawlspace" are apps.
    b"spider": re.compile(rb"spider(?:s|ling)?(?![a-z])"),
    b"crawl": re.compile(rb"crawl(?:ing|y|son|4)?(?![a-z])|crawler"),
    b"scrap": re.compile(rb"scrap(?:ing|y|e)(?![a-z])|scraper"),
    b"compatible": re.compile(
        rb"compatible[;,] *+(?![^)]*\bmsie "
        rb"*+[1-9]|konqueror|opera|netfront|omniweb|icab|abrowse|u;|x11|linux|windows"
        rb"|macintosh|nokia|palm|webtv|amiga|ibrowse|lotus|nintendo|links|elinks|netpositive|polaris"
        rb"|antgalio)[a-z]"
    ),
    b"@": re.compile(EMAIL),
    b"at gmail": re.compile(rb"\bat gmail\b"),
    b"agent": re.compile(rb"(?<=[a-z])(?<!user)agent(?![a-z])"),
    b"proxy": re.compile(rb"(?:image|img|mail|asset)[ -]?proxy|proxy\)"),
    b"java/": re.compile(rb"java/(?!jbed)"),
    b"php/": re.compile(rb"(?<!fire)php/"),
    b"gecko; google": _GOOGLE_S,
    b"gecko, google": _GOOGLE_S,
    **dict.fromkeys((b"http:", b"https:", b"www."), _WEB),
}
_HINTS = _TASKS | _SECOND_LOOK.keys()
_NAMES = (*_ROBOTS, *_HINTS)
_ANY_NAME = BytesAhoCorasick(_NAMES)

_WORDS = bytes(code if chr(code).isascii() and chr(code).isalnum() else 32 for code in range(256))


_PATTERNS = {each["pattern"] for each in CRAWLER_USER_AGENTS_DATA} - _PEOPLES_PATTERNS
_LISTED = by_word(_PATTERNS)
_REDUCTION = Reduction(words_with_digits(_PATTERNS))


RULES = sha256(repr((_BROWSERS, _ROBOTS, sorted(_PATTERNS), sorted(_HINTS))).encode()).hexdigest()[
    :16
]
"""A digest of the names that the rules look for: it tells the rules of two releases apart."""


def reduced(user_agent: bytes) -> bytes:
    """What the rules look at in the first `MAX_AGENT_LENGTH` bytes of `user_agent`."""
    return _reduced(user_agent[:MAX_AGENT_LENGTH])


def is_bot(user_agent: bytes) -> bool:
    """True if `user_agent` is a program's; it may be reduced already."""
    return is_bot_reduced(reduced(user_agent))


_reduced = lru_cache(maxsize=10_000)(_REDUCTION.reduced)


@lru_cache(maxsize=10_000)
def is_bot_reduced(agent: bytes) -> bool:
    """True if `agent`, which is reduced, is a program's. Nothing else decides."""
    return _is_a_program(agent)


def _is_a_program(agent: bytes) -> bool:
    if not agent.startswith(_BROWSERS):
        if agent.startswith(b"whatsapp"):
            return True
        if not _DEVICE.search(agent) and not _AFTER_A_NAME.match(agent):
            return True
    elif agent.startswith(b"mozilla/") and _is_of_no_browser(agent):
        return True
    return _names_a_robot(agent) and _names_a_robot(_MODEL.sub(b" ", agent))


def _is_of_no_browser(agent: bytes) -> bool:
    """True if only the beginning is a browser's, as in "Mozilla/5.0 (Morningscore/1.0)".
    "Mozilla/5.0" alone, which people give to curl, claims a browser and names no other program.
    """
    names_one = _OF_A_BROWSER.search(agent) or _DEVICE.search(agent)
    return not names_one and agent != b"mozilla/5.0"


def _names_a_robot(agent: bytes) -> bool:
    found = {
        _NAMES[number]
        for number, _, _ in _ANY_NAME.find_matches_as_indexes(agent, overlapping=True)
    }
    if found and _means_a_robot(found, agent):
        return True
    words = agent.translate(_WORDS).split()
    if _LISTED.keys().isdisjoint(words) or _is_of_an_app(agent):
        return False
    return any(
        pattern.search(agent) for word in _LISTED.keys() & set(words) for pattern in _LISTED[word]
    )


def _is_of_an_app(agent: bytes) -> bool:
    """True if the agent is an app's.
    The list's patterns match apps too: Notion, NewsBlur, Blackboard.
    """
    if _APP.search(agent) or not (agent.startswith(_BROWSERS) or _AFTER_A_NAME.match(agent)):
        return True
    return b"mobile/" in agent and b"safari/" not in agent


def _means_a_robot(found: set[bytes], agent: bytes) -> bool:
    if found - _HINTS:
        return True
    if any(name in _SECOND_LOOK and _SECOND_LOOK[name].search(agent) for name in found):
        return True
    names_a_task = not found.isdisjoint(_TASKS) and b"; wv)" not in agent
    return names_a_task and (_TASK.search(agent) is not None or not _DEVICE.search(agent))
