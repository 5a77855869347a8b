"""`python -m services.render`: run the service."""

from luotdoc_subscriber.base.command import Command
from services.render.app import build
from services.render.settings import RenderSettings
from shared.web.server import main

if __name__ == "__main__":
    Command(
        prog="python -m services.render", description=__doc__, settings=RenderSettings
    ).parse_args()
    main(RenderSettings, build)
