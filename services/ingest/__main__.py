"""`python -m services.ingest`: run it, or do what an operator asks."""

import sys

if __name__ == "__main__":
    # Not at the top: the processes that clean bodies run this file under another name, and need nothing of it.
    from services.ingest.command import run

    run(sys.argv[1:])
