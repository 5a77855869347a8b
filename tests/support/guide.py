"""docs/subscribers.md, so that tests do what it says."""

import re
import subprocess
from urllib.parse import urlsplit

from deploy.local.broker import Broker
from tests.support.system import ROOT

PAGE = ROOT / "docs/subscribers.md"


def blocks(language: str) -> list[str]:
    """The page's blocks of code in a language, in order; those inside of lists are left out."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def make_subscriber(broker: Broker, name: str) -> str:
    """Do what the page asks operators to do for a subscriber; answers the address that it logs in with."""
    (commands,) = [block for block in blocks("sh") if "rabbitmqctl" in block]
    there = commands.replace("search", name).replace(f"{name}.", f"{broker.folder}/{name}.")
    there = there.replace("rabbitmqctl", " ".join(broker.controller()))
    subprocess.run(["sh", "-eu", "-c", there], cwd=ROOT, env=broker.environment(), check=True, timeout=60)
    password = (broker.folder / f"{name}.password").read_text().strip()
    return f"amqp://{name}:{password}@{urlsplit(broker.url).netloc.rpartition('@')[2]}/"
