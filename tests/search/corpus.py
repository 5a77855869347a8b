"""Articles for measuring, the same for the same seed: made of the syllables and pairs of syllables
of the sample portal's articles, as often as words are in texts.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random

from luotdoc_events import events
from services.render.search.plain import text_of_html
from tests.support.searches import searched_article

SAMPLES = Path(__file__).parents[2] / "deploy/local/samples/articles"
LAST = datetime(2026, 11, 28, tzinfo=UTC)
MINUTES_BETWEEN = 45
"""100,000 articles are eight and a half years."""
LEXICON = 12_000
MEAN_WORDS = 300
"""Words of two syllables; the mean article of the sample portal has 670 syllables."""
SECTIONS = ("thoi-su", "kinh-te", "van-hoa", "giao-duc", "y-te", "the-thao", "doi-song", "du-lich")


@cache
def syllables() -> tuple[str, ...]:
    """Every syllable of the sample articles, each as often as it is there."""
    found = list[str]()
    for file in sorted(SAMPLES.glob("*.json")):
        held = json.loads(file.read_text())
        text = f"{held['title']}\n{held['lead']}\n{text_of_html(held['body_html'])}"
        found += [word for word in text.lower().split() if word.isalpha()]
    return tuple(found)


@cache
def lexicon() -> tuple[list[str], list[float]]:
    """Words of two syllables and their cumulated weights: the one at place n is 1/n as frequent as
    the first. Half of them are real neighbours.
    """
    random, real = Random(1), list(dict.fromkeys(map(" ".join, pairwise(syllables()))))
    random.shuffle(real)
    some = list(dict.fromkeys(syllables()))
    words = real[: LEXICON // 2]
    words += [f"{random.choice(some)} {random.choice(some)}" for _ in range(LEXICON // 2)]
    random.shuffle(words)
    return words, list(accumulate(1 / (place + 8) for place in range(len(words))))


def name_of(random: Random) -> str:
    """A rare name of three syllables."""
    return " ".join(each.capitalize() for each in random.sample(syllables(), 3))


def made_articles(first: int, number: int) -> Iterator[events.Article]:
    """`number` articles, from the one at place `first`."""
    words, weights = lexicon()
    for place in range(first, first + number):
        random = Random(place)

        def some(count: int, random: Random = random) -> list[str]:
            return random.choices(words, cum_weights=weights, k=count)

        body = some(max(40, min(1500, int(random.lognormvariate(0, 0.5) * MEAN_WORDS))))
        for _ in range(2):
            body.insert(random.randrange(len(body)), name_of(random))
        lines = [" ".join(body[at : at + 40]) for at in range(0, len(body), 40)]
        yield searched_article(
            id=f"m{place:06d}",
            section=random.choices(SECTIONS, range(8, 0, -1))[0],
            title=" ".join(some(random.randint(4, 8))).capitalize(),
            lead=" ".join(some(random.randint(12, 25))),
            tags=some(random.randint(2, 4)),
            body_html="".join(f"<p>{line}</p>" for line in lines),
            published_at=LAST - timedelta(minutes=MINUTES_BETWEEN * place),
        )


def questions(number: int, seed: int = 1) -> list[str]:
    """What readers ask: frequent and rare words, half of them without diacritics, one to three of
    them, some in quotation marks, some names, some single syllables.
    """
    random, (words, weights) = Random(seed), lexicon()
    found = list[str]()
    for place in range(number):
        kind = place % 10
        if kind == 9:
            text = next(iter(made_articles(random.randrange(1000), 1))).body_html
            line = text_of_html(text).split("\n")[0].split()
            at = random.randrange(max(1, len(line) - 4))
            text = " ".join(line[at : at + 4])
        elif kind == 8:
            text = random.choice(syllables())
        elif kind == 7:
            text = f'"{random.choice(words)}"'
        else:
            count = random.choice((1, 1, 2, 3))
            text = " ".join(random.choices(words, cum_weights=weights, k=count))
        found.append(text)
    return found
