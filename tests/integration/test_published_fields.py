"""An article's series, translations, files and corrections, and letters of every kind: from a
client's `PUT` to the stored document, the event and the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
import orjson
import pytest

from luotdoc_subscriber.rabbit import layout
from tests.support.system import EDITOR, System
from tests.support.vietnamese import WAYS, letters

Told = Callable[[int], Awaitable[list[dict[str, Any]]]]
FIELDS: dict[str, Any] = {
    "topic": "Cầu qua sông Vĩnh Ngàn",
    "pinned": True,
    "translations": [{"language": "en", "article": "bridge"}],
    "attachments": [
        {"url": "/media/b.pdf", "title": "Bản vẽ", "type": "application/pdf", "size": 12},
        {"url": "https://tep.example.vn/c", "title": "Quyết định", "type": "", "size": 0},
    ],
    "audio": "/media/c.mp3",
}


@pytest.fixture
async def told(system: System) -> AsyncIterator[Told]:
    """A function that answers the `data` of the next events of articles."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(layout.EVENTS_EXCHANGE.name, "article.*")

        async def following(number: int) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            async with asyncio.timeout(10), queue.iterator() as messages:
                async for message in messages:
                    found.append(orjson.loads(message.body)["data"])
                    if len(found) == number:
                        break
            return found

        yield following


async def test_new_fields_reach_the_answer_and_the_event(system: System, told: Told) -> None:
    await system.start("ingest")
    path = f"{system.url('ingest')}/articles/cau1"
    answer = (await system.put("cau1", **FIELDS)).json()
    assert {name: answer[name] for name in FIELDS} == FIELDS
    assert (answer["corrections"], answer["warnings"]) == ([], [])
    assert {name: (await system.http.get(path)).json()[name] for name in FIELDS} == FIELDS
    cleared = (await system.put("cau1")).json()
    assert [cleared[name] for name in FIELDS] == ["", False, [], [], ""]
    first, second = await told(2)
    root = first["url"].rpartition("/thoi-su/")[0]
    assert (first["topic"], first["pinned"], first["audio"]) == (
        "Cầu qua sông Vĩnh Ngàn",
        True,
        f"{root}/media/c.mp3",
    )
    assert [file["url"] for file in first["attachments"]] == [
        f"{root}/media/b.pdf",
        "https://tep.example.vn/c",
    ]
    assert first["translations"] == FIELDS["translations"]
    assert (second["attachments"], second["change"]) == ([], "major")


async def test_corrections_are_told_with_what_the_editor_said(system: System, told: Told) -> None:
    await system.start("ingest")
    await system.put("sai1", title="Cầu Vĩnh Ngạn")
    right: dict[str, Any] = {"title": "Cầu Vĩnh Ngàn", "correction": "Sai tên cầu."}
    answer = (await system.put("sai1", **right)).json()
    assert [each["note"] for each in answer["corrections"]] == ["Sai tên cầu."]
    again = (await system.put("sai1", **right)).json()
    assert (again["revision"], again["corrections"]) == (2, answer["corrections"])
    typo = (await system.put("sai1", title="Cầu Vĩnh Ngàn.", change="minor")).json()
    assert (typo["revision"], typo["corrections"]) == (3, answer["corrections"])
    events = await told(3)
    assert [[each["note"] for each in event["corrections"]] for event in events] == [
        [],
        ["Sai tên cầu."],
        ["Sai tên cầu."],
    ]
    assert [event["change"] for event in events] == ["major", "major", "minor"]


async def test_translations_are_of_others_and_one_in_each_language(system: System) -> None:
    await system.start("ingest")
    own = [{"language": "en", "article": "dich1"}]
    refused = await system.put("dich1", translations=own)
    assert (refused.status_code, refused.json()["errors"]) == (
        422,
        [{"path": "translations", "message": "must name other articles"}],
    )
    three = [
        {"language": "en", "article": "a"},
        {"language": "EN", "article": "b"},
        {"language": "vi", "article": "c"},
    ]
    refused = await system.put("dich1", translations=three)
    assert refused.json()["errors"][0]["path"] == "translations.1.language"
    three[1]["language"] = "en"
    answer = (await system.put("dich1", translations=three)).json()
    assert answer["translations"] == three[:1]
    assert [warned["path"] for warned in answer["warnings"]] == ["translations"]
    strict = await system.http.put(
        f"{system.url('ingest')}/articles/dich1?strict=true",
        json={"title": "x", "section": "x", "body_html": "<p>x</p>", "translations": three},
        headers=EDITOR,
    )
    assert strict.status_code == 422


async def test_a_letter_is_stored_in_one_form_however_a_client_writes_it(system: System) -> None:
    """One article, sent in each way: only the first request changes it."""
    await system.start("ingest")
    every = list(letters())
    wanted = [" ".join(f"t{each.one}n" for each in every[at : at + 44]) for at in (0, 44, 88)]
    answer: dict[str, Any] = {}
    for way in WAYS.values():
        texts = [" ".join(f"t{way(each)}n" for each in every[at : at + 44]) for at in (0, 44, 88)]
        answer = (
            await system.put(
                "chu1",
                title=texts[0],
                lead=" ".join(texts),
                byline=" ".join(way(each) for each in every[:60]),
                topic=" ".join(way(each) for each in every[:40]),
                tags=[f"t{way(each)}n" for each in every[:20]],
                body_html=f"<h2>{texts[1]}</h2><p>{texts[2]}</p>",
                image={"url": "/a.webp", "alt": texts[0], "caption": texts[1], "credit": "Đ"},
            )
        ).json()
        assert answer["revision"] == 1
    assert (answer["title"], answer["lead"]) == (wanted[0], " ".join(wanted))
    assert answer["byline"] == " ".join(each.one for each in every[:60])
    assert answer["topic"] == " ".join(each.one for each in every[:40])
    assert answer["tags"] == [f"t{each.one}n" for each in every[:20]]
    assert (answer["image"]["alt"], answer["image"]["caption"]) == (wanted[0], wanted[1])
    assert f">{wanted[1]}</h2>" in answer["body_html"]
    assert f"<p>{wanted[2]}</p>" in answer["body_html"]
    assert answer["slug"].isascii()
    document = await system.db.articles.find_one({"_id": "chu1"})
    assert document
    assert document["title"] == wanted[0]
