"""Article events into stored pages and their events, over a store in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import Registry, new_registry
from luotdoc_subscriber.subscribing import Event
from services.render.metrics import RenderMetrics
from services.render.page import Page
from services.render.rendering.publisher import Publisher
from services.render.rendering.redo import Redo
from services.render.rendering.redo_batch import redo_batch
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings
from tests.support.page_memory import NotedMemory
from tests.support.page_store import PagesInMemory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1.5)
SETTINGS = RenderSettings(
    amqp_url="amqp://a@h", mongo_url="mongodb://h/d?replicaSet=r", base_url="https://tin.vn"
)
RENDERER = Renderer(SETTINGS)
NEW = RENDERER.version


def article(revision: int = 1, article_id: str = "a1", body: str = "<p>Tin</p>") -> events.Article:
    return events.ArticlePublished(
        id=article_id, revision=revision, url="https://cms.vn/x", slug="tin", section="thoi-su",
        title="Tin", lead="Lời dẫn", body_html=body, reads_baseline=5, published_at=NOON,
        modified_at=NOON,
    )  # fmt: skip


def withdrawal(revision: int, reason: str = "withdrawn") -> events.ArticleWithdrawn:
    return events.ArticleWithdrawn.model_validate(
        {
            "id": "a1",
            "revision": revision,
            "url": "https://cms.vn/thoi-su/tin-a1.html",
            "reason": reason,
            "withdrawn_at": NOON,
        }
    )


@dataclass
class Render:
    """A publisher, its store, and its events with the page that is stored as each is sent."""

    store: PagesInMemory = field(default_factory=PagesInMemory)
    registry: Registry = field(default_factory=new_registry)
    sent: list[tuple[events.Data, str, int, str]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """`dropped` for a page dropped from memory, `reported` for one that the change stream has
    reported, else the name of an event."""
    wanted: list[tuple[str, int, str]] = field(default_factory=list)
    """Ids and revisions that search is told of, with the last step before."""
    fails: Callable[[str], Exception | None] = lambda _article: None

    def __post_init__(self) -> None:
        self.publisher = Publisher(
            store=self.store,
            renderer=RENDERER,
            emit=self._emit,
            clock=lambda: LATER,
            memory=NotedMemory(self.steps),
            wanted=self._want,
            metrics=RenderMetrics(self.registry, []),
        )

    async def redo(self) -> int:
        """Render the pages of other templates again."""
        redo = Redo(
            store=self.store,
            version=lambda: NEW,
            redo=partial(redo_batch, self.store, RENDERER),
            publish=self.publisher.events.rendered,
            stored=NotedMemory(self.steps).forget,
        )
        return await redo.run()

    async def _want(self, article_id: str, revision: int) -> None:
        assert self.store.pages[article_id].revision == revision, "the new page is stored first"
        self.wanted.append((article_id, revision, self.steps[-1]))

    async def _emit(self, data: events.Data, article_id: str, revision: int, event_id: str) -> None:
        assert self.store.pages[article_id].revision == revision, "the new page is stored first"
        if error := self.fails(article_id):
            raise error
        self.sent.append((data, article_id, revision, event_id))
        self.steps.append(data.name)

    async def handle(
        self,
        data: events.Article | events.ArticleWithdrawn,
        replay: str = "",
        time: datetime = NOON,
    ) -> bool:
        envelope = events.envelope(
            data, id="e1", source="/luotdoc/ingest", time=time, schemas="https://e.vn/schemas"
        )
        return await self.publisher.handle(Event(data, envelope, replay))

    def seconds(self, metric: str) -> tuple[float | None, float | None]:
        """The number of observations and their sum."""
        value = self.registry.get_sample_value
        return value(f"{metric}_count"), value(f"{metric}_sum")


@pytest.fixture
def render() -> Render:
    return Render()


async def test_an_article_becomes_a_page_and_an_event(render: Render) -> None:
    assert await render.handle(article(revision=3))
    page = render.store.pages["a1"]
    assert (page.revision, page.state, page.template, page.baseline) == (3, "published", NEW, 5)
    assert (page.path, page.section, page.published_at) == (
        *("/thoi-su/tin-a1.html", "thoi-su"),
        NOON,
    )
    assert page.summary == {
        "title": "Tin", "lead": "Lời dẫn", "image": None, "byline": "", "tags": [], "topic": "",
        "language": "vi",
    }  # fmt: skip
    assert page.parts == RENDERER.article(article(revision=3))
    assert page.article == article(revision=3).model_dump()
    assert render.steps == ["dropped a1", "reported a1", "page.rendered"]  # then a reader gets it
    assert render.wanted == [("a1", 3, "reported a1")]
    rendered = events.PageRendered(
        article="a1",
        revision=3,
        url="https://tin.vn/thoi-su/tin-a1.html",
        etag=f"3-{NEW}",
        template=NEW,
        rendered_at=LATER,
    )
    assert render.sent == [(rendered, "a1", 3, f"a1-3-{NEW}")]


@pytest.mark.parametrize("reason", ["withdrawn", "rescheduled"])
async def test_a_withdrawal_leaves_a_tombstone_and_names_the_page_on_this_site(
    render: Render, reason: str
) -> None:
    await render.handle(article())
    render.steps.clear()
    assert await render.handle(withdrawal(2, reason))
    page = render.store.pages["a1"]
    assert (page.revision, page.state, page.template, page.baseline) == (2, reason, NEW, 5)
    assert (page.parts, page.path, page.article) == ([], "", {})
    assert render.steps == ["dropped a1", "reported a1", "page.removed"]
    assert render.wanted[1:] == [("a1", 2, "reported a1")]
    removed = events.PageRemoved(
        article="a1", revision=2, url="https://tin.vn/thoi-su/tin-a1.html", removed_at=LATER
    )
    assert render.sent[1:] == [(removed, "a1", 2, "a1-2-removed")]


@pytest.mark.parametrize("data", [article(1), withdrawal(1)])
async def test_an_older_event_changes_nothing(
    render: Render, data: events.Article | events.ArticleWithdrawn
) -> None:
    await render.handle(article(2))
    held, steps = dict(render.store.pages), list(render.steps)
    assert not await render.handle(data)
    assert (render.store.pages, render.steps) == (held, steps)
    assert len(render.wanted) == 1


@pytest.mark.parametrize("data", [article(1), withdrawal(1)])
async def test_an_event_whose_page_event_was_not_confirmed_sends_it_again(
    render: Render, data: events.Article | events.ArticleWithdrawn
) -> None:
    render.fails = lambda _article: Transient("RabbitMQ did not confirm")
    with pytest.raises(Transient):
        await render.handle(data)
    assert render.sent == []
    render.fails = lambda _article: None
    assert await render.handle(data)
    assert await render.handle(data)
    assert [event_id for *_, event_id in render.sent] == [render.sent[0][3]] * 2
    assert len(render.wanted) == 3  # so search follows though the process dies before it is told


async def test_without_mongodb_nothing_is_sent(render: Render) -> None:
    render.store.away = True
    for data in (article(), withdrawal(1)):
        with pytest.raises(Transient):
            await render.handle(data)
    assert render.steps == []


async def test_the_time_to_the_page_is_measured_once_and_not_in_a_replay(render: Render) -> None:
    await render.handle(article())
    await render.handle(article())  # redelivered
    await render.handle(article(2), replay="r1")
    assert render.seconds("luotdoc_publish_to_served_seconds") == (1, 1.5)
    assert render.seconds("luotdoc_render_seconds")[0] == 3
    await render.handle(article(3), time=LATER + timedelta(seconds=60))  # ingest's clock is ahead
    assert render.seconds("luotdoc_publish_to_served_seconds") == (2, 1.5)


async def test_hosts_whose_pictures_become_links_are_logged_once(
    render: Render, caplog: pytest.LogCaptureFixture
) -> None:
    picture = '<img src="https://x.vn/a.jpg" alt="">'
    for revision in (1, 2):
        await render.handle(article(revision, body=picture))
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warning.endswith("does not list them: x.vn")


# ── pages of other templates ──


def old(name: str, content: dict[str, object]) -> Page:
    return Page(
        name, 1, "published", "old", path=f"/thoi-su/tin-{name}.html", article=content, baseline=5
    )


async def test_pages_of_other_templates_are_rendered_again_and_published(render: Render) -> None:
    await render.handle(article(1, "a1"))  # of the same templates
    content = article(1, "a2").model_dump()
    await render.store.put(old("a2", content))
    await render.store.put(replace(old("a3", {}), state="withdrawn"))
    render.sent.clear()
    render.steps.clear()
    assert await render.redo() == 1
    assert render.steps == ["dropped a2", "page.rendered"]
    assert [event_id for *_, event_id in render.sent] == [f"a2-1-{NEW}"]
    assert render.store.pages["a2"].template == NEW
    assert await render.redo() == 0


async def test_a_page_of_an_earlier_release_learns_the_sizes_of_its_pictures(
    render: Render,
) -> None:
    name = "0" * 32 + ".webp"
    render.store.facts[name] = {"type": "image/webp", "size": 9, "width": 30, "height": 20}
    shown = article(1, "a2", f'<p><img src="/media/{name}" alt="a"></p>')
    await render.store.put(old("a2", shown.model_dump()))
    assert await render.redo() == 1
    page = render.store.pages["a2"]
    assert page.pictures == render.store.facts
    assert 'alt="a" width="30" height="20"' in "".join(page.parts)
    render.store.pages["a2"] = replace(page, template="older")
    assert await render.redo() == 1
    assert render.store.queries("picture_facts") == [name]  # once
    assert render.store.pages["a2"].pictures == render.store.facts


async def test_a_page_whose_event_was_not_confirmed_is_rendered_again(render: Render) -> None:
    await render.store.put(old("a2", article(1, "a2").model_dump()))
    render.fails = lambda _article: Transient("RabbitMQ did not confirm")
    with pytest.raises(Transient):
        await render.redo()
    render.fails = lambda _article: None
    assert await render.redo() == 1
    assert [event_id for *_, event_id in render.sent] == [f"a2-1-{NEW}"]


async def test_a_page_that_has_changed_meanwhile_is_left_alone(render: Render) -> None:
    await render.store.put(old("a2", article(1, "a2").model_dump()))

    def newer(query: str, *_: object) -> None:
        if query == "redo":
            render.store.pages["a2"] = replace(render.store.pages["a2"], revision=2)

    render.store.fails = newer
    assert await render.redo() == 0
    assert (render.steps, render.store.pages["a2"].revision) == ([], 2)


async def test_a_page_that_cannot_be_rendered_again_does_not_stop_the_others(
    render: Render, caplog: pytest.LogCaptureFixture
) -> None:
    good = article(1, "a3").model_dump()
    for name, content in {"a1": {}, "a2": {**good, "revision": float("nan")}, "a3": good}.items():
        await render.store.put(old(name, content))
    assert await render.redo() == 1
    assert [article_id for _, article_id, _, _ in render.sent] == ["a3"]
    faults = [r.getMessage().split()[1] for r in caplog.records if r.levelname == "ERROR"]
    assert faults == ["a1", "a2"]
