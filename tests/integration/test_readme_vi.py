"""README.vi.md: its commands, run as they stand against a system on other ports."""

import asyncio
import re
import subprocess
from pathlib import Path

from tests.support.guide import block
from tests.support.system import ROOT, TOKEN, System, until

PAGE = "README.vi.md"


async def test_its_commands_lead_to_the_first_article_and_a_counted_read(
    system: System, tmp_path: Path
) -> None:
    await system.start_all(flush_interval="0.1")
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/token").write_text(TOKEN)
    ports = {"8000": "render", "8001": "ingest", "8003": "stats"}

    async def run(commands: str) -> str:
        for port, service in ports.items():
            commands = commands.replace(f"http://127.0.0.1:{port}", system.url(service))
        script = f"TOKEN=$(cat .local/token)\n{commands}"
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-euc", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    put, page, read = (
        block(PAGE, part) for part in ("PUT ", "xin-chao-xinchao1.html", "8001/reads")
    )
    assert "201 Created" in await run(put)

    async def served() -> bool:
        return "200 OK" in await run(page)

    await until(served, 20, "the page")
    assert "204 No Content" in await run(read)
    await until(lambda: system.counted(), 10, "the read is counted")
    assert '"reads":1' in await run(read.splitlines()[1])
    (withdraw,) = re.findall(r"`(curl [^`]*DELETE[^`]*)`", (ROOT / PAGE).read_text())
    assert "204 No Content" in await run(withdraw)
