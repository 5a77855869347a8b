"""The kit in a bare environment of one Python: installed, used, and looked at."""

import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.packages.place import Place, Running, wait_for
from tests.packages.portal import ROOT, Portal, cache
from tests.support.guide import block

FILES = 25
"""Upper bound for the files that `pip download` brings."""
FOREIGN = {
    *("pymongo", "motor", "bson", "gridfs", "fastapi", "uvicorn", "starlette"),
    *("shared", "services", "deploy", "tests"),
}
"""Modules that no subscriber may need."""
GUIDE = "docs/subscribers.md"
TRIED = re.compile(r"^import time: +\d+ \| +\d+ \| *(\w+)", re.MULTILINE)
"""A line of `python -X importtime`: the first part of a module's name."""
FOUND = """
import sys
from importlib.util import find_spec
print(*(n for n in sys.argv[1:] if n not in sys.stdlib_module_names and find_spec(n)))
"""


def check(place: Place, version: str, dist: Path, portal: Portal) -> Iterator[str]:
    """Do what the guide says, with `python<version>`; a line for each fact."""
    shutil.copytree(dist, place.folder / "dist")
    place.run(f"python{version}", "-m", "venv", "bare")
    held = place.run("bare/bin/python", "-m", "pip", "--version").split(" from ")[0]
    yield f"{place.run('bare/bin/python', '--version').strip()}, a bare environment with {held}"
    yield from _install(place)
    yield from _first_event(place, version, portal)
    yield from _examples(place, version, portal)
    yield from _types(place)


def _pip(place: Place, *arguments: str) -> str:
    return place.run("bare/bin/pip", *arguments)


def _install(place: Place) -> Iterator[str]:
    _pip(place, "download", "--quiet", "--find-links=dist", "--dest=files", "luotdoc-subscriber")
    files = len(list((place.folder / "files").iterdir()))
    assert files <= FILES, f"{files} files"
    yield f"pip download luotdoc-subscriber: {files} files, at most {FILES}"
    line = block(GUIDE, "pip install").split()
    assert line[0] == "pip"
    began = time.monotonic()
    _pip(place, *line[1:])
    seconds = time.monotonic() - began
    listed = [name.partition("==")[0] for name in _pip(place, "freeze", "--all").split()]
    assert not FOREIGN & {name.lower() for name in listed}, listed
    _pip(place, "check")
    yield f"{' '.join(line)}: {len(listed)} packages are there after {seconds:.0f} s"


def _first_event(place: Place, version: str, portal: Portal) -> Iterator[str]:
    """The program of the guide, as its own user, prints a published article."""
    user = f"python{version.replace('.', '')}"
    code = block(GUIDE, "from luotdoc_subscriber import").replace("search", user)
    (place.folder / "first.py").write_text(code)
    address = portal.subscriber(user)
    command = ("bare/bin/python", "-X", "importtime", "first.py")
    with place.running(*command, LUOTDOC_AMQP_URL=address) as program:
        program.says("has started")
        title = f"Thông xe cầu Vĩnh Ngàn {version}"
        began = time.monotonic()
        url = portal.publish(f"first{version.replace('.', '')}", title)
        line = program.says("luotdoc.article.published.v1", title, url)
        seconds = time.monotonic() - began
        tried = set(TRIED.findall(program.text()))
    assert program.process.returncode == 0, program.text()[-3000:]
    lines = sum(1 for each in code.splitlines() if each)
    assert lines <= 10, f"{lines} lines"
    yield f"{lines} lines of the guide print after {seconds:.1f} s: {line}"
    yield _imported(place, tried)


def _imported(place: Place, tried: set[str]) -> str:
    """What the program imported besides Python's own library; `tried` are names of modules."""
    found = place.run("bare/bin/python", "-c", FOUND, *sorted(tried)).split()
    names = [name for name in found if not name.startswith("_") and name != "first"]
    assert {"luotdoc_events", "luotdoc_subscriber", "pydantic", "aio_pika"} <= set(names), names
    assert not FOREIGN & set(names), names
    none = ", ".join(sorted(FOREIGN))
    return f"it imported {' '.join(names)}; none of {none}"


def _examples(place: Place, version: str, portal: Portal) -> Iterator[str]:
    """Each complete example, a copy of its file, does its work with a newly published article."""
    _pip(place, "install", "--quiet", "httpx")
    article, title = f"examples{version.replace('.', '')}", f"Mở lại phố đi bộ {version}"
    for name in ("digest.py", "cache_purger.py"):
        shutil.copy(ROOT / "docs/examples" / name, place.folder)
    with ExitStack() as stack, cache() as (address, purged):

        def start(name: str, user: str, **settings: str) -> Running:
            program = stack.enter_context(
                place.running(
                    "bare/bin/python", name, LUOTDOC_AMQP_URL=portal.subscriber(user), **settings
                )
            )
            program.says("has started")
            return program

        digest = start("digest.py", "digest", LUOTDOC_DIGEST_SECONDS="1")
        purger = start("cache_purger.py", "cache-purger", LUOTDOC_CACHE_URL=address)
        url = portal.publish(article, title)
        digest.says(title)
        wait_for(lambda: url in purged, f"{url} is purged")
        for program in (digest, purger):
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(30) == 0, program.text()[-3000:]
    yield f"docs/examples/digest.py printed “{title}”, cache_purger.py purged {url}"


def _types(place: Place) -> Iterator[str]:
    """The packages are typed: a strict check of the guide's program finds a wrong field."""
    (mypy,) = re.findall(r"^(mypy==\S+)", (ROOT / "requirements-dev.txt").read_text(), re.M)
    _pip(place, "install", "--quiet", mypy)
    check = ("bare/bin/python", "-m", "mypy", "--strict")
    place.run(*check, "first.py")
    code = (place.folder / "first.py").read_text()
    (place.folder / "wrong.py").write_text(code.replace("event.data.title", "event.data.titel"))
    (found,) = re.findall(r"error: (.*\[attr-defined\])", place.run(*check, "wrong.py", fails=True))
    yield f"mypy --strict: the program is right; with a wrong name: {found}"
