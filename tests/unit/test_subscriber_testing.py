"""`luotdoc_subscriber.testing` gives the verdicts of the table that the real consumer gives too."""

import asyncio
import sys
from types import ModuleType
from typing import Any

import pytest

from luotdoc_events import events
from luotdoc_events.events import (
    Article,
    ArticlePublished,
    ArticleUpdated,
    ArticleWithdrawn,
    PageRendered,
)
from luotdoc_subscriber import Event, InMemory, Permanent, Retry, Transient, Unguarded
from luotdoc_subscriber.rabbit.layout import RETRY_DELAYS
from luotdoc_subscriber.testing import (
    FakeQueue,
    Handled,
    Ignored,
    Parked,
    Retried,
    Stale,
    example,
)
from tests.support.guide import block
from tests.support.verdict_cases import CASES, DELAYS, CrankyGuard, Sent, Subscriber


@pytest.mark.parametrize("name", CASES)
async def test_the_verdict_on(name: str) -> None:
    case, subscriber = CASES[name], Subscriber()
    queue = FakeQueue(subscriber.handle, guard=CrankyGuard(), delays=DELAYS)

    async def deliver(message: Sent) -> Any:
        return await queue.deliver_raw(message.body, properties=message.raw)

    for message in case.before:
        await deliver(message)
    subscriber.calls = 0
    verdict = await deliver(case.message)
    assert (verdict, subscriber.calls) == (case.verdict, case.calls)
    assert (case.detail or "") in getattr(verdict, "detail", "")
    assert (case.detail is None) == (not getattr(verdict, "detail", ""))


async def test_every_event_can_be_delivered() -> None:
    seen = []

    async def handle(event: Event[events.Data]) -> None:
        seen.append(type(event.data))
        assert (event.envelope.subject == "a1") == event.data.of_article

    queue = FakeQueue(handle, guard=InMemory())
    for kind in events.KINDS:
        assert await queue.deliver(example(kind)) in (Handled(), Stale())
    assert seen == [kind for kind in events.KINDS if kind not in (ArticleUpdated, ArticleWithdrawn)]


async def test_an_example_has_the_fields_that_a_test_gives() -> None:
    article = example(ArticleUpdated, id="b2", revision=7, title="Cầu Vĩnh Ngân")
    assert (article.id, article.revision, article.title) == ("b2", 7, "Cầu Vĩnh Ngân")
    with pytest.raises(ValueError, match="revision"):
        example(ArticleUpdated, revision=0)


async def test_an_event_is_delivered_until_it_is_settled() -> None:
    broken = True

    async def handle(event: Event[Article]) -> None:
        if broken:
            raise Retry("refused", "the cache answers 500")

    queue = FakeQueue(handle, guard=InMemory())
    verdicts = await queue.deliver_until_settled(example(ArticlePublished))
    assert verdicts == [
        *(Retried(delay, number, 4) for number, delay in enumerate(RETRY_DELAYS, 1)),
        Parked("refused"),
    ]
    broken = False
    assert await queue.deliver_until_settled(example(ArticlePublished)) == [Handled()]


async def test_an_event_whose_server_is_away_is_never_parked() -> None:
    async def handle(event: Event[Article]) -> None:
        raise Transient("the database is away")

    queue = FakeQueue(handle, guard=InMemory(), delays=(1.0, 60.0))
    verdicts = await queue.deliver_until_settled(example(ArticlePublished), most=5)
    assert verdicts == [
        Retried(delay, number, None) for number, delay in enumerate((1, 60, 60, 60, 60), 1)
    ]


async def test_a_retry_keeps_headers_and_counts_both_kinds() -> None:
    errors: list[Exception] = [
        Retry("refused", "x"),
        *[Transient("away")] * 3,
        Retry("refused", "x"),
    ]
    replays = []

    async def handle(event: Event[Article]) -> None:
        replays.append(event.replay)
        raise errors.pop(0) if errors else Permanent("done", "x")

    queue = FakeQueue(handle, guard=InMemory(), delays=(1.0, 60.0))
    verdicts = await queue.deliver_until_settled(example(ArticlePublished), replay="all")
    assert verdicts == [Retried(1, 1, 2), Retried(1, 1, None), Retried(60, 2, 2), Parked("done")]
    assert set(replays) == {"all"}


async def test_without_a_guard_every_event_reaches_the_handler() -> None:
    seen = []

    async def handle(event: Event[Article]) -> None:
        seen.append(event.data.revision)

    for guard in (None, Unguarded()):
        queue = FakeQueue(handle, guard=guard)
        for revision in (2, 1, 2):
            assert await queue.deliver(example(ArticlePublished, revision=revision)) == Handled()
    assert seen == [2, 1, 2] * 2


async def test_two_queues_may_share_a_guard() -> None:
    async def handle(event: Event[Article]) -> None: ...

    guard = InMemory()
    first = FakeQueue(handle, guard=guard, name="search.a")
    second = FakeQueue(handle, guard=guard, name="search.b")
    article = example(ArticlePublished)
    verdicts = [await queue.deliver(article) for queue in (first, second, first, second)]
    assert verdicts == [Handled(), Handled(), Stale(), Stale()]


async def test_an_envelope_is_delivered_as_it_is() -> None:
    ids = []

    async def handle(event: Event[PageRendered]) -> None:
        ids.append((event.envelope.id, event.replay))

    envelope = events.envelope(
        example(PageRendered),
        id="own",
        source="/luotdoc/render",
        time=example(PageRendered).rendered_at,
        schemas="https://www.example.org/schemas",
        subject="a1",
        revision=1,
    )
    queue = FakeQueue(handle, guard=InMemory())
    assert await queue.deliver(envelope, replay="all") == Handled()
    assert await queue.deliver(example(ArticlePublished)) == Ignored()
    assert ids == [("own", "all")]


async def test_headers_and_properties_exclude_each_other() -> None:
    async def handle(event: Event[Article]) -> None: ...

    with pytest.raises(ValueError, match="give headers or properties"):
        await FakeQueue(handle, guard=None).deliver_raw(b"{}", {}, properties=b"\0\0")


async def test_a_test_that_is_cancelled_ends() -> None:
    begun = asyncio.Event()

    async def handle(event: Event[Article]) -> None:
        begun.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(FakeQueue(handle, guard=None).deliver(example(ArticlePublished)))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("page", ["docs/subscribers.md", "packages/subscriber/README.md"])
async def test_the_examples_of_the_documents(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def index(event: Event[Article | ArticleWithdrawn]) -> None:
        if isinstance(event.data, Article) and event.data.title == "fails":
            raise Retry("refused", "the index answers 500")

    handlers = ModuleType("handlers")
    handlers.index = index  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "handlers", handlers)
    names: dict[str, Any] = {}
    exec(block(page, "FakeQueue"), names)
    await names["test_index"]()


def test_an_annotation_that_names_no_event_is_refused() -> None:
    async def image(event: Event[events.Image]) -> None: ...  # type: ignore[type-var]

    async def one_of_two(event: Event[Article | events.Count]) -> None: ...  # type: ignore[type-var]

    for handle, name in ((image, "Image"), (one_of_two, "Count")):
        with pytest.raises(TypeError, match=f"{name} is no event"):
            FakeQueue(handle, guard=None)
