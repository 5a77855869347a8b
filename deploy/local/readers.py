"""Made-up readers, and the articles they read: a few popular ones get most reads. Pure."""

import random
from collections.abc import Sequence

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{major}.0.{build}.{n} Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-A{build}) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{major}.0.0.{n} Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
    "like Gecko) Version/17.{minor} Mobile/15E{n} Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{major}.{n}) Gecko/20100101 Firefox/{major}.{n}",
)


def user_agents(count: int, chance: random.Random) -> list[str]:
    """`count` different user agents of browsers. Without them ingest would take readers behind one
    address for one visitor.
    """
    return [
        chance.choice(_BROWSERS).format(
            major=chance.randint(110, 140),
            minor=chance.randint(0, 6),
            build=chance.randint(1000, 6999),
            n=n,
        )
        for n in range(count)
    ]


def addresses(count: int, chance: random.Random) -> list[str]:
    """Addresses of readers for `count` reads, from the networks for documentation. A gateway
    chooses an ingest by them.
    """
    return [
        f"{chance.choice(('198.51.100', '203.0.113'))}.{chance.randint(1, 254)}"
        for _ in range(count)
    ]


def referrers(site: str, count: int, chance: random.Random) -> list[str]:
    """What pages say their readers came from, for `count` reads; `site` is the origin of the pages
    themselves.
    """
    return chance.choices(
        [
            site,
            "",
            "https://www.google.com",
            "https://coccoc.com",
            "https://www.facebook.com",
            "https://chat.zalo.me",
            "https://elsewhere.example",
        ],
        [40, 20, 15, 5, 12, 5, 3],
        k=count,
    )


def pick_articles(ids: Sequence[str], count: int, chance: random.Random) -> list[str]:
    """An article for each of `count` reads, in random order. The share of the n-th most popular
    article is 1/n (Zipf).
    """
    popular = chance.sample(ids, len(ids))
    return chance.choices(popular, [1 / rank for rank in range(1, len(ids) + 1)], k=count)
