"""An article's entry in the index. Pure.

`keys` are hashes of the article's words and pairs of neighbouring words; one index on them finds
the articles that have a key, newest first. A hash may stand for two words: `ranking` looks into the
texts. A key has the field in which the words stand, the first of `FIELDS` if there are several, so
that an article with the words in its title can be found before the others.

`folded` and `accented` are the article's words in both forms, with the fields and lines parted as
`FIELD_END` and `LINE_END` say. The words of both are in the same places.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zlib import crc32

from luotdoc_events import events
from services.render.search.folding import Word, words_in
from services.render.search.plain import text_of_html

INDEX_VERSION = 1
"""To be raised when entries of the same article become others: all are then made again."""
FIELDS, ACCENTED_FIELDS = 4, 3
"""Title, tags, lead, and the rest, whose words have no keys with accents: they are a quarter of all
keys, and seldom needed."""
MOST_WORDS = 5000
"""Words of an article that are searched; the rest of a longer one is left out."""
LONGEST_TYPED = 8
"""Letters of a word's beginning that suggestions look for."""
LINE_END, FIELD_END = " \r", " \n"
_EPOCH, _SECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the index has of an article at one revision."""

    id: str
    revision: int
    at: int
    """Time of publication, in seconds since 1970."""
    keys: list[int]
    folded: bytes
    accented: str


def key(kind: str, text: str) -> int:
    """A key as MongoDB stores it in four bytes."""
    return crc32(f"{kind} {text}".encode()) - (1 << 31)


def field_keys(kind: str, text: str, fields: int = FIELDS) -> tuple[int, ...]:
    """The keys of `text` in each of the first `fields` fields."""
    return tuple(key(f"{kind}{field}", text) for field in range(fields))


def key_text(*folded: str) -> str:
    """What a key of neighbouring words is made of."""
    return " ".join(folded)


def seconds_of(moment: datetime) -> int:
    """A moment as entries have it."""
    return (moment - _EPOCH) // _SECOND


def entry_of(article: events.Article, language: str) -> Entry:
    """The entry of a public article in the lists of `language`."""
    fields, left = list[list[list[Word]]](), MOST_WORDS
    for lines in _fields(article):
        fields.append([])
        for line in lines:
            found = words_in(line)[:left]
            left -= len(found)
            if found:
                fields[-1].append(found)
    return Entry(
        id=article.id,
        revision=article.revision,
        at=seconds_of(article.published_at),
        keys=sorted(_keys(fields) | {key("s", article.section), key("l", language)}),
        folded=_joined([[[w.folded for w in line] for line in lines] for lines in fields]).encode(),
        accented=_joined([[[w.accented for w in line] for line in lines] for lines in fields]),
    )


def _fields(article: events.Article) -> list[list[str]]:
    image = article.image
    about_image = [image.caption, image.credit, image.alt] if image else []
    files = [each.title for each in article.attachments]
    body = text_of_html(article.body_html).split("\n")
    rest = [article.topic, *body, article.byline, *about_image, *files]
    return [[article.title], article.tags, [article.lead], rest]


def _keys(fields: list[list[list[Word]]]) -> set[int]:
    made = dict[tuple[str, str], int]()
    for number, lines in enumerate(fields):
        for line in lines:
            for word in line:
                made.setdefault(("f", word.folded), number)
                if word.accented != word.folded and number < ACCENTED_FIELDS:
                    made.setdefault(("a", word.accented), number)
            for one, other in pairwise(line):
                made.setdefault(("p", key_text(one.folded, other.folded)), number)
    found = {key(f"{kind}{number}", text) for (kind, text), number in made.items()}
    typed = {text for lines in fields[:2] for line in lines for text in _typed(line)}
    return found | {key("t", text) for text in typed}


def _typed(line: list[Word]) -> set[str]:
    """What a reader may have typed of a line: the beginning of a word, after the word before it."""
    found, before = set[str](), ""
    for word in line:
        for length in range(1, min(len(word.folded), LONGEST_TYPED) + 1):
            found.add(word.folded[:length])
            if before:
                found.add(key_text(before, word.folded[:length]))
        before = word.folded
    return found


def _joined(fields: list[list[list[str]]]) -> str:
    text = FIELD_END.join(LINE_END.join(" " + " ".join(line) for line in lines) for lines in fields)
    return f"{text} "
