"""`python -m services.counter`: run the service, or list and close gaps in the books."""

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from services.counter.app import build
from services.counter.operate import close_gap, list_gaps
from services.counter.settings import CounterSettings
from shared.base.settings import load_settings
from shared.web.server import main

if __name__ == "__main__":
    parser = Command(
        prog="python -m services.counter", description=__doc__, settings=CounterSettings
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("gaps", help="list the epochs of ingests from which batches are missing")
    closing = commands.add_parser(
        "close-gap", help="note the missing batches of an ingest's epoch as lost"
    )
    closing.add_argument("epoch", metavar="EPOCH")
    closing.add_argument(
        "--no-spool",
        action="store_true",
        help="confirm that no spool has batches of this ingest, which has ended",
    )
    chosen = parser.parse_args()
    if chosen.command == "gaps":
        raise SystemExit(perform(list_gaps(load_settings(CounterSettings))))
    if chosen.command == "close-gap":
        raise SystemExit(
            perform(close_gap(load_settings(CounterSettings), chosen.epoch, chosen.no_spool))
        )
    main(CounterSettings, build)
