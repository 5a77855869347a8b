"""An ingest that compares subscribers with the articles as often as the test's copy of the rules
assumes, instead of every five minutes.
"""

if __name__ == "__main__":
    # Imported here: the processes that clean bodies import this file too.
    from services.ingest.app import build
    from services.ingest.articles import reconciler
    from services.ingest.settings import IngestSettings
    from shared.web.server import main
    from tests.watch.rules import FACTOR

    reconciler.INTERVAL_SECONDS /= FACTOR
    main(IngestSettings, build)
