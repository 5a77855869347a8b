"""`python -m shared.setup`: make RabbitMQ's exchanges and queues, and MongoDB's indexes. Can run again at any time."""

import logging

from shared import broker as rabbit
from shared import log, mongo, topology
from shared.command import Command
from shared.plainly import perform
from shared.settings import Settings, load


async def setup(settings: Settings) -> None:
    """Wait for both servers, then declare everything."""
    client, db = mongo.connect(settings.mongo_url, "setup")
    await mongo.wait_for(client, settings.mongo_url)
    await mongo.make_indexes(db)
    broker = rabbit.make_broker(settings, "setup")
    await rabbit.connect(broker, settings.amqp_url, topology.declare)
    await broker.stop()
    client.close()


def main() -> None:
    """Read the settings and set up."""
    settings = load(Settings)
    log.configure("setup", settings.log_level)
    if status := perform(setup(settings)):
        raise SystemExit(status)
    logging.getLogger(__name__).info("exchanges, queues and indexes are in place")


if __name__ == "__main__":
    Command(prog="python -m shared.setup", description=__doc__, settings=Settings).parse_args()
    main()
