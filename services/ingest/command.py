"""The command line of `python -m services.ingest`: runs ingest or an operator's command."""

from argparse import Namespace

from luotdoc_subscriber.base import plainly
from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.commands.arguments import add_target_arguments
from luotdoc_subscriber.commands.replay import perform_replay
from services.ingest import operate
from services.ingest.app import build
from services.ingest.articles.replay import replay_articles
from services.ingest.settings import IngestSettings
from shared.base.settings import load_settings
from shared.web.server import main


def run(arguments: list[str]) -> None:
    """Parse the arguments, and run ingest or the command."""
    chosen = _parser().parse_args(arguments)
    if chosen.command is None:
        main(IngestSettings, build)
    elif chosen.command == "token":
        operate.print_token()
    else:
        raise SystemExit(_carry_out(chosen, load_settings(IngestSettings)))


def _carry_out(chosen: Namespace, settings: IngestSettings) -> int:
    """Run an operator's command. Answers the exit status."""
    match chosen.command:
        case "republish":
            return plainly.perform(operate.republish_articles(settings, chosen.ids))
        case "adopt":
            return plainly.perform(operate.adopt_spool(settings, chosen.instance))
        case "replay":
            return perform_replay(replay_articles(settings, chosen.to, chosen.rate, chosen.restart))
    try:
        return plainly.perform(operate.reconcile_subscribers(settings, chosen.subscribers))
    except ValueError as error:
        chosen.refuse(str(error))
        raise


def _parser() -> Command:
    parser = Command(prog="python -m services.ingest", description=__doc__, settings=IngestSettings)
    commands = parser.add_subparsers(dest="command")
    again = commands.add_parser(
        "republish", help="send public articles again, under a new revision"
    )
    again.add_argument("ids", nargs="+", metavar="ID")
    adopt = commands.add_parser(
        "adopt", help="forward the spool of an instance that will not come back"
    )
    adopt.add_argument("instance", metavar="INSTANCE")
    commands.add_parser("token", help="make a token and its digest")
    replay = commands.add_parser(
        "replay", help="send the articles as they are now into one subscriber's queue"
    )
    add_target_arguments(replay)
    compare = commands.add_parser(
        "reconcile", help="compare what subscribers hold with the articles"
    )
    compare.add_argument(
        "subscribers", nargs="*", metavar="NAME=URL", help="else those of LUOTDOC_RECONCILE"
    )
    compare.set_defaults(refuse=compare.error)
    return parser
