"""How requests are answered: in turns, within budgets of processor time, each answer made once."""

from luotdoc_subscriber.base.tracing import Tracer
from services.stats import api
from services.stats.exporting.exports import Exports
from services.stats.pages.pages import Pages
from services.stats.plain import plainly, site_at_once
from services.stats.reports import Reports
from services.stats.settings import StatsSettings
from shared.base.budget import Budget, ProcessorBudget
from shared.base.metrics import Requests
from shared.web.asgi import App
from shared.web.cors import readable_by
from shared.web.fast_answers import FastAnswers
from shared.web.fastpath import FastHandler
from shared.web.headers import OPEN
from shared.web.observed import observed
from shared.web.remembered import Remembered
from shared.web.revalidated import revalidated
from shared.web.traced import traced
from shared.web.turnstile import in_turns

WHOLE_SHARE, LEAST_SHARE = 0.5, 0.05
"""Shares of a core. Requests wait while stats uses more than the first, because counter and MongoDB
may need the same cores; the second is for them even if the site's figures alone need as much.
Neither counts for those figures, nor for answers that are remembered."""
WHOLE_BURST, WHOLE_DEBT, LEAST_BURST = 0.5, 0.25, 0.1
"""Processor seconds that may be used at once, and the most of them that a rest makes good: as many
as `LEAST_BURST` of the second, so that a rest is not longer than a request may wait."""
REMEMBERED_SECONDS = 1.0


def answering(reports: Reports, exports: Exports, pages: Pages) -> tuple[App, Remembered]:
    """The API, and the answers that it remembers: costly requests in turns, within a budget;
    answers that many want made once.
    """
    whole = Budget(WHOLE_SHARE, WHOLE_BURST, debt=WHOLE_DEBT)
    least = Budget(LEAST_SHARE, LEAST_BURST, debt=LEAST_BURST)
    budget = ProcessorBudget(whole, least)
    made = plainly(api.make(reports, exports, pages), reports)
    queued = site_at_once(in_turns(made, in_a_turn=1, budget=budget), reports)
    memory = Remembered(REMEMBERED_SECONDS, lambda path: api.caching(path) == api.KEPT)
    return memory.around(revalidated(queued, api.caching, api.MOMENT)), memory


def public_api(
    answered: tuple[App, Remembered],
    requests: Requests,
    *,
    settings: StatsSettings,
    tracer: Tracer,
) -> tuple[App, FastHandler | None]:
    """What `answering` gives as others may ask it, and its fast path: None while requests are
    traced, because spans begin in ASGI.
    """
    app, memory = answered
    origins = settings.cors_origins
    served = readable_by(traced(observed(app, requests, OPEN), tracer), origins)
    fast = FastAnswers(memory, requests, OPEN, origins)
    return served, None if tracer.on else fast.take
