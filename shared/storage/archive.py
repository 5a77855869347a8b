"""The archive: old days of articles' buckets, one document for each article and UTC month. Pure.

counter moves the buckets there; stats reads both.

    archive   <article>/<YYYY-MM>   {article, month, days: {"01": sums of that day's buckets, …}}

A day has the fields of its buckets but for their ids, added up over the slots: `reads`, `q`,
`filtered`, `by` (`shared.storage.counts`). One that people did not read has no `q`. The site's own
buckets are not moved. A read that is counted later makes a bucket of an archived month again, which
the next move adds to the archive. So whoever adds up an article's reads reads both collections in
one snapshot.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from luotdoc_subscriber.base.errors import Permanent
from shared.storage.counts import Upsert
from shared.storage.versions import Document

KEEP_DAYS_AT_LEAST = 100
"""Lower bound for the age at which a bucket may be moved. Top lists of up to three months need the
buckets alone."""
_IDENTITY = frozenset(("_id", "v", "article", "day", "slot"))


def first_month_kept(moment: datetime, keep_days: int) -> str:
    """The first UTC month, such as `2026-08`, whose buckets stay where they are at `moment`.
    The last days of the months before it are more than `keep_days` ago.
    """
    return (moment.astimezone(UTC).date() - timedelta(days=keep_days)).isoformat()[:7]


def archived(article: str, month: str, buckets: Iterable[Mapping[str, Any]]) -> Upsert:
    """The update that adds `buckets` of an article, all of days in `month`, to its archive.

    Every number in a bucket is added, also in fields that this release does not know.
    Raises `Permanent` if a field is neither a whole number nor a map of them.
    """
    sums: dict[str, int] = {}
    for bucket in buckets:
        for path, number in _numbers(bucket, f"days.{bucket['day'][-2:]}"):
            sums[path] = sums.get(path, 0) + number
    fixed: Document = {"article": article, "month": month}
    return Upsert(f"{article}/{month}", {"$inc": sums, "$setOnInsert": fixed})


def _numbers(fields: Mapping[str, Any], path: str) -> Iterator[tuple[str, int]]:
    for name, value in fields.items():
        if name in _IDENTITY:
            continue
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{path}.{name}")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{path}.{name}", value
        else:
            raise Permanent("unreadable", f"{path}.{name} is {value!r:.60}, no whole number")
