"""Who is a program, by its user agent. Pure.

People first: what a browser, or an app on a phone, sends is a person's unless it names itself a robot. The public list
of crawlers is one input: its patterns are asked where the rest of a browser's agent names a product that they know.
`tests/cases/user_agents.json` holds verdicts that must not change by an upgrade of that list.

A new agent is judged by one search for all names at once (Aho-Corasick) and a set of words.
"""

import re
from functools import lru_cache

from ahocorasick_rs import BytesAhoCorasick
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

MAX_LENGTH = 512
"""Bytes of a user agent that are looked at."""

# What people's browsers begin with.
_BROWSERS = (
    *(
        b"mozilla/ opera/ ucweb ucbrowser dalvik/ [fban/ [fb_iab/ mqqbrowser/ lynx/ w3m/ "
        b"elinks netsurf/ dillo/ emacs-w3 amaya/ nokia samsung- samsung/ sec- lg- lge- lg/ "
        b"sonyericsson blackberry docomo/ kddi- softbank/ vodafone/ mot- htc_ htc- alcatel- "
        b"huawei zte- micromax maui portalmmm"
    ).split(),
    b"links (",
)
# What an app of somebody's device says of it.
_DEVICE = re.compile(
    rb"iphone|ipad|ipod|\bios \d|android|cfnetwork/|windows phone|harmonyos|tizen|web0s|smart-?tv|playstation|nintendo"
    rb"|xbox|kaios|symbian|midp|ucweb|openwave|up\.browser|obigo|j2me"
)
# A bare "@" stands before versions, too: "(Ecosia ios@10.1.0)".
_EMAIL = rb"\w@[\w-][\w.-]*\.[a-z]{2}"
_ANY_EMAIL = re.compile(_EMAIL)
# Program names inside a comment about a device; "Spider" alone is a telephone.
_NOT_A_MODEL = (
    rb"compatible|https?:|" + _EMAIL + rb"|(?<!cu)bot(?:-[a-z]+)?/|-google/"
    rb"|(?<!; )(?:crawl|spider)(?!\w* build/)|(?:crawler|spider)[/-]"
)
# Comments with names of devices ("CUBOT", "M bot 60"), which say nothing of the program; unless they do.
_MODEL = re.compile(rb"\((?![^()]*(?:" + _NOT_A_MODEL + rb"))[^()]*(?:android|dpi;)[^()]*\)|\[fb[^\]]*\]")
_BOT = re.compile(rb"(?<!cu)bot(?![a-z])|(?<![a-z])bot")
_COMPATIBLE = re.compile(
    rb"compatible[;,] ?(?!msie|konqueror|opera|netfront|omniweb|icab|abrowse|u;|x11|linux|windows|macintosh|nokia|palm"
    rb"|webtv|amigavoyager|ibrowse|lotus|nintendo|links|elinks)[a-z]"
)
_ROBOTS = (
    # what robots call their work
    *(
        b"crawl spider scrap slurp archiver archive.org indexer externalhit externalagent "
        b"prerender synthetic uptime read-aloud inspectiontool googleother mediapartners "
        b"appengine-google -google/ favicons feedfetcher"
    ).split(),
    # programs that drive a browser
    *(
        b"headless phantomjs puppeteer playwright selenium webdriver jsdom htmlunit cypress/ "
        b"lighthouse pagespeed ptst/ gtmetrix pingdom datadog newrelic site24x7 nutch heritrix "
        b"happydom slimerjs casperjs triflejs zombie.js envjs/ wkhtmlto webkit2png cutycapt "
        b"capybara-webkit weasyprint rendertron mechanize"
    ).split(),
    # libraries and tools
    *(
        b"python curl/ wget httpclient http-client libwww-perl powershell winhttp java/ "
        b"go-http node-fetch node.js nodejs axios undici php/ perl/ ruby whatsapp/ ms-office wordpress"
    ).split(),
    # programs that read for a language model
    *b"chatgpt-user perplexity-user claude-user mistralai-user anthropic".split(),
)
# Patterns of the list that people send, too: a build of Android 15, the browsers in Facebook, Viber and VS Code.
_PEOPLES_PATTERNS = frozenset({r"AP3A\.240617\.008", r"MetaIAB Facebook", r"Viber", r"Code\/1\."})

# Robots are called by these tasks, and so are apps: "QRScanner/2.1", "DailyMonitor/3.0".
# After another word of a telephone's agent they say nothing.
_TASKS = frozenset(b"preview validator checker scanner monitor fetcher".split())
_TASK = re.compile(rb"(?<![a-z])(?:" + b"|".join(sorted(_TASKS)) + rb")")
_WEB = frozenset({b"http", b"www."})
"""Parts of an address for complaints."""
_HINTS = _WEB | _TASKS | {b"@", b"bot", b"compatible"}
"""What people's agents may hold, too: a second look decides."""
_NAMES = (*_ROBOTS, *_HINTS)
_ANY_NAME = BytesAhoCorasick(_NAMES)

_WORDS = bytes(code if chr(code).isascii() and chr(code).isalnum() else 32 for code in range(256))


def _listed() -> dict[bytes, list[re.Pattern[bytes]]]:
    """The list's patterns by their longest word, in lower case."""
    found: dict[bytes, list[re.Pattern[bytes]]] = {}
    for entry in CRAWLER_USER_AGENTS_DATA:
        pattern = entry["pattern"]
        if pattern in _PEOPLES_PATTERNS:
            continue
        # A class of one letter in both cases is that letter; any other class, and what is escaped, ends a word.
        plain = re.sub(r"\[(\w)(\w)\]", lambda m: m[1] if m[1].lower() == m[2].lower() else " ", pattern)
        words = re.findall(r"[a-z0-9]+", re.sub(r"\\[sSdDwWb]", " ", plain).lower())
        if words:
            key = max(words, key=len).encode()
            found.setdefault(key, []).append(re.compile(pattern.encode(), re.IGNORECASE))
    return found


_LISTED = _listed()


@lru_cache(maxsize=10_000)
def is_bot(user_agent: bytes) -> bool:
    """Whether a program sent this. Only the first `MAX_LENGTH` bytes are looked at."""
    agent = user_agent[:MAX_LENGTH].lower()
    if not agent.startswith(_BROWSERS) and not _DEVICE.search(agent):
        return True
    return _names_a_robot(agent) and _names_a_robot(_MODEL.sub(b" ", agent))


def _names_a_robot(agent: bytes) -> bool:
    found = {_NAMES[number] for number, _, _ in _ANY_NAME.find_matches_as_indexes(agent, overlapping=True)}
    if found and _means_a_robot(found, agent):
        return True
    words = agent.translate(_WORDS).split()
    if _LISTED.keys().isdisjoint(words):
        return False
    return any(pattern.search(agent) for word in _LISTED.keys() & set(words) for pattern in _LISTED[word])


def _means_a_robot(found: set[bytes], agent: bytes) -> bool:
    if not found <= _HINTS:
        return True
    if b"bot" in found and _BOT.search(agent):
        return True
    if b"compatible" in found and _COMPATIBLE.search(agent):
        return True
    if not found.isdisjoint(_TASKS) and (_TASK.search(agent) or not _DEVICE.search(agent)):
        return True
    if b"msie" in agent:  # "Embedded Web Browser from: http://bsalsa.com/"
        return False
    return not found.isdisjoint(_WEB) or (b"@" in found and _ANY_EMAIL.search(agent) is not None)
