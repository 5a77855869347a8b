"""`python -m luotdoc_subscriber`: what a subscriber does with its own queues.

    parked    list, show, redrive or discard the messages that were parked in a queue
    replay    replay the history into a queue

Both work with the subscriber's own user, whose address is LUOTDOC_AMQP_URL.
"""

import sys

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from luotdoc_subscriber.base.settings import BrokerSettings, load
from luotdoc_subscriber.commands.parked import PARKED_HELP, add_parked_commands, carry_out
from luotdoc_subscriber.commands.replay import (
    REPLAY_HELP,
    add_replay_arguments,
    check_times,
    replay_chosen,
)


def main(arguments: list[str]) -> int:
    """Parse the command line and run the command. Answers the exit status."""
    parser = Command(
        prog="python -m luotdoc_subscriber", description=__doc__, settings=BrokerSettings
    )
    commands = parser.add_subparsers(dest="group", required=True, metavar="parked|replay")
    parked = commands.add_parser("parked", description=PARKED_HELP, settings=BrokerSettings)
    add_parked_commands(parked)
    replay = commands.add_parser("replay", description=REPLAY_HELP, settings=BrokerSettings)
    add_replay_arguments(replay)
    chosen = parser.parse_args(arguments)
    if chosen.group == "replay":
        check_times(replay, chosen)
    # Silent about other LUOTDOC_ variables: they are the settings of the subscriber beside it.
    settings = load(BrokerSettings, tell=lambda _: None)
    if chosen.group == "parked":
        return perform(carry_out(chosen, settings.amqp_url))
    return replay_chosen(chosen, settings.amqp_url)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
