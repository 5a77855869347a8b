"""A simulated portal: articles that are published, fade, and are sometimes talked about. Pure.

Everything is drawn from a seed, hour by hour in the site's time:

- The course of the day: the site is read 17 times as much at 8 in the morning as at 3 at night,
  and each hour of the site is off by a random factor.
- Old articles share 40 % of the reads, at rates that differ by a lognormal factor. New ones are
  published by day, start at rates that differ likewise, and fade with (age + 1 h)^-1.1.
- A real burst happens to an article chosen at random: reads from a link elsewhere. It starts at
  any minute, has a size drawn evenly on a logarithmic scale, and halves in one to four hours.
- Noise: the rate of each article and hour has a gamma distribution around its mean, and spurts of
  2 to 10 reads fall on single articles. Neither is a burst.
"""

import math
from dataclasses import dataclass, field
from random import Random

COURSE = (
    *(0.35, 0.20, 0.12, 0.10, 0.12, 0.30, 0.70, 1.30, 1.70, 1.60, 1.50, 1.40),
    *(1.20, 1.10, 1.40, 1.50, 1.40, 1.30, 1.10, 1.20, 1.50, 1.50, 1.10, 0.60),
)
"""The site's reads by hour of the day; only their proportions matter."""
_PUBLISHED = (*(0,) * 6, 2, 6, 8, 9, 8, 6, 3, 4, 7, 8, 7, 5, 2, 2, 2, 1, 0, 0)
"""New articles by hour of the day, in proportion."""
_SPREAD_OLD, _SPREAD_NEW = 1.3, 1.2
"""Standard deviations of the logarithms of the articles' rates."""
_FADED_HOURS = 96
"""After this age only search engines bring readers."""
WARM_UP_HOURS = 7 * 24
"""Hours before the first look: the z-scores want a week of history."""
EVERY_HOURS = 3


@dataclass(frozen=True)
class Portal:
    """How large a portal is."""

    name: str
    old_articles: int
    published_a_day: int
    reads_a_day: int
    bursts_a_day: int


@dataclass(frozen=True)
class Difficulty:
    """How clearly bursts stand out."""

    name: str
    burst: tuple[int, int]
    """Smallest and largest size: reads in the first two hours."""
    gamma_shape: float
    """Of the articles' hourly rates: the smaller, the noisier."""
    spurts_an_hour: int
    site_noise: float
    """Standard deviation of the logarithm of the site's hourly factor."""


PORTAL = Portal("regional", 1500, 80, 100_000, 240)
OTHERS = (
    Portal("small", 600, 15, 10_000, 36),
    Portal("national", 1500, 240, 500_000, 240),
)
DIFFICULTIES = (
    Difficulty("easy", (60, 2000), 20, 10, 0.05),
    Difficulty("medium", (25, 800), 6, 40, 0.12),
    Difficulty("hard", (10, 300), 3, 120, 0.20),
)


@dataclass
class Article:
    """A simulated article. Reads are by hour since the simulation's start."""

    name: str
    published: int
    """Its first hour; negative before the start."""
    base: float
    launch: float
    """Mean reads an hour: for ever, and in its first hour."""
    reads: list[int]
    usual: dict[int, float] = field(default_factory=dict)
    extra: dict[int, float] = field(default_factory=dict)
    """Mean reads of hours with a burst: without it, and from it."""
    bursts: list[float] = field(default_factory=list)
    """The moments at which its bursts start, in hours."""

    def fading(self, hour: int) -> float:
        """The part of its launch that is left in `hour`."""
        age = hour - self.published
        return self.launch * _faded(age) if 0 <= age < _FADED_HOURS else 0.0


@dataclass(frozen=True)
class History:
    """A simulated portal's whole history."""

    articles: list[Article]
    site: list[int]
    """The site's reads by hour."""
    looks: list[int]
    """The hours at whose ends a list of trending articles is made."""

    def bursting(self, hour: int) -> set[str]:
        """The articles with a burst in the two hours that end with `hour`: it brings at least five
        reads, and at least as many as the article would have without it, in the mean.
        """
        hours = (hour - 1, hour)
        return {
            each.name
            for each in self.articles
            if (extra := sum(each.extra.get(h, 0.0) for h in hours)) >= 5
            and extra >= sum(each.usual.get(h, 0.0) for h in hours)
        }

    def beginning(self, hour: int) -> set[str]:
        """Those of `bursting` of which a burst has begun within the two hours."""
        found = self.bursting(hour)
        return {
            each.name
            for each in self.articles
            if each.name in found and any(hour - 1 <= start < hour + 1 for start in each.bursts)
        }


def simulate(portal: Portal, difficulty: Difficulty, seed: int, days: int = 3) -> History:
    """`days` of looks after a week of warming up. The same seed gives the same history."""
    random = Random(f"{portal.name} {difficulty.name} {seed}")
    hours = WARM_UP_HOURS + days * 24
    articles = _articles(portal, random, hours)
    _burst(articles, portal, difficulty, random, hours)
    for hour in range(hours):
        _read(articles, difficulty, random, hour)
    return History(
        articles,
        [sum(column) for column in zip(*(each.reads for each in articles), strict=True)],
        list(range(WARM_UP_HOURS + EVERY_HOURS - 1, hours, EVERY_HOURS)),
    )


def poisson(random: Random, mean: float) -> int:
    """A number from Poisson's distribution; above a mean of 40 from the normal one."""
    if mean > 40:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, number, product = math.exp(-mean), 0, random.random()
    while product > limit:
        number, product = number + 1, product * random.random()
    return number


def _faded(age: int) -> float:
    return math.exp(-1.1 * math.log(age + 1.5) - (age + 0.5) / 48)


def course(hour: int) -> float:
    """The site's pace in `hour`, 1 in the day's mean."""
    return COURSE[hour % 24] * 24 / sum(COURSE)


def _articles(portal: Portal, random: Random, hours: int) -> list[Article]:
    """All articles in order of publication."""
    hourly = portal.reads_a_day / 24
    weights = [random.lognormvariate(0, _SPREAD_OLD) for _ in range(portal.old_articles)]
    old = [0.4 * hourly * weight / sum(weights) for weight in weights]
    faded = sum(_faded(age) for age in range(_FADED_HOURS))
    launch = 0.6 * hourly / (math.exp(_SPREAD_NEW**2 / 2) * portal.published_a_day / 24 * faded)
    found = [Article(f"old{n:05}", -(10**6), base, 0.0, [0] * hours) for n, base in enumerate(old)]
    mean_base = sum(old) / len(old)
    for hour in range(-_FADED_HOURS, hours):
        share = _PUBLISHED[hour % 24] / sum(_PUBLISHED)
        for _ in range(poisson(random, portal.published_a_day * share)):
            found.append(
                Article(
                    f"new{len(found):05}",
                    hour,
                    mean_base * random.lognormvariate(0, _SPREAD_OLD) / 4,
                    launch * random.lognormvariate(0, _SPREAD_NEW),
                    [0] * hours,
                )
            )
    return found


def _burst(
    articles: list[Article], portal: Portal, difficulty: Difficulty, random: Random, hours: int
) -> None:
    low, high = (math.log(size) for size in difficulty.burst)
    public = 0
    for hour in range(48, hours):
        while public < len(articles) and articles[public].published < hour:
            public += 1
        for _ in range(poisson(random, portal.bursts_a_day / 24 * course(hour))):
            article, start = articles[random.randrange(public)], hour + random.random()
            size, half = math.exp(random.uniform(low, high)), random.uniform(1, 4)
            article.bursts.append(start)
            for at in range(hour, min(hours, hour + 24)):
                left, after = (2 ** -((max(start, h) - start) / half) for h in (at, at + 1))
                reads = size * (left - after) / (1 - 2 ** (-2 / half))
                article.extra[at] = article.extra.get(at, 0.0) + reads


def _read(articles: list[Article], difficulty: Difficulty, random: Random, hour: int) -> None:
    pace = course(hour) * random.lognormvariate(0, difficulty.site_noise)
    shape = difficulty.gamma_shape
    for article in articles:
        if article.published > hour:
            break
        usual = (article.base + article.fading(hour)) * pace
        mean = usual * random.gammavariate(shape, 1 / shape) if usual > 0.02 else usual
        if extra := article.extra.get(hour):
            article.usual[hour] = usual
            mean += extra * random.gammavariate(shape, 1 / shape)
        article.reads[hour] = poisson(random, mean)
    for _ in range(difficulty.spurts_an_hour):
        article = random.choice(articles)
        if article.published <= hour:
            article.reads[hour] += random.randint(2, 10)
