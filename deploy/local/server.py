"""What the private broker and the private database have in common: one server process in one
folder.
"""

import subprocess
import time
from pathlib import Path

import psutil

from deploy.local import processes
from deploy.local.files import tail


class StartError(Exception):
    """A server or a service ended before it was ready, or was not ready in time; the text says
    why.
    """


class Server:
    """A server process whose data stays in `folder`; a failure test may kill, pause and start it
    again.

    `start` after `stop` or `kill` brings back the same `url`, with the data that was acknowledged.
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
        """The whole environment of the server."""
        raise NotImplementedError

    def answers(self) -> bool:
        """True once a client can log in and work; called again and again while the server
        starts.
        """
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The process id of the server itself, not of a script around it."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def launch(self) -> None:
        """Start the process and return at once; `ready` says when it can be used. Raises
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
        """The exit code once the server has ended by itself, negative for a signal; None while it
        runs.
        """
        return None if self._process is None else self._process.poll()

    def ready(self) -> bool:
        """True once the launched server can be used. Raises StartError when it has ended."""
        if (code := self.exit_code()) is not None:
            raise StartError(f"{self.name} ended with exit code {code}:\n{tail(self.log)}")
        self._in_use = self._in_use or self.answers()
        return self._in_use

    def start(self, seconds: float = 90.0) -> None:
        """Launch the server and wait until it is ready. Raises StartError after `seconds` or when
        it ends.
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
        """End the server in good order; after `seconds`, or when it is still starting, by force.

        Leaves no process behind.
        """
        if self._in_use and self._process is not None and self._process.poll() is None:
            main = [process for process in processes.owned(self.folder) if process.pid == self.pid]
            processes.terminate(main, seconds)
        self.kill()

    def kill(self) -> None:
        """End the server at once, as a crash would. Leaves no process behind."""
        processes.sweep(self.folder)
        if self._process is not None:
            self._process.wait()
        self._process = None
        self._in_use = False

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): its connections stay open and nothing answers."""
        process = psutil.Process(self.pid)
        process.suspend()
        while process.status() not in (
            psutil.STATUS_STOPPED,
            psutil.STATUS_ZOMBIE,
        ):  # the signal takes its time
            time.sleep(0.001)

    def resume(self) -> None:
        """Let a paused server go on."""
        psutil.Process(self.pid).resume()
