"""Answers that no checksum vouches for, and how long they may take."""

import contextlib
import socket
import threading
import time
from email.utils import formatdate

import pytest

import keras_saliency._utils.download as module
from keras_saliency._utils import http, transfer
from keras_saliency._utils.download import DownloadError, download

DATA = bytes(range(256)) * 40
OTHER = DATA[::-1]
SIZE = len(DATA)
TAG = '"one"'


class Scripted:
    """A server that sends, for each request in turn, what it is told to.

    An answer is a list of bytes and of numbers: seconds to wait.
    """

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/a.zip"
        self.ended = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.asked.append(connection.recv(65536).decode())
                for part in self.answers.pop(0) if self.answers else []:
                    if isinstance(part, bytes):
                        connection.sendall(part)
                    elif self.ended.wait(part):
                        return


@contextlib.contextmanager
def scripted(*answers):
    server = Scripted(*answers)
    try:
        yield server
    finally:
        server.ended.set()
        server.listening.close()


def answer(body=DATA, status="200 OK", length=True, **fields):
    if length:
        fields.setdefault("Content_Length", len(body))
    head = "".join(
        f"{name.replace('_', '-')}: {value}\r\n"
        for name, value in fields.items()
    )
    return [f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body]


def part_answer(start, body=DATA, end=None, total=None, **fields):
    end = len(body) if end is None else end
    total = len(body) if total is None else total
    fields.setdefault("Content_Range", f"bytes {start}-{end - 1}/{total}")
    return answer(body[start:end], "206 Partial Content", **fields)


def cut(keep=3000, **fields):
    return answer(DATA[:keep], Content_Length=SIZE, **fields)


def get(server, path, **options):
    options = {"attempts": 1, "wait": 0.0, "timeout": 5} | options
    return download(server.url, path, progress=False, **options)


REFUSED = {
    "asked for no part": (part_answer(0), "another range"),
    "a short part": (part_answer(0, end=3000), "another range"),
    "204": ([b"HTTP/1.1 204 No Content\r\n\r\n"], "answers 204 No Content"),
    "201": (answer(status="201 Created"), "answers 201"),
    "202": (answer(b"soon", "202 Accepted"), "promises the file for later"),
    "203": (answer(status="203 Changed"), "answers 203"),
    "205": (answer(b"", "205 Reset"), "answers 205"),
    "207": (answer(status="207 Multi-Status"), "answers 207"),
    "226": (answer(status="226 IM Used"), "answers 226"),
    "299": (answer(status="299 Odd"), "answers 299"),
    "304": (answer(b"", "304 Not Modified"), "answers 304"),
    "gzip": (answer(Content_Encoding="gzip"), "packed .gzip."),
    "br": (answer(Content_Encoding="br"), "packed .br."),
    "gzip, chunked": (
        answer(length=False, Transfer_Encoding="gzip, chunked"),
        "packed .gzip, chunked",
    ),
    "page": (answer(Content_Type="text/html; charset=x"), "a web page"),
    "empty": (answer(b""), "sends an empty file"),
    "no length": (answer(length=False), "does not say how long"),
    "cut": (cut(), "3000 of 10240 bytes"),
    "less than it has": (answer(Content_Length=SIZE - 9), "sends more than"),
    "less, later": (
        [answer(Content_Length=SIZE)[0], 0.1, b"more"],
        "sends more than",
    ),
    "two lengths": (
        answer(Content_Length=f"{SIZE}\r\nContent-Length: 7"),
        "no proper length",
    ),
    "bad length": (answer(Content_Length="-5"), "no proper length"),
    "digits": (answer(Content_Length="\u00b2"), "no proper length"),
    "cut chunks": (
        answer(
            b"5\r\nabcde\r\n5\r\nab", length=False, Transfer_Encoding="chunked"
        ),
        "IncompleteRead",
    ),
    "no last chunk": (
        answer(b"5\r\nabcde\r\n", length=False, Transfer_Encoding="chunked"),
        "IncompleteRead",
    ),
    "nothing": ([], "without response"),
    "nonsense": ([b"hello\r\n\r\n"], "hello"),
    "file": (
        answer(b"", "302 Found", Location="file:///etc/hostname"),
        "'file:///etc/hostname' is not allowed",
    ),
    "ftp": (
        answer(b"", "301 Moved", Location="ftp://127.0.0.1/a.zip"),
        "leads to ftp",
    ),
    "data": (
        answer(b"", "307 Moved", Location="data:text/plain,a"),
        "'data:text/plain,a' is not allowed",
    ),
    "nowhere": (answer(b"", "302 Found"), "answers 302"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_whole_file_gets_no_name(tmp_path, case, monkeypatch):
    monkeypatch.setattr(transfer, "_END_SECONDS", 0.3)
    sent, message = REFUSED[case]
    path = tmp_path / "a.zip"
    with scripted(sent) as server:
        with pytest.raises(DownloadError, match=message) as caught:
            get(server, path)
    assert server.url in str(caught.value) and str(path) in str(caught.value)
    assert not path.exists()


ACCEPTED = {
    "length": answer(),
    "chunked": answer(
        b"2800\r\n" + DATA + b"\r\n0\r\n\r\n",
        length=False,
        Transfer_Encoding="chunked",
    ),
    "identity": answer(Content_Encoding="identity"),
    "open": [*answer(), 20.0],
    "slowly": [answer()[0][:200], 0.1, answer()[0][200:]],
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_whole(tmp_path, case, monkeypatch):
    monkeypatch.setattr(transfer, "_END_SECONDS", 0.1)
    with scripted(ACCEPTED[case]) as server:
        assert get(server, tmp_path / "a.zip").read_bytes() == DATA
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_checksum_vouches_for_more(tmp_path):
    sha256 = module.hashlib.sha256(DATA).hexdigest()
    for sent in (
        answer(length=False),
        answer(Content_Encoding="x-gzip"),
        answer(Content_Type="text/html"),
    ):
        path = tmp_path / "a.zip"
        with scripted(sent) as server:
            get(server, path, sha256=sha256)
        path.unlink()


DATE, LATER = formatdate(1e9, usegmt=True), formatdate(2e9, usegmt=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"ETag": TAG},
        {"Last_Modified": DATE},
        {"ETag": 'W/"a"', "Last_Modified": DATE},
    ],
)
def test_the_rest_of_the_same_file(tmp_path, fields):
    with scripted(
        cut(**fields),
        part_answer(3000, end=5000, total=SIZE, **fields),
        part_answer(5000, **fields),
    ) as server:
        path = get(server, tmp_path / "a.zip", attempts=3)
    assert path.read_bytes() == DATA
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]
    validator = fields.get("Last_Modified", TAG)
    for asked, start in zip(server.asked[1:], (3000, 5000), strict=True):
        assert f"Range: bytes={start}-\r\n" in asked
        assert f"If-Range: {validator}\r\n" in asked


OTHER_REST = {
    "tag": ({"ETag": TAG}, part_answer(3000, OTHER, ETag='"two"')),
    "date": (
        {"Last_Modified": DATE},
        part_answer(3000, OTHER, Last_Modified=LATER),
    ),
    "length": ({"ETag": TAG}, part_answer(3000, OTHER + b"x", end=SIZE)),
    "no total": (
        {"ETag": TAG},
        part_answer(3000, OTHER, end=5000, total="*", ETag=TAG),
    ),
    "earlier": (
        {"ETag": TAG},
        part_answer(2000, OTHER, ETag=TAG),
    ),
    "contradiction": (
        {"ETag": TAG},
        part_answer(3000, OTHER, Content_Length=9, ETag=TAG),
    ),
    "backwards": (
        {"ETag": TAG},
        part_answer(3000, Content_Range=f"bytes 3000-2000/{SIZE}", ETag=TAG),
    ),
    "beyond": (
        {"ETag": TAG},
        part_answer(3000, total=5000, ETag=TAG),
    ),
    "416": ({"ETag": TAG}, answer(b"", "416 Range")),
    # The server's word is missing: the rest is not asked for.
    "weak tag": ({"ETag": 'W/"a"'}, cut(100)),
    "nothing": ({}, cut(100)),
    # It knows that the file has changed, and sends it whole.
    "whole": ({"ETag": TAG}, cut(100, ETag='"two"')),
}


@pytest.mark.parametrize("case", OTHER_REST)
def test_parts_of_two_files_are_not_joined(tmp_path, case):
    fields, second = OTHER_REST[case]
    with scripted(cut(**fields), second, *[answer(OTHER)] * 2) as server:
        path = get(server, tmp_path / "a.zip", attempts=4)
        assert path.read_bytes() == OTHER
    if not fields or "weak" in case:
        assert not any("Range" in asked for asked in server.asked)


def test_a_part_of_another_address_is_not_joined(tmp_path):
    path = tmp_path / "a.zip"
    with scripted(cut(ETag=TAG)) as server, pytest.raises(DownloadError):
        get(server, path)
    (tmp_path / "b.zip.part").write_bytes(b"older, without a word on it")
    for name in ("a.zip", "b.zip"):
        with scripted(answer(OTHER)) as server:
            assert get(server, tmp_path / name).read_bytes() == OTHER
            assert "Range" not in server.asked[0]


@pytest.mark.parametrize(
    "sent",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n", 0.05] * 200],
        [*cut(100), *[b"x", 0.05] * 200],
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            *[b"1\r\nx\r\n", 0.05] * 200,
        ],
    ],
)
@pytest.mark.parametrize("bound", ["limit", "speed"])
def test_a_server_that_drips(tmp_path, monkeypatch, sent, bound):
    begun = time.monotonic()
    options = {"attempts": 9, "limit": 0.5}
    message = "more than 0.5 s in all"
    if bound == "speed":
        monkeypatch.setattr(module, "_WINDOW", 0.3)
        options = {}
        message = "fewer than 1000 a second"
    with scripted(sent) as server:
        with pytest.raises(DownloadError, match=message):
            get(server, tmp_path / "a.zip", **options)
    assert time.monotonic() - begun < 3


def test_the_limit_holds_for_all_attempts(tmp_path):
    begun = time.monotonic()
    with scripted() as server:
        with pytest.raises(DownloadError, match="in all"):
            get(server, tmp_path / "a.zip", attempts=99, wait=0.2, limit=0.5)
    assert time.monotonic() - begun < 3


def test_a_long_redirect_is_not_read(tmp_path):
    with scripted(answer()) as target:
        sent = answer(b"x", "302 Found", Location=target.url)
        sent[0] = sent[0].replace(b"Length: 1", b"Length: 9999999999")
        with scripted([*sent, 20.0]) as server:
            assert get(server, tmp_path / "a.zip").read_bytes() == DATA


def test_https_leads_to_http_only_with_a_checksum():
    request = http.urllib.request.Request("https://a.b/c")

    class Body:
        def close(self):
            pass

        read = close

    arguments = (request, Body(), 302, "Found", {}, "http://a.b/d")
    with pytest.raises(http.RefusedError, match="which is not https"):
        http._Redirect(False).redirect_request(*arguments)
    assert http._Redirect(True).redirect_request(*arguments).type == "http"


def test_a_full_disk_is_no_matter_of_the_server(tmp_path, monkeypatch):
    def full(file, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer, "write_all", full)
    with scripted(answer(), answer()) as server:
        with pytest.raises(DownloadError, match=r"a\.zip could .*No space"):
            get(server, tmp_path / "a.zip", attempts=5)
    assert len(server.asked) == 1
