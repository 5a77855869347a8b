"""`python -m services.render`: run it."""

from services.render.app import build
from services.render.settings import RenderSettings
from shared.app import main
from shared.command import Command

if __name__ == "__main__":
    Command(prog="python -m services.render", description=__doc__, settings=RenderSettings).parse_args()
    main(RenderSettings, build)
