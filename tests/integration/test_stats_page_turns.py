"""What a page costs, and how long it holds the event loop, on a portal of 10,000 articles."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.metrics import new_registry
from services.stats.app import make_pages
from services.stats.metrics import StatsMetrics
from services.stats.pages.languages import LANGUAGES
from services.stats.pages.pages import Pages
from services.stats.pages.spans import PERIODS
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope
from services.stats.settings import StatsSettings
from shared.base.budget import Metered
from shared.web.remembered import MOST_BYTES
from tests.integration.conftest import Emptied
from tests.support.readers_past import write_readers
from tests.support.reporting import Reporting, reporting
from tests.support.traffic_past import Past, newest, write_past

NOW = datetime(2026, 11, 23, 7, 36, 5, tzinfo=UTC)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
PAST = Past(articles=10_000, days=100, read_days=3, every=12)
LONGEST_SECONDS = 0.02
SETTINGS = StatsSettings(amqp_url="amqp://h", mongo_url="mongodb://h/d")


class Turns:
    """Notes the processor time of each step, in milliseconds."""

    def __init__(self) -> None:
        self.took: list[float] = []

    def spend(self, seconds: float) -> None:
        """Note a step."""
        self.took.append(seconds * 1e3)


async def turns(work: Any) -> tuple[list[float], Any]:
    """The processor time of each step of `work` in milliseconds, and its result."""
    noted: Any = Turns()
    return noted.took, await Metered(work, noted)


def pages_of(stats: Reporting) -> Pages:
    """Pages that remember nothing yet."""
    return make_pages(
        SETTINGS,
        stats.store,
        stats.reports,
        stats.keeper,
        stats.audience,
        StatsMetrics(new_registry()),
        lambda: NOW,
    )


async def test_a_page_is_made_in_short_turns(emptied: Emptied) -> None:
    await write_past(emptied.db, NOW, PAST)
    await write_readers(emptied.db, NOW, 800, (WHOLE_SITE, ReaderScope("article", newest(PAST))))
    stats = reporting(emptied.client, emptied.db, lambda: NOW, HANOI)
    await stats.keeper.step()
    for _ in range(3):
        while await stats.maker.step((await stats.keeper.refreshed()).site):
            pass
        await stats.keeper.step()
    for period in PERIODS:
        for language in LANGUAGES.values():
            took: list[list[float]] = []
            page = None
            for _ in range(3):  # one of them: another process may disturb the others
                fresh = pages_of(stats)
                found, page = await turns(fresh.site.page(period, language))
                took.append(found)
                if max(found) < LONGEST_SECONDS * 1e3:
                    break
            assert page
            assert page.status == 200
            assert len(page.body) < MOST_BYTES
            best = min(took, key=max)
            print(
                f"\n/stats/?period={period}&lang={language.code}: {sum(best):.1f} ms in "
                f"{len(best)} turns, the longest {max(best):.1f} ms; first {sum(took[0]):.1f} ms; "
                f"{len(page.body) >> 10} KiB",
                end="",
            )
            assert max(best) < LONGEST_SECONDS * 1e3
    pages = pages_of(stats)
    found, page = await turns(pages.articles.page(newest(PAST), LANGUAGES["vi"]))
    print(f"\nan article: {sum(found):.1f} ms, the longest turn {max(found):.1f} ms")
    assert page.status == 200
    assert max(found) < LONGEST_SECONDS * 1e3
