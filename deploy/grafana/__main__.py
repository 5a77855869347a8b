"""`python -m deploy.grafana write|check`: write the dashboards, or say whether they are current."""

import json
import sys
from pathlib import Path

from deploy.grafana.board import Dashboard
from deploy.grafana.pipeline import PIPELINE
from deploy.grafana.services import SERVICES_BOARD
from deploy.grafana.traffic import TRAFFIC
from luotdoc_subscriber.base.command import Command

FOLDER = Path(__file__).parent / "dashboards"
BOARDS: tuple[Dashboard, ...] = (TRAFFIC, PIPELINE, SERVICES_BOARD)


def files() -> dict[Path, str]:
    """The content of each dashboard's file."""
    return {
        FOLDER / f"{board.key}.json": json.dumps(board.json(), ensure_ascii=False, indent=1) + "\n"
        for board in BOARDS
    }


def stale() -> list[Path]:
    """The committed files that differ from the code, or are too many or missing."""
    wanted = files()
    found = {path: path.read_text() for path in FOLDER.glob("*.json")}
    return sorted(path for path in {*wanted, *found} if wanted.get(path) != found.get(path))


def main() -> int:
    """Answers the exit status: 1 when `check` finds a file that is not current."""
    parser = Command(prog="python -m deploy.grafana", description=__doc__)
    parser.add_argument("command", choices=["write", "check"])
    if parser.parse_args().command == "write":
        for path in FOLDER.glob("*.json"):
            path.unlink()
        for path, text in files().items():
            path.write_text(text)
        return 0
    for path in stale():
        print(f"{path} is not current: run `make dashboards`", file=sys.stderr)
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main())
