"""docs/events is what the code says, can be read by others, and stays so."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lxml import html as markup

from luotdoc_events import events
from shared.contract.__main__ import FOLDER, faults, main, releases
from shared.contract.schemas import stem
from tests.support.witness import ROOT, Judge, node

RELEASED = [
    (version, path)
    for version in releases(FOLDER)
    for path in (FOLDER / "released" / version).glob("e*/*")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of docs/events to spoil."""
    return Path(shutil.copytree(FOLDER, tmp_path / "events"))


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_is_committed_is_what_the_code_says() -> None:
    assert faults(FOLDER) == []


def test_the_check_names_what_is_out_of_date(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folder / "asyncapi.json", '"article.published"', '"article.burnt"')
    (folder / "index.html").unlink()
    (folder / "schemas/article.burnt.v1.json").write_text("{}")
    assert main(["check"], folder) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{name} is not what luotdoc_events/events.py says: `make contract` writes it"
        for name in ("asyncapi.json", "index.html", "schemas/article.burnt.v1.json")
    ]
    assert main(["write"], folder) == 0
    assert main(["check"], folder) == 0
    assert not (folder / "schemas/article.burnt.v1.json").exists()


def test_the_check_refuses_what_breaks_subscribers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As if the last release had had a field that the code no longer has."""
    last = releases(folder)[-1]
    released = folder / "released" / last / "schemas/article.withdrawn.v1.event.json"
    spoil(released, '"reason": {', '"editor": {"type": "string"}, "reason": {')
    assert main(["check"], folder) == 1
    reason = "article.withdrawn.v1: data.editor: the field is gone; subscribers read it"
    assert capsys.readouterr().err == f"since {last}, {reason}\n"
    assert main(["release", "99.0.0"], folder) == 1
    assert releases(folder)[-1] == last


def test_a_release_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "99.10.0"], folder) == 0
    assert main(["check"], folder) == 0
    for part in ("schemas", "examples"):
        kept = {
            path.name: path.read_bytes() for path in (folder / "released/99.10.0" / part).iterdir()
        }
        assert kept == {path.name: path.read_bytes() for path in (folder / part).iterdir()}
    assert json.loads((folder / "asyncapi.json").read_bytes())["info"]["version"] == "99.10.0"
    for version, fault in {
        "99.9.0": "99.9.0: the last release is 99.10.0, the next one must be newer",
        "99.10.0": "99.10.0: the last release is 99.10.0, the next one must be newer",
        "v3": "v3: a version is three numbers, such as 1.2.0",
    }.items():
        assert main(["release", version], folder) == 1
        assert capsys.readouterr().err == f"{fault}\n"


def test_an_event_needs_an_example_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = folder / "examples/page.removed.v1.json"
    spoil(example, "page.removed.v1", "page.burnt.v1")
    assert main(["check"], folder) == 1
    assert capsys.readouterr().err == f"{example}: 'luotdoc.page.burnt.v1'\n"
    example.write_bytes((folder / "examples/article.withdrawn.v1.json").read_bytes())
    assert main(["check"], folder) == 1
    assert capsys.readouterr().err == f"{example}: is an example of luotdoc.article.withdrawn.v1\n"
    example.unlink()
    assert main(["write"], folder) == 1
    assert capsys.readouterr().err.startswith("page.removed.v1.json: record an example")


def asyncapi(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Operations, and errors and warnings, that AsyncAPI's own parser finds."""
    done = subprocess.run(
        node("asyncapi.mjs", str(path)), capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(done.stdout)
    worse = [one for one in found["diagnostics"] if one["severity"] <= 1]
    hints = {one["code"] for one in found["diagnostics"]} - {one["code"] for one in worse}
    assert hints <= {"asyncapi-latest-version"}  # 3.0.0, which more tools read than the latest
    return found["operations"], worse


def test_the_asyncapi_document_has_no_error_and_no_warning() -> None:
    assert asyncapi(FOLDER / "asyncapi.json") == ([f"send.{name}" for name in events.EVENTS], [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"action": "send"', '"action": "shout"'),
        ('"#/channels/page.removed"', '"#/channels/page.burnt"'),
        ('"#/components/schemas/Image"', '"#/components/schemas/Burnt"'),
        ('"is": "routingKey"', '"is": "key"'),
    ],
)
def test_the_parser_does_find_what_is_wrong(folder: Path, old: str, new: str) -> None:
    spoil(folder / "asyncapi.json", old, new)
    assert asyncapi(folder / "asyncapi.json")[1]


def test_the_document_says_how_to_subscribe() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    for name, kind in events.EVENTS.items():
        channel = document["channels"][name]
        assert channel["address"] == name
        assert channel["bindings"]["amqp"]["exchange"]["name"] == "luotdoc.events"
        message = document["components"]["messages"][f"{name}.v{kind.version}"]
        assert message["contentType"] == "application/cloudevents+json"
        assert "x-luotdoc-replay" in message["headers"]["properties"]
        assert message["examples"][0]["payload"]["type"] == events.type_of(kind)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (events.ReadsCounted(items=[]), "complete_through"),
        (events.Heartbeat(producer="p", instance="i", event="e", interval=1), "last_id"),
        (events.Heartbeat(producer="p", instance="i", event="e", interval=1), "last_time"),
    ],
)
def test_what_is_not_known_is_null_and_described_so(data: events.Data, field: str) -> None:
    event = events.envelope(
        data, id="e", source="/test", time=datetime.now(UTC), schemas="https://e.vn/schemas"
    )
    assert json.loads(events.encode(event))["data"][field] is None
    description = type(data).model_fields[field].description or ""
    assert "null while" in description
    assert "absent" not in description


@pytest.mark.parametrize(
    ("version", "path"), RELEASED, ids=lambda value: str(getattr(value, "name", value))
)
def test_what_was_ever_released_is_read_for_ever(version: str, path: Path) -> None:
    _, data = events.decode(path.read_bytes())
    assert stem(type(data)) == path.stem
    for schemas in (FOLDER / "released" / version / "schemas", FOLDER / "schemas"):
        whole = json.loads((schemas / f"{path.stem}.event.json").read_bytes())
        Draft202012Validator(whole).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("kind", events.KINDS, ids=stem)
def test_subject_and_sequence_are_always_there_or_never(kind: type[events.Data]) -> None:
    whole = json.loads((FOLDER / f"schemas/{stem(kind)}.event.json").read_bytes())
    example = json.loads((FOLDER / f"examples/{stem(kind)}.json").read_bytes())
    about_article = kind.name.startswith(("article.", "page."))
    for name in ("subject", "sequence"):
        assert (name in whole["properties"], name in whole["required"], name in example) == (
            about_article,
        ) * 3


def test_enumerations_and_models_have_names_of_their_own() -> None:
    """Generators name types after definitions and titles; what has neither becomes
    AnonymousSchema_25.
    """
    held = json.loads((FOLDER / "asyncapi.json").read_bytes())["components"]["schemas"]
    titles = {name: schema["title"] for name, schema in held.items()}
    assert titles.pop("Image") == "ArticleImage"
    assert titles == {name: name for name in titles}
    assert {
        "ArticleChange",
        "WithdrawalReason",
        "ArticlePublished",
        "ArticlePublishedEvent",
    } <= titles.keys()
    unnamed = [
        f"{name}.{field}"
        for name, schema in held.items()
        for field, its in schema.get("properties", {}).items()
        if "enum" in its
        or its.get("type") == "object"
        or ("anyOf" in its and "$ref" in str(its) and "title" not in its)
    ]
    assert unnamed == []


def test_there_is_a_release_of_every_event_in_it() -> None:
    assert RELEASED
    for version in releases(FOLDER):
        held = {path.stem for one, path in RELEASED if one == version}
        schemas = (FOLDER / "released" / version / "schemas").glob("*.event.json")
        assert held == {path.name.removesuffix(".event.json") for path in schemas}


EXAMPLE = json.loads((FOLDER / "examples/article.withdrawn.v1.json").read_bytes())


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as judge:
        yield judge


def judged(judge: Judge, change: dict[str, Any], content_type: str = events.CONTENT_TYPE) -> str:
    event = {name: value for name, value in (EXAMPLE | change).items() if value is not None}
    return judge.fault(json.dumps(event).encode(), content_type, "article.withdrawn", EXAMPLE["id"])


@pytest.mark.parametrize(
    "path", sorted((FOLDER / "examples").iterdir()), ids=lambda path: str(path.stem)
)
def test_the_judge_passes_every_example(judge: Judge, path: Path) -> None:
    body = path.read_bytes()
    name, identity = path.stem.rpartition(".v")[0], json.loads(body)["id"]
    assert judge.fault(body, events.CONTENT_TYPE, name, identity) == ""


def test_the_judge_passes_what_may_be_left_out_or_added(judge: Judge) -> None:
    assert judged(judge, {"correlationid": None}) == ""
    assert judged(judge, {"data": {**EXAMPLE["data"], "later": "addition"}}) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time": None}, "time"),
        ({"time": "yesterday"}, "got 'yest'"),
        ({"source": ""}, "source"),
        ({"specversion": "0.3"}, "spec"),
        ({"dataschema": "/schemas/article.withdrawn.v1.json"}, "dataschema must match format"),
        (
            {"dataschema": "https://e.vn/schemas/page.removed.v1.json"},
            "dataschema must match pattern",
        ),
        ({"sequence": "12"}, "sequence must match pattern"),
        ({"type": "luotdoc.article.burnt.v1"}, "but is luotdoc.article.burnt.v1"),
        ({"type": "luotdoc.article.withdrawn.v9"}, "no committed schema"),
        ({"id": "another"}, "but is luotdoc.article.withdrawn.v1 another"),
        ({"data": {**EXAMPLE["data"], "revision": "3"}}, "revision must be integer"),
        (
            {"data": {**EXAMPLE["data"], "reason": "lost"}},
            "reason must be equal to one of the allowed values",
        ),
        (
            {"data": {k: v for k, v in EXAMPLE["data"].items() if k != "url"}},
            "required property 'url'",
        ),
    ],
)
def test_the_judge_finds_what_is_wrong(judge: Judge, change: dict[str, Any], said: str) -> None:
    assert said in judged(judge, change)


def test_the_judge_wants_the_content_type(judge: Judge) -> None:
    assert judged(judge, {}, "application/json")


def test_the_page_shows_every_event_and_needs_nothing_else() -> None:
    page: Any = markup.document_fromstring((FOLDER / "index.html").read_bytes())
    assert page.get("lang") == "en"
    assert page.xpath("//script | //link | //img | //iframe | //@style | //@onclick | //form") == []
    assert all(address[0] in "/#" for address in page.xpath("//@href"))
    assert len(page.xpath("//h1")) == len(page.xpath("//main")) == 1
    identities = page.xpath("//@id")
    assert len(identities) == len(set(identities))
    assert {link[1:] for link in page.xpath("//nav//@href")} <= set(identities)
    assert page.xpath("//table[not(caption)] | //th[not(@scope)]") == []
    for kind in events.KINDS:
        (section,) = page.xpath(f"//section[h2/@id = '{stem(kind)}']")
        rows = section.xpath(".//tbody/tr/th/code/text()")
        assert [row for row in rows if not re.search(r"[.\[]", row)] == list(kind.model_fields)
        assert json.loads(section.xpath(".//pre")[0].text_content())["type"] == events.type_of(kind)
        assert set(section.xpath(".//@href")) == {
            f"/schemas/{stem(kind)}.json",
            f"/schemas/{stem(kind)}.event.json",
        }


def test_javascript_is_locked_by_hash_and_names_no_place() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_bytes())["packages"]
    assert len(packages) > 5
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
    wanted = json.loads((ROOT / "package.json").read_bytes())
    pinned = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in pinned} == pinned
