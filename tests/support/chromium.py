"""A page in a headless Chromium that reports back to this process."""

import contextlib
import functools
import http.server
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

VARIABLE = "KERAS_SALIENCY_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
)


def find():
    """The program's path; skips the test where there is none."""
    given = os.environ.get(VARIABLE)
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"needs Chromium (set {VARIABLE} to its path)")
    return found


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and other files; what is posted goes to a queue."""

    def __init__(self, *arguments, files, posted, **options):
        self.files, self.posted = files, posted
        super().__init__(*arguments, **options)

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        if self.path not in self.files:
            return super().do_GET()
        kind, content = self.files[self.path]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return self.wfile.write(content)

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.posted.put((self.path, self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()


@contextlib.contextmanager
def visiting(folder, files, start):
    """Open the page `start`; gives a function that waits for what it posts.

    Args:
        folder: Served as it is.
        files: Dictionary of other paths and `(type, content)`.
        start: Path of the page.
    """
    program, posted = find(), queue.Queue()
    handler = functools.partial(
        Handler, directory=str(folder), files=files, posted=posted
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}{start}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={Path(profile)}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield functools.partial(posted.get, timeout=120)
        finally:
            process.kill()
            process.wait()
            server.shutdown()
            server.server_close()
