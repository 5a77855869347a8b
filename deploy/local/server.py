"""The base of the private broker, database and gateway: one server process with one folder."""

import subprocess
import time
from pathlib import Path

import psutil

from deploy.local import processes
from deploy.local.files import tail


class StartError(Exception):
    """A server or service ended before it was ready, or was not ready in time. The text gives the
    reason.
    """


class Server:
    """A server process whose data stays in `folder`. A failure test may kill, pause and start it.

    `start` after `stop` or `kill` serves at the same `url`, with all data that was acknowledged.
    """

    name: str
    url: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._in_use = False

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """All environment variables of the server."""
        raise NotImplementedError

    def answers(self) -> bool:
        """True once a client can log in and work. Called repeatedly while the server starts."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The process id of the server itself, not of a script around it."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def launch(self) -> None:
        """Start the process and return at once. `ready` becomes true when it can be used. Raises
        StartError.
        """
        processes.sweep(self.folder)
        command = self.command()
        try:
            self._process = processes.spawn(command, self.environment(), self.folder, self.log)
        except OSError as error:
            raise StartError(
                f"{self.name} cannot be started: {command[0]}: {error.strerror}"
            ) from error

    def exit_code(self) -> int | None:
        """The exit code if the server has ended by itself, negative for a signal; None while it
        runs.
        """
        return None if self._process is None else self._process.poll()

    def ready(self) -> bool:
        """True once the launched server can be used. Raises StartError if it has ended."""
        if (code := self.exit_code()) is not None:
            raise StartError(f"{self.name} ended with exit code {code}:\n{tail(self.log)}")
        self._in_use = self._in_use or self.answers()
        return self._in_use

    def start(self, seconds: float = 90.0) -> None:
        """Launch the server and wait until it is ready. Raises StartError if it ends, or is not
        ready after `seconds`.
        """
        self.launch()
        deadline = time.monotonic() + seconds
        try:
            while not self.ready():
                if time.monotonic() > deadline:
                    raise StartError(
                        f"{self.name} was not ready after {seconds:g} s:\n{tail(self.log)}"
                    )
                time.sleep(0.1)
        except BaseException:
            self.kill()
            raise

    def stop(self, seconds: float = 20.0) -> None:
        """End the server by SIGTERM, and by SIGKILL after `seconds` or if it is still starting.

        No process is left.
        """
        if self._in_use and self._process is not None and self._process.poll() is None:
            main = [process for process in processes.owned(self.folder) if process.pid == self.pid]
            processes.terminate(main, seconds)
        self.kill()

    def kill(self) -> None:
        """End the server at once, as a crash would. No process is left."""
        processes.sweep(self.folder)
        if self._process is not None:
            self._process.wait()
        self._process = None
        self._in_use = False

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): its connections stay open and nothing answers."""
        process = psutil.Process(self.pid)
        process.suspend()
        # The signal takes effect a moment later.
        while process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            time.sleep(0.001)

    def resume(self) -> None:
        """Let a paused server go on."""
        psutil.Process(self.pid).resume()
