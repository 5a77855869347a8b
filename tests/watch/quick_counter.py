"""A counter that looks for old buckets as often as the test's copy of the rules assumes, instead of
every hour.
"""

if __name__ == "__main__":
    from services.counter.app import build
    from services.counter.archive import mover
    from services.counter.settings import CounterSettings
    from shared.web.server import main
    from tests.watch.rules import FACTOR

    mover.INTERVAL_SECONDS /= FACTOR
    main(CounterSettings, build)
