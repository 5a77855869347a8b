"""A private nginx of one process that sends files: the yardstick for pages from memory.

Its settings are Debian's for files (sendfile, tcp_nopush), without a log; a file has its compressed
form beside it, as `gzip_static` reads it.
"""

import gzip
from pathlib import Path

import httpx

from deploy.local import ports
from deploy.local.server import Server

PROGRAM = "/usr/sbin/nginx"
_POLICY = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  types {{ text/html html; }}
  charset utf-8;
  keepalive_requests 100000000;
  gzip_static on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen {address}; root {folder}/files; }}
}}
"""


class Nginx(Server):
    """Serves the page that was put into its folder at `url`."""

    name = "nginx"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        address = f"{ports.HOST}:{ports.choose_port()}"
        self.url = f"http://{address}"
        self._files = self.folder / "files"
        self._files.mkdir(parents=True, exist_ok=True)
        self._policy = self.folder / "nginx.conf"
        self._policy.write_text(_POLICY.format(folder=self.folder, address=address))

    def put(self, page: bytes) -> str:
        """Serve `page`, and its compressed form; its path."""
        (self._files / "page.html").write_bytes(page)
        (self._files / "page.html.gz").write_bytes(gzip.compress(page, 6))
        return "/page.html"

    def command(self) -> list[str]:
        """nginx in the foreground, in one process."""
        return [PROGRAM, "-p", str(self.folder), "-c", str(self._policy), "-e", "stderr"]

    def environment(self) -> dict[str, str]:
        """None: everything is in its file."""
        return {}

    def answers(self) -> bool:
        """True once it answers, whatever it is."""
        try:
            return httpx.get(self.url, trust_env=False, timeout=2).status_code > 0
        except httpx.HTTPError:
            return False
