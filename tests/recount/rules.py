"""The rules of the check: the release's, but for two programs that changed sides. Pure."""

from shared.agents.rules import is_bot_reduced

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) {}"
READERS = (
    *(BROWSER.format(f"Chrome/{n}.0.0.0 Safari/537.36") for n in (138, 139, 140)),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
    "Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
)
ACCUSED = BROWSER.format("Chrome/140.0.0.0 Safari/537.36 Newspeek/3.1")
"""A person's by the release's rules, a bot's by the new ones."""
FREED = "Trustyfeed-Bot/2.4"
"""A bot's by the release's rules, a person's by the new ones."""
ROBOT = "Googlebot/2.1"


def is_bot_by_new_rules(agent: bytes) -> bool:
    """The verdict of the new rules on a reduced agent."""
    return b"newspeek" in agent or (b"trustyfeed" not in agent and is_bot_reduced(agent))
