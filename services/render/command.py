"""The operator's command `redo`: renders pages again with the present templates, with a progress
bar.
"""

import os

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.plainly import say
from luotdoc_subscriber.base.progress import ProgressLine
from luotdoc_subscriber.rabbit import broker as rabbit
from services.render.emitting import emitter
from services.render.rendering.page_events import PageEvents
from services.render.rendering.redo import Redo
from services.render.rendering.redo_processes import NICE, RedoProcesses
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings
from services.render.store import PageStore
from shared.rabbit.declaring import declare_own
from shared.storage import mongo

IN_FLIGHT = 50
"""Events of one batch that await their confirms at once: no reader waits here."""


async def redo_pages(settings: RenderSettings, processes: int = 0) -> int:
    """Render every page of other templates again. Returns the exit status.

    `processes` render at a time; 0: one for each processor but the last, which is for news. It may
    be stopped and repeated, and render may run. Raises `Transient` and `Refused`.
    """
    os.nice(NICE)  # of the same machine's renders
    processes = processes or max(1, len(os.sched_getaffinity(0)) - 1)
    client, db = mongo.connect(settings.mongo_url, "render-redo")
    broker = rabbit.make_broker(settings, "render-redo")
    store, renderer = PageStore(db), Renderer(settings)
    redo = Redo(
        store=store,
        version=lambda: renderer.version,
        redo=RedoProcesses(settings, Renderer, lambda: renderer.version, processes=processes).redo,
        publish=PageEvents(emitter(broker, now), lambda: renderer.site.url, now).rendered,
        stored=lambda _article: None,  # the renders have their change streams
        at_once=processes + 1,  # one is told while the others are rendered
        in_flight=IN_FLIGHT,
    )
    try:
        await mongo.reach(client, "render")
        try:
            await rabbit.connect_once(broker, declare_own)
        except rabbit.BROKER_ERRORS as error:
            why = rabbit.reason_of_wait(error)
            raise Refused(f"RabbitMQ: {why}; run this again when it is up") from None
        total = await store.outdated_number(renderer.version)
        with ProgressLine("pages") as line:
            redone = await redo.run(lambda done: line.advance(done, max(done, total)))
        left = await store.outdated_number(renderer.version)
    finally:
        await broker.stop()
        await mongo.close(client)
    say(f"{redone} pages were rendered again")
    if left:
        say(f"{left} can't be rendered from their stored articles; the lines above name them")
    return 1 if left else 0
