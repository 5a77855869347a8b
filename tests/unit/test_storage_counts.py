"""The documents that counts are kept in, by hand."""

from collections import Counter
from datetime import UTC, datetime

from shared.storage.counts import (
    SITE,
    BookEntry,
    DayEntry,
    Total,
    Upsert,
    book,
    bucket,
    bucket_reads_from,
    count,
    late,
    reads_by_article,
    totals,
)

FIRST, LAST = datetime(2026, 11, 23, 8, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_count() -> None:
    assert count("a1", 3, 7) == Upsert(
        "a1/3", {"$inc": {"reads": 7}, "$setOnInsert": {"article": "a1", "slot": 3}}
    )
    assert count(SITE, 0, 1).id == "*/0"


def test_a_count_that_a_correction_lowers() -> None:
    assert count("a1", 3, -7, lowered=True).update["$inc"] == {"reads": -7, "generation": 1}
    # The flush has added as many reads as the correction has taken.
    assert count("a1", 3, 0, lowered=True).update["$inc"] == {"reads": 0, "generation": 1}


def test_of_two_totals_the_later_one_is_the_larger() -> None:
    rows = [{"_id": "a1", "reads": 5, "generation": 2}, {"_id": "b1", "reads": 9}]
    assert totals(rows) == {"a1": Total(2, 5), "b1": Total(0, 9)}
    assert max(Total(0, 9), Total(1, 5), Total(1, 7), Total(0, 99)) == Total(1, 7)


def test_a_bucket_of_people() -> None:
    assert bucket("a1", "2026-11-23", 3, DayEntry(Counter({0: 2, 95: 5}))) == Upsert(
        "a1/2026-11-23/3",
        {
            "$inc": {"q.0": 2, "q.95": 5, "reads": 7},
            "$setOnInsert": {"article": "a1", "day": "2026-11-23", "slot": 3},
        },
    )


def test_a_bucket_of_filtered_reads_alone_has_the_fields_that_readers_expect() -> None:
    filtered = {"bot": Counter({4: 1, 5: 2}), "reload": Counter({4: 9})}
    assert bucket("a1", "2026-11-23", 3, DayEntry(filtered=filtered)).update == {
        "$inc": {
            "by.bot.4": 1,
            "by.bot.5": 2,
            "filtered.bot": 3,
            "by.reload.4": 9,
            "filtered.reload": 9,
        },
        "$setOnInsert": {"article": "a1", "day": "2026-11-23", "slot": 3, "q": {}, "reads": 0},
    }


def test_a_bucket_with_reads_of_class_batch() -> None:
    entry = DayEntry(Counter({4: 7, 5: 2}), Counter({4: 3}), {"bot": Counter({4: 1})})
    assert bucket("a1", "2026-11-23", 3, entry).update["$inc"] == {
        "q.4": 7, "q.5": 2, "reads": 9, "by.batch.4": 3, "by.bot.4": 1, "filtered.bot": 1,
    }  # fmt: skip


def test_the_site_s_bucket_with_sources() -> None:
    entry = DayEntry(
        Counter({4: 7}),
        referrers={"search": Counter({4: 2}), "site": Counter({4: 1})},
        devices={"mobile": Counter({4: 3})},
    )
    assert bucket(SITE, "2026-11-23", 3, entry).update["$inc"] == {
        "q.4": 7, "reads": 7, "referrer.search.4": 2, "referrer.site.4": 1, "device.mobile.4": 3,
    }  # fmt: skip


def test_a_late_marker() -> None:
    assert late("2026-11-23", 3) == Upsert(
        "2026-11-23/3",
        {"$inc": {"number": 1}, "$setOnInsert": {"day": "2026-11-23", "slot": 3}},
    )


def test_the_books_gain_a_batch() -> None:
    entry = BookEntry(
        batches=2, accepted=12, duplicates=1, filtered={"bot": 3}, seen=(41, FIRST, LAST)
    )
    assert book("e", 2, entry) == Upsert(
        "e/2",
        {
            "$inc": {"batches": 2, "accepted": 12, "duplicates": 1, "filtered.bot": 3},
            "$setOnInsert": {"epoch": "e", "slot": 2},
            "$max": {"max_seq": 41, "last_minted_at": LAST},
            "$min": {"first_minted_at": FIRST},
        },
    )


def test_the_books_gain_a_correcting_batch() -> None:
    entry = BookEntry(1, 0, 0, {"bot": 3}, None, {"reader": -3, "bot": 3})
    assert book("keyed", 2, entry).update["$inc"] == {
        "batches": 1, "accepted": 0, "duplicates": 0, "filtered.bot": 3,
        "corrected.reader": -3, "corrected.bot": 3,
    }  # fmt: skip


def test_the_books_gain_nothing_but_a_duplicate() -> None:
    assert book("e", 2, BookEntry(0, 0, 1, {}, None)).update == {
        "$inc": {"batches": 0, "accepted": 0, "duplicates": 1},
        "$setOnInsert": {"epoch": "e", "slot": 2},
    }


def test_questions() -> None:
    sums = {"reads": {"$sum": "$reads"}, "generation": {"$sum": "$generation"}}
    by_article = {"$group": {"_id": "$article", **sums}}
    assert reads_by_article() == [by_article]
    assert reads_by_article(["a1"]) == [{"$match": {"article": {"$in": ["a1"]}}}, by_article]
    assert reads_by_article([]) == [{"$match": {"article": {"$in": []}}}, by_article]
    assert bucket_reads_from("2026-11-23", 94, 96) == {
        "$cond": [{"$eq": ["$day", "2026-11-23"]}, {"$sum": ["$q.94", "$q.95"]}, "$reads"]
    }
