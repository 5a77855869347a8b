"""`python -m services.counter`: run it."""

from services.counter.app import build
from services.counter.settings import CounterSettings
from shared.app import main

if __name__ == "__main__":
    main(CounterSettings, build)
