"""`python -m services.stats`: run the service, or make all projections of its traffic figures."""

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from services.stats.app import build
from services.stats.settings import StatsSettings
from services.stats.traffic.command import make_projections
from shared.base.settings import load_settings
from shared.web.server import main

if __name__ == "__main__":
    parser = Command(prog="python -m services.stats", description=__doc__, settings=StatsSettings)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser(
        "projections", help="make the sums of closed time now, as before the first start"
    )
    if parser.parse_args().command == "projections":
        raise SystemExit(
            perform(
                make_projections(load_settings(StatsSettings)),
                "stopped; what was made stays, and running this again makes the rest",
            )
        )
    main(StatsSettings, build)
