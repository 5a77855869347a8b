"""The local stack: sample articles, pretended readers and the line of totals."""

import random
from collections import Counter
from datetime import UTC, datetime

import crawleruseragents
import pytest

from deploy.local.demo import totals_line
from deploy.local.readers import pick_articles, referrers, user_agents
from deploy.local.samples import Sample, article_body, media_names
from services.ingest.reads.referrers import Referrers
from shared.rabbit.batch import REFERRERS

NOW = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)


@pytest.fixture
def sample() -> Sample:
    return {
        "id": "a1",
        "title": "Hội đền",
        "section": "van-hoa",
        "body_html": '<p>Chữ</p><img src="media:cau-song.webp" alt="Cầu">',
        "hours_ago": 30,
        "image": {"url": "media:hoi-den.webp", "alt": "Đền"},
        "reads_baseline": 12,
    }


def test_pictures_are_found_in_image_and_text(sample: Sample) -> None:
    assert media_names(sample) == {"hoi-den.webp", "cau-song.webp"}


def test_the_body_has_the_pictures_paths_and_the_time_of_publication(sample: Sample) -> None:
    media = {"hoi-den.webp": "/media/1f.webp", "cau-song.webp": "/media/2e.webp"}

    assert article_body(sample, media, None, NOW) == {
        "title": "Hội đền",
        "section": "van-hoa",
        "body_html": '<p>Chữ</p><img src="/media/2e.webp" alt="Cầu">',
        "image": {"url": "/media/1f.webp", "alt": "Đền"},
        "reads_baseline": 12,
        "published_at": "2024-05-05T01:08:09+00:00",
    }


def test_an_article_loaded_before_keeps_its_time(sample: Sample) -> None:
    media = {"hoi-den.webp": "/media/1f.webp", "cau-song.webp": "/media/2e.webp"}

    body = article_body(sample, media, "2024-05-01T00:00:00Z", NOW)

    assert body["published_at"] == "2024-05-01T00:00:00Z"


def test_readers_have_different_browsers_and_none_looks_like_a_bot() -> None:
    agents = user_agents(200, random.Random(1))

    assert len(set(agents)) == 200
    assert not [agent for agent in agents if crawleruseragents.is_crawler(agent)]


def test_readers_come_from_all_kinds_of_places() -> None:
    site = "http://127.0.0.1:8000"
    classes = Referrers([site])
    found = Counter(
        classes.class_of(referrer, False) for referrer in referrers(site, 1_000, random.Random(1))
    )
    assert found.keys() == set(REFERRERS)


def test_some_articles_are_read_much_more_than_others() -> None:
    reads = Counter(pick_articles(list("abcdefghij"), 1_000, random.Random(1)))
    most, *_, least = [count for _, count in reads.most_common()]

    assert reads.total() == 1_000
    assert most > 5 * least > 0


def test_the_totals_in_one_line() -> None:
    site = {"total": 12_345, "today": 67, "counted": 1}
    top = {"items": [{"article": "a1", "title": "Hội đền", "reads": 8}]}

    assert totals_line(site, top) == "total 12,345 · today 67 · most read in 24 h: Hội đền (8)"
    assert totals_line(site, {"items": []}) == "total 12,345 · today 67"
