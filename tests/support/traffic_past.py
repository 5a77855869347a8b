"""A portal's past, written into a database as counter and stats would have left it: articles that
fade after their publication, a course of the day and of the week, and filtered reads beside them.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.storage.quarters import PER_DAY, day_name, quarter_of, start_of
from shared.storage.types import MongoDatabase
from tests.support.page_figures import SHARES, busy

SECTIONS = ("thoi-su", "kinh-te", "van-hoa", "giao-duc", "du-lich")
STARTS = (
    "Thông xe cầu Vĩnh Ngàn", "Lúa hè thu được mùa", "Chợ phiên Sa Khê đông khách trở lại",
    "Hơn 200 học sinh vùng cao có trường mới", "Mưa lớn, nhiều tuyến đường ngập sâu",
    "Khai mạc lễ hội sông Lam", "Giá cà phê lập đỉnh mới", "Bàn giao 48 căn nhà tình nghĩa",
    "Đêm nhạc trên bến Gạo", "Tỉnh Lam Sơn công bố điểm thi lớp 10",
)  # fmt: skip
AT_ONCE = 5_000
ENDS = ("", " sau hai năm thi công", ": người dân nói gì?", " – ảnh và video", " trong sáng nay")


@dataclass(frozen=True)
class Past:
    """How much there is: articles, days, the days for which one is read, and every how many
    quarters it is read.
    """

    articles: int = 120
    days: int = 400
    read_days: int = 30
    every: int = 1
    most: int = 260
    """Reads of a busy quarter on the day of publication, of an article in the middle."""


def article_id(number: int) -> str:
    """The id of an article, in the order of publication."""
    return f"p{number:05}"


async def write_past(db: MongoDatabase, now: datetime, past: Past, seed: int = 5) -> None:
    """Write catalogue, counts and buckets."""
    chance, current = random.Random(seed), quarter_of(now)
    today = current // PER_DAY
    levels = {q: busy(q) for q in range((today - past.days) * PER_DAY, current + 1)}
    site: dict[int, Counter[int]] = defaultdict(Counter)
    counted: Counter[str] = Counter()
    known, documents = [], []
    for number in range(past.articles):
        published = today - past.days + number * past.days // past.articles
        weight = past.most * min(chance.paretovariate(1.3), 9)
        known.append(_known(number, start_of(published * PER_DAY + 8), chance))
        for day in range(published, min(published + past.read_days, today + 1)):
            reads = _day(day, weight * 0.78 ** (day - published), levels, past.every, chance)
            if reads:
                site[day].update(reads)
                counted[article_id(number)] += sum(reads.values())
                documents.append(_bucket(article_id(number), day, reads))
        if len(documents) >= AT_ONCE:
            await db.buckets.insert_many(documents)
            documents = []
    documents += [_bucket("*", d, r) | _kinds(d, r) for d, r in site.items()]
    await db.buckets.insert_many(documents)
    await db.catalogue.insert_many(known)
    counted["*"] = sum(counted.values())
    await db.counts.insert_many(
        [{"_id": f"{a}/0", "v": 1, "article": a, "slot": 0, "reads": n} for a, n in counted.items()]
    )


def _day(
    day: int, weight: float, levels: Mapping[int, float], every: int, chance: random.Random
) -> dict[int, int]:
    """{quarter of the day: reads}."""
    found = {}
    for place in range(chance.randrange(every) if every > 1 else 0, PER_DAY, every):
        level = levels.get(day * PER_DAY + place)
        if level is not None and (reads := int(weight * level * chance.uniform(0.4, 1.3) * 0.2)):
            found[place] = reads
    return found


def _known(number: int, published_at: datetime, chance: random.Random) -> dict[str, Any]:
    name = article_id(number)
    return {
        "_id": name, "v": 1, "revision": 1, "state": "published", "content_revision": 1,
        "title": chance.choice(STARTS) + chance.choice(ENDS), "baseline": 0,
        "url": f"https://tin.example.vn/tin/bai-{name}.html", "published_at": published_at,
        "section": SECTIONS[min(int(chance.expovariate(0.7)), len(SECTIONS) - 1)],
    }  # fmt: skip


def _bucket(article: str, day: int, reads: Mapping[int, int]) -> dict[str, Any]:
    name = day_name(day)
    bots = {str(place): n // 4 for place, n in reads.items() if n >= 4}
    return {
        "_id": f"{article}/{name}/0", "v": 1, "article": article, "day": name, "slot": 0,
        "q": {str(place): n for place, n in reads.items()}, "reads": sum(reads.values()),
        "by": {"bot": bots}, "filtered": {"bot": sum(bots.values())},
    }  # fmt: skip


def _kinds(day: int, reads: Mapping[int, int]) -> dict[str, Any]:
    """The classes, referrers and devices of the site's bucket of a day."""
    found: dict[str, dict[str, dict[str, int]]] = {"by": {}, "referrer": {}, "device": {}}
    for key, share in SHARES.items():
        into = found["by" if key[0] == "class" else key[0]]
        into[key[1]] = dict(_shares(reads, share))
    return {**found, "filtered": {k: sum(q.values()) for k, q in found["by"].items()}}


def _shares(reads: Mapping[int, int], share: float) -> Iterator[tuple[str, int]]:
    return ((str(place), int(n * share)) for place, n in reads.items() if int(n * share))


def newest(past: Past) -> str:
    """The id of an article of about a week ago."""
    return article_id(max(0, past.articles - 1 - past.articles * 7 // past.days))


def days_ago(days: int) -> datetime:
    """A moment before now, in UTC."""
    return datetime.now(UTC) - timedelta(days=days)
