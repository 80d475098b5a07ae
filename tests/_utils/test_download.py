"""Downloads arrive whole or not at all."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

import keras_saliency._utils.download as module
from keras_saliency._utils.download import DownloadError, download, verify

DATA = bytes(range(256)) * 4000
MD5 = hashlib.md5(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()

# The module without its package, which would import a Keras backend.
SCRIPT = f"""
import sys, types
package = types.ModuleType("keras_saliency")
package.__path__ = [{str(Path(module.__file__).parents[1])!r}]
sys.modules["keras_saliency"] = package
from keras_saliency._utils.download import download
download(sys.argv[1] + "/data.zip", sys.argv[2], sha256={SHA256!r})
"""


@pytest.fixture
def server(server):
    server.files["/data.zip"] = DATA
    return server


def process(server, path):
    """Another process that downloads the file."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, server.url, str(path)],
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def get(server, path, **options):
    options = {"md5": MD5, "wait": 0.0, "attempts": 3, "timeout": 5} | options
    return download(f"{server.url}/data.zip", path, progress=False, **options)


def leftovers(path):
    return sorted(p.name for p in path.parent.iterdir())


@pytest.mark.parametrize(
    "faults",
    [
        [],
        ["cut"],
        ["cut", "cut"],
        ["cut", "no range"],
        ["cut", "other range"],
        [500],
        [503, "cut"],
        ["corrupt"],
        ["claims less"],
    ],
)
def test_download_arrives_whole(server, tmp_path, faults):
    server.faults = list(faults)
    path = tmp_path / "deep/data.zip"
    assert get(server, path).read_bytes() == DATA
    assert leftovers(path) == ["data.zip"]
    # A server that knows no ranges sends all again, and that is enough.
    count = len([f for f in faults if f != "no range"]) + 1
    assert len(server.ranges) == count
    # There already: verified, not fetched again.
    get(server, path)
    assert len(server.ranges) == count


def test_download_from_a_server_with_wrong_lengths(server, tmp_path):
    server.faults = ["no length"]
    get(server, tmp_path / "a")
    # All bytes are there, and nothing is left to ask for.
    server.faults = ["claims more"]
    get(server, tmp_path / "b")
    assert server.ranges == [None, None, f"bytes={len(DATA)}-"]
    server.faults = ["claims more"] * 9
    with pytest.raises(DownloadError, match="1024000 of 1025000 bytes"):
        get(server, tmp_path / "c", md5=None, attempts=1)


def test_download_resumes_in_the_next_call(server, tmp_path):
    server.faults = ["cut"]
    path = tmp_path / "data.zip"
    with pytest.raises(DownloadError, match="Call again to resume"):
        get(server, path, attempts=1)
    assert leftovers(path) == ["data.zip.part"]
    assert get(server, path, attempts=1).read_bytes() == DATA
    assert server.ranges == [None, f"bytes={len(DATA) // 3}-"]


def test_download_of_a_part_that_is_whole(server, tmp_path):
    path = tmp_path / "data.zip"
    (tmp_path / "data.zip.part").write_bytes(DATA)
    assert get(server, path).read_bytes() == DATA
    (tmp_path / "other.zip.part").write_bytes(DATA + b"x")
    assert get(server, tmp_path / "other.zip").read_bytes() == DATA


@pytest.mark.parametrize(
    "faults, message",
    [
        (["corrupt"] * 3, "MD5 checksum"),
        (["claims less"] * 3, "MD5 checksum"),
        ([404], "404"),
        ([403], "403"),
        ([500] * 3, "500"),
        (["huge"], "nothing was written"),
    ],
)
def test_download_fails_with_a_reason(server, tmp_path, faults, message):
    server.faults = list(faults)
    path = tmp_path / "data.zip"
    with pytest.raises(DownloadError, match=message) as caught:
        get(server, path)
    assert str(server.url) in str(caught.value)
    assert not path.exists()


def test_download_of_known_size(server, tmp_path):
    with pytest.raises(DownloadError, match="1024000 bytes where 7"):
        get(server, tmp_path / "data.zip", size=7)
    get(server, tmp_path / "data.zip", size=len(DATA))


def test_download_refuses_other_addresses(tmp_path):
    for url in ("file:///etc/hostname", "ftp://127.0.0.1/x"):
        with pytest.raises(DownloadError, match="neither http nor https"):
            download(url, tmp_path / "x")
    with pytest.raises(DownloadError, match="1 attempts"):
        download("http://127.0.0.1:9/x", tmp_path / "x", attempts=1, timeout=2)


def test_existing_file_that_is_wrong(server, tmp_path):
    path = tmp_path / "data.zip"
    path.write_bytes(b"x")
    with pytest.raises(DownloadError, match=r"data\.zip has the MD5"):
        get(server, path)


def test_wrong_file_is_replaced_by_a_whole_one(server, tmp_path):
    path = tmp_path / "data.zip"
    path.write_bytes(b"x")
    server.faults = ["cut"]
    with pytest.raises(DownloadError):
        get(server, path, replace=True, attempts=1)
    assert path.read_bytes() == b"x"
    assert get(server, path, replace=True).read_bytes() == DATA
    get(server, path, replace=True)
    assert len(server.ranges) == 2


def test_checksums(server, tmp_path):
    path = get(server, tmp_path / "data.zip", sha256=SHA256, size=len(DATA))
    verify(path, md5=MD5, sha256=SHA256, size=len(DATA))
    for options, message in (
        ({"sha256": "0" * 64}, f"the SHA-256 checksum {SHA256} where 000"),
        ({"md5": "0" * 32}, f"the MD5 checksum {MD5} where 000"),
        ({"size": 5}, "1024000 bytes where 5"),
    ):
        with pytest.raises(DownloadError, match=message):
            verify(path, **options)
    with pytest.raises(DownloadError, match="SHA-256"):
        get(server, tmp_path / "other.zip", sha256="0" * 64)
    assert leftovers(path) == ["data.zip"]


def test_killed_process_leaves_a_part_that_is_resumed(server, tmp_path):
    server.faults = ["stall"]
    path = tmp_path / "data.zip"
    part = tmp_path / "data.zip.part"
    with process(server, path) as killed:
        wait_for(lambda: part.exists() and part.stat().st_size > 10_000)
        killed.kill()
    assert not path.exists()
    received = part.stat().st_size
    assert get(server, path).read_bytes() == DATA
    assert server.ranges == [None, f"bytes={received}-"]
    assert leftovers(path) == ["data.zip"]


def test_two_processes_download_once(server, tmp_path):
    server.faults = ["stall"]
    path = tmp_path / "data.zip"
    with process(server, path) as first:
        wait_for((tmp_path / "data.zip.part").exists)
        with process(server, path) as second:
            assert "Waiting" in second.stderr.readline()
            server.released.set()
            assert second.wait(30) == 0
        assert first.wait(30) == 0
    assert path.read_bytes() == DATA
    # The stalled connection ends early; its rest is asked for.
    assert len(server.ranges) == 2
    assert leftovers(path) == ["data.zip"]


def test_progress(server, tmp_path, capsys):
    download(f"{server.url}/data.zip", tmp_path / "data.zip")
    assert "data.zip [####" in capsys.readouterr().err
