"""`python -m services.counter`: run the service, list and close gaps in the books, move old buckets
to the archive, or judge counted reads again by the rules of this release.
"""

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from services.counter.app import build
from services.counter.archive.command import archive_old
from services.counter.operate import close_gap, list_gaps
from services.counter.recount.command import recount
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
    commands.add_parser(
        "archive", help="move articles' buckets that are older than LUOTDOC_KEEP_BUCKETS_DAYS now"
    )
    judging = commands.add_parser(
        "recount",
        help="judge the reads of the last 71 hours again by this release's rules for bots, show "
        "the difference, ask, and correct the counts once",
    )
    judging.add_argument("--yes", action="store_true", help="correct without asking")
    judging.add_argument(
        "--relabel",
        default="",
        metavar="OLD=NEW",
        help="also move what is kept of a filtered class from before that time to another class",
    )
    chosen = parser.parse_args()
    if chosen.command == "recount":
        raise SystemExit(
            perform(
                recount(load_settings(CounterSettings), yes=chosen.yes, relabel=chosen.relabel),
                "stopped; running this again finishes what was decided on, and corrects nothing "
                "twice",
            )
        )
    if chosen.command == "archive":
        raise SystemExit(
            perform(
                archive_old(load_settings(CounterSettings)),
                "stopped; what was moved stays moved, and running this again moves the rest",
            )
        )
    if chosen.command == "gaps":
        raise SystemExit(perform(list_gaps(load_settings(CounterSettings))))
    if chosen.command == "close-gap":
        raise SystemExit(
            perform(close_gap(load_settings(CounterSettings), chosen.epoch, chosen.no_spool))
        )
    main(CounterSettings, build)
