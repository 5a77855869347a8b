"""The command `recount` by the rules of the check. It ends itself by SIGKILL at the step that
`LUOTDOC_DIE_AT` names, after `LUOTDOC_DIE_AFTER` of them.
"""

import os
import signal

from luotdoc_subscriber.base.plainly import perform
from services.counter.recount.command import Rules, recount
from services.counter.settings import CounterSettings
from shared.base.settings import load_settings
from tests.recount.rules import is_bot_by_new_rules

left = int(os.environ.get("LUOTDOC_DIE_AFTER", "0"))


def _at_stage(name: str) -> None:
    global left
    if name != os.environ.get("LUOTDOC_DIE_AT"):
        return
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1


if __name__ == "__main__":
    rules = Rules(is_bot=is_bot_by_new_rules, digest="of the check")
    settings = load_settings(CounterSettings)
    raise SystemExit(perform(recount(settings, yes=True, rules=rules, at_stage=_at_stage)))
