"""`python -m tests.packages`: do the packages in dist/ work for somebody who has only those?

In bare environments of Python 3.11 and 3.13, and in an empty folder for Node.js: install what
`make packages` built by the lines of docs/subscribers.md, start the system of `make up`, make a
subscriber's user, run the guide's programs and the examples, publish an article, and see its event
arrive. One line for each fact. Ends with status 1 when anything went wrong or is missing.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from luotdoc_subscriber.base.command import Command
from tests.packages import javascript, python
from tests.packages.place import Missing, Place, python_place
from tests.packages.portal import ROOT, portal

PYTHONS = ("3.11", "3.13")
"""The oldest Python that the kit promises, and the newest that it is tried with."""


def facts(place: Path, dist: Path) -> Iterator[str]:
    """Check everything; a line for each fact. Raises `Missing` before anything is installed."""
    pythons = {version: python_place(version, place) for version in PYTHONS}
    if not (shutil.which("node") and shutil.which("npm")):
        raise Missing("Node.js and npm are not on this machine; Debian has them in nodejs and npm")
    node = Place(place / "node")
    node.folder.mkdir()
    with portal(place / "portal") as running:
        for version, where in pythons.items():
            for fact in python.check(where, version, dist, running):
                yield f"python {version}  {fact}"
        for fact in javascript.check(node, dist, running):
            yield f"node         {fact}"


def main() -> int:
    """Check everything; answers the exit status."""
    Command(prog="python -m tests.packages", description=__doc__).parse_args()
    place = Path(tempfile.mkdtemp(prefix="luotdoc-packages-"))
    try:
        for fact in facts(place, ROOT / "dist"):
            print(fact, flush=True)
    except (AssertionError, Missing) as error:
        print(f"FAILED: {error}\nLogs are in {place}", file=sys.stderr)
        return 1
    shutil.rmtree(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
