"""The fold of batches into hashes of readers, by hand."""

from services.stats.readers.fold import ReaderFold
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope, ScopeDay
from shared.rabbit.batch import Batch, Group, batch_id, join_hashes

DAY = 20_785
A, B, C = b"a" * 8, b"b" * 8, b"c" * 8


def batch(*groups: tuple[str, str, int, list[bytes]]) -> Batch:
    """A batch of (class, article, salt day, visitors); without visitors, of three reads."""
    rows: list[Group] = [
        (kind, article, 1_995_400, len(seen) or 3, day, len(seen))
        for kind, article, day, seen in groups
    ]
    hashes = join_hashes(each.hex() for _, _, _, seen in groups for each in seen)
    return Batch(batch_id("e1", 0), 1_795_860_000_000, rows, hashes)


def test_visitors_are_gathered_by_day_and_article() -> None:
    fold = ReaderFold()
    fold.add(
        batch(
            ("reader", "x", DAY, [A, B]),
            ("batch", "x", 0, []),
            ("bot", "y", 0, []),
            ("reader", "y", DAY, [A]),
            ("reader", "x", DAY + 1, [C]),
            ("reader", "z", 0, []),  # of readers who want to be left alone
        ),
        range(DAY, DAY + 2),
    )
    fold.add(batch(("reader", "x", DAY, [B])), range(DAY, DAY + 2))
    assert fold.days == {DAY: {"x": A + B + B, "y": A}, DAY + 1: {"x": C}}
    assert (fold.hashes, fold.articles()) == (5, {"x", "y"})


def test_days_whose_salt_is_gone_and_days_to_come_are_left_out() -> None:
    fold = ReaderFold()
    fold.add(
        batch(("reader", "x", DAY - 1, [A]), ("reader", "x", DAY, [B]), ("reader", "x", 1, [C])),
        range(DAY, DAY + 2),
    )
    assert fold.days == {DAY: {"x": B}}
    assert fold.lost == {DAY - 1, 1}  # not 0 readers: that is not known
    fold.add(batch(("reader", "x", DAY + 2, [A]), ("reader", "x", 0, [])), range(DAY, DAY + 2))
    again = batch(("reader", "x", DAY - 2, [A]))
    fold.add(again, range(DAY, DAY + 2), again.minted_at)
    other = ReaderFold()
    other.take(fold)
    assert other.lost == {DAY - 1, 1}


def test_a_section_has_its_articles_readers_and_the_site_all() -> None:
    fold, later = ReaderFold(), ReaderFold()
    fold.add(batch(("reader", "x", DAY, [A, B]), ("reader", "y", DAY, [A])), range(DAY, DAY + 1))
    later.add(batch(("reader", "x", DAY, [C]), ("reader", "z", DAY, [C])), range(DAY, DAY + 1))
    fold.take(later)
    assert fold.hashes == 5
    found = fold.scopes({"x": "van-hoa", "y": "van-hoa"})
    assert found == {
        ScopeDay(WHOLE_SITE, DAY): A + B + C + A + C,
        ScopeDay(ReaderScope("section", "van-hoa"), DAY): A + B + C + A,
        ScopeDay(ReaderScope("article", "x"), DAY): A + B + C,
        ScopeDay(ReaderScope("article", "y"), DAY): A,
        ScopeDay(ReaderScope("article", "z"), DAY): C,
    }


def test_ids_tell_scopes_and_days_apart() -> None:
    keys = [
        ScopeDay(WHOLE_SITE, 1),
        ScopeDay(WHOLE_SITE, 2),
        ScopeDay(ReaderScope("section", "a"), 1),
        ScopeDay(ReaderScope("article", "a"), 1),
        ScopeDay(ReaderScope("article", "a1"), 1),
        ScopeDay(ReaderScope("article", "a"), 11),
    ]
    assert len({key.id for key in keys}) == len(keys)
    assert keys[3].id == "article:a:1"
