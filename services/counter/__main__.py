"""`python -m services.counter`: run it."""

from services.counter.app import build
from services.counter.settings import CounterSettings
from shared.app import main
from shared.command import Command

if __name__ == "__main__":
    Command(prog="python -m services.counter", description=__doc__, settings=CounterSettings).parse_args()
    main(CounterSettings, build)
