"""`python -m shared.parked`: list, show, redrive or discard parked messages.

    list [QUEUE]                  list parked messages: handle, age, reason, detail;
                                  without QUEUE all of ours
    show QUEUE HANDLE             print one message
    redrive QUEUE HANDLE…|--all   send back to the work queue; --force for batches that are too old
    discard QUEUE HANDLE…|--all   delete for good

QUEUE is the name of a work queue, such as counter.reads, or of a subscriber's queue, for which the
subscriber's own user suffices. Redriving is idempotent: the ledger knows the ids of counted
batches. A batch that is `too_old` may have been counted and forgotten; it is parked again unless
--force counts it.
"""

import sys
from functools import partial

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.commands.parked import add_parked_commands, carry_out
from luotdoc_subscriber.commands.parked_message import redriven
from luotdoc_subscriber.parking import FORCE, REASON
from shared.base.settings import load_settings
from shared.rabbit.topology import WORK_QUEUES

NEEDS_FORCE = "too_old"


def _redriven(message: AbstractIncomingMessage, force: bool) -> aio_pika.Message | str:
    """The copy for the work queue; for a batch that is too old, without `force`, why it stays."""
    if message.headers.get(REASON) == NEEDS_FORCE and not force:
        return "left: too old, it may have been counted already; --force counts it"
    copy = redriven(message)
    if force:
        copy.headers[FORCE] = True
    return copy


def main(arguments: list[str]) -> int:
    """Parse the arguments and run the command. Answers the exit status."""
    parser = Command(prog="python -m shared.parked", description=__doc__)
    redrive = add_parked_commands(parser, tuple(work.name for work in WORK_QUEUES))
    redrive.add_argument(
        "--force", action="store_true", help="count batches although they are too old"
    )
    chosen = parser.parse_args(arguments)
    copy_of = partial(_redriven, force=chosen.command == "redrive" and chosen.force)
    amqp_url = load_settings(SubscriberSettings).amqp_url
    return perform(carry_out(chosen, amqp_url, copy_of))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
