"""The npm package in an empty folder: installed, used with Node.js, and compiled by TypeScript."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.packages.place import Place
from tests.packages.portal import ROOT, Portal
from tests.support.guide import block

GUIDE = "docs/subscribers.md"
USER = "search"
TITLE = "Thông xe cầu Vĩnh Ngàn bằng JavaScript"
RECEIVE = """
import amqplib from 'amqplib'
import { faults, isEvent, parse } from '@luotdoc/events'
import { describe } from './guide.js'

const channel = await (await amqplib.connect(process.env.AMQP_URL)).createChannel()
await channel.assertQueue('search.checked', { exclusive: true })
await channel.bindQueue('search.checked', 'luotdoc.events', 'article.published')
await channel.consume('search.checked', (message) => {
  const { id, ...incomplete } = parse(message.content.toString())
  const judged = { valid: isEvent({ id, ...incomplete }), incomplete: faults(incomplete) }
  console.log(JSON.stringify({ ...judged, described: describe(message.content.toString()) }))
  channel.ack(message)
})
"""
"""A subscriber that judges an event as it arrived, and the same event without its id."""
STRICT = ("--strict", "--target", "es2022", "--module", "nodenext")


def check(place: Place, dist: Path, portal: Portal) -> Iterator[str]:
    """Do what the guide says, with Node.js and npm of this machine; a line for each fact."""
    shutil.copytree(dist, place.folder / "dist")
    (place.folder / "package.json").write_text('{"private": true, "type": "module"}')
    line = block(GUIDE, "npm install").strip()
    place.run("sh", "-euc", f"npm install --no-audit --no-fund amqplib@2 && {line}")
    packages = len(place.run("npm", "ls", "--all", "--parseable").splitlines()) - 1
    version = place.run("node", "--version").strip()
    yield f"Node.js {version}, {line}: {packages} packages are there, amqplib among them"
    yield _compiled(place)
    yield from _received(place, portal)


def _compiled(place: Place) -> str:
    """`tsc --strict` takes the guide's code, and refuses it with a wrong name of a field."""
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]["typescript"]
    place.run("npm", "install", "--no-audit", "--no-fund", f"typescript@{wanted}")
    code = block(GUIDE, "import { isEvent }")
    (place.folder / "guide.ts").write_text(code)
    (place.folder / "wrong.ts").write_text(code.replace("data.title", "data.titel"))
    place.run("npx", "tsc", *STRICT, "guide.ts")
    said = place.run("npx", "tsc", *STRICT, "--noEmit", "wrong.ts", fails=True)
    (found,) = re.findall(r"error (TS\d+: [^\n]*?\.)", said)
    return f"tsc --strict: the guide's code is right; with a wrong name: {found}"


def _received(place: Place, portal: Portal) -> Iterator[str]:
    """The guide's program prints a published article; the package's validators judge it."""
    (place.folder / "first.js").write_text(block(GUIDE, "import amqplib"))
    (place.folder / "receive.js").write_text(RECEIVE)
    address = portal.subscriber(USER)
    with (
        place.running("node", "first.js", AMQP_URL=address) as first,
        place.running("node", "receive.js", AMQP_URL=address) as receive,
    ):
        portal.await_binding(f"{USER}.titles")
        portal.await_binding(f"{USER}.checked")
        url = portal.publish("javascript", TITLE)
        yield f"the guide prints: {first.says('luotdoc.article.published.v1', TITLE, url)}"
        judged = json.loads(receive.says(TITLE))
    assert judged["valid"] is True, judged
    assert judged["described"] == f"luotdoc.article.published.v1 {TITLE}", judged
    assert judged["incomplete"] == ["event must have required property 'id'"], judged
    yield f"@luotdoc/events judges it valid, and without its id: {judged['incomplete'][0]}"
