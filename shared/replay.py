"""`python -m shared.replay`: replay the history into one subscriber's queue.

    python -m shared.replay --to search.articles
    python -m shared.replay --to search.articles --subject ls0001 --subject ls0002
    python -m shared.replay --to search.articles --type article.published \\
        --since 2026-11-01T00:00:00+07:00

Events come from the stream luotdoc.events.log, in its order, with the header x-luotdoc-replay. Bind
the queue first: later events arrive live. After a stop the same command continues where it was. For
articles older than the history: `python -m services.ingest replay`.
"""

import sys

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.commands.replay import add_replay_arguments, check_times, replay_chosen
from shared.base.settings import load_settings


def main(arguments: list[str]) -> int:
    """Parse the command line and replay. Answers the exit status."""
    parser = Command(prog="python -m shared.replay", description=__doc__)
    add_replay_arguments(parser)
    chosen = parser.parse_args(arguments)
    check_times(parser, chosen)
    return replay_chosen(chosen, load_settings(SubscriberSettings).amqp_url)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
