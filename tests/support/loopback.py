"""A web server on this machine whose answers go wrong as told."""

import contextlib
import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; `faults` is a list of what goes wrong, in order.

    The fault "stall" sends a third and then waits for `released`. `ranges`
    lists the ranges that were asked for, None for the whole file.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.ranges = {}, [], []
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        data = server.files.get(self.path)
        fault = server.faults.pop(0) if server.faults else None
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        if data is None or isinstance(fault, int):
            self.send_error(fault or 404)
            return
        start = 0
        if wanted and fault != "no range":
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_error(416)
                return
        body, length = data[start:], len(data) - start
        if fault == "corrupt":
            body = body[:500] + bytes([body[500] ^ 1]) + body[501:]
        elif fault in ("cut", "stall"):
            body = body[: len(body) // 3]
        elif fault == "claims more":
            length += 1000
        elif fault == "claims less":
            length -= 1000
        self.send_response(206 if start else 200)
        if fault == "huge":
            length = 2**40
        if fault != "no length":
            self.send_header("Content-Length", str(length))
        if start:
            first = start - 5 if fault == "other range" else start
            stated = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self.send_header("Content-Range", stated)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
        if fault == "stall":
            server.released.wait(60)
        self.close_connection = True


@contextlib.contextmanager
def running():
    """A server in a thread."""
    with Server() as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
