"""The command line of `python -m services.render`: runs render or an operator's command."""

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from services.render.app import build
from services.render.command import redo_pages
from services.render.settings import RenderSettings
from shared.base.settings import load_settings
from shared.web.server import main


def run(arguments: list[str]) -> None:
    """Parse the arguments, and run render or the command."""
    parser = Command(prog="python -m services.render", description=__doc__, settings=RenderSettings)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser(
        "redo", help="render pages again with the present templates, faster than render does"
    )
    if parser.parse_args(arguments).command == "redo":
        raise SystemExit(
            perform(
                redo_pages(load_settings(RenderSettings)),
                "stopped; what was rendered stays, and running this again renders the rest",
            )
        )
    main(RenderSettings, build)
