import hashlib
import http.server
import io
import stat
import threading
import zipfile

import pytest
from datasets import publisher_layouts as layouts

from keras_saliency import datasets
from keras_saliency.datasets import DatasetError, archives, library

DATA = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; `faults` is a list of what goes wrong, in order."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.ranges = {}, [], []
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
        elif fault == "cut":
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
        try:
            self.wfile.write(body)
        except OSError:
            pass
        self.close_connection = True


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(
            target=running.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        running.files["/data.zip"] = DATA
        yield running
        running.shutdown()
        thread.join()


MD5 = hashlib.md5(DATA).hexdigest()


def get(server, path, **options):
    options = {"md5": MD5, "wait": 0.0, "attempts": 3, "timeout": 5} | options
    return archives.download(
        f"{server.url}/data.zip", path, progress=False, **options
    )


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
    with pytest.raises(DatasetError, match="1024000 of 1025000 bytes"):
        get(server, tmp_path / "c", md5=None, attempts=1)


def test_download_resumes_in_the_next_call(server, tmp_path):
    server.faults = ["cut"]
    path = tmp_path / "data.zip"
    with pytest.raises(DatasetError, match="Call again to resume"):
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
    with pytest.raises(DatasetError, match=message) as caught:
        get(server, path)
    assert str(server.url) in str(caught.value)
    assert not path.exists()


def test_download_of_known_size(server, tmp_path):
    with pytest.raises(DatasetError, match="1024000 bytes where 7"):
        get(server, tmp_path / "data.zip", size=7)
    get(server, tmp_path / "data.zip", size=len(DATA))


def test_download_refuses_other_addresses(tmp_path):
    for url in ("file:///etc/hostname", "ftp://127.0.0.1/x"):
        with pytest.raises(DatasetError, match="neither http nor https"):
            archives.download(url, tmp_path / "x")
    with pytest.raises(DatasetError, match="1 attempts"):
        archives.download(
            "http://127.0.0.1:9/x", tmp_path / "x", attempts=1, timeout=2
        )


def test_existing_file_that_is_wrong(server, tmp_path):
    path = tmp_path / "data.zip"
    path.write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"data\.zip has the MD5"):
        get(server, path)


def test_progress(server, tmp_path, capsys):
    archives.download(f"{server.url}/data.zip", tmp_path / "data.zip")
    assert "data.zip [####" in capsys.readouterr().err


def zipped(folder, prefix=""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(
                    path, prefix + path.relative_to(folder).as_posix()
                )
    return buffer.getvalue()


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = name
            if isinstance(name, str):
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "members, message",
    [
        ([("../up.txt", "x")], "outside its folder"),
        ([("a/../../up.txt", "x")], "outside its folder"),
        ([("/tmp/absolute.txt", "x")], "outside its folder"),
        ([("..\\up.txt", "x")], "outside its folder"),
        ([("C:/up.txt", "x")], "outside its folder"),
        ([(link("link"), "/etc")], "link"),
        ([("a" * 300, "x")], "no file can have"),
        ([("a/b.txt", "x"), ("a//B.txt", "y")], "two members"),
        ([("bomb", b"\0" * 2**25)], "grows from"),
        ([], "no file"),
    ],
)
def test_archive_is_refused(tmp_path, members, message):
    path = write_zip(tmp_path / "bad.zip", members)
    target = tmp_path / "target"
    with pytest.raises(DatasetError, match=rf"bad\.zip .*{message}"):
        archives.extract(path, target)
    assert list(target.iterdir()) == []
    assert not (tmp_path / "up.txt").exists()


def test_archive_that_lies_about_sizes(tmp_path):
    path = write_zip(tmp_path / "bad.zip", [("a.txt", b"abc" * 1000)])
    data = path.read_bytes()
    for claimed in (10, 2**31):
        lying = data.replace(
            (3000).to_bytes(4, "little"), claimed.to_bytes(4, "little")
        )
        path.write_bytes(lying)
        with pytest.raises(DatasetError, match=r"bad\.zip"):
            archives.extract(path, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_damaged_archive(tmp_path):
    members = [("a.txt", b"abc" * 1000), ("b.txt", bytes(range(256)) * 9)]
    path = write_zip(tmp_path / "bad.zip", members)
    data = path.read_bytes()
    for damaged in (data[:-30], data[:50], b"", b"x" * 99):
        path.write_bytes(damaged)
        with pytest.raises(DatasetError, match=r"bad\.zip"):
            archives.extract(path, tmp_path / "target")
    path.write_bytes(data[:45] + bytes([data[45] ^ 255]) + data[46:])
    with pytest.raises(DatasetError, match=r"bad\.zip"):
        archives.extract(path, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []
    archives.extract(
        write_zip(path, members), tmp_path / "target", keep="b.txt".__eq__
    )
    assert [p.name for p in (tmp_path / "target").iterdir()] == ["b.txt"]


@pytest.fixture
def small_fiwi(server, tmp_path, monkeypatch):
    """FiWi's source with a small archive on the server, no checksum known."""
    layouts.fiwi(tmp_path / "made")
    server.files["/webpage_dataset.zip"] = zipped(tmp_path / "made")
    source = library.Source(
        datasets.load_fiwi,
        (library.Archive(f"{server.url}/webpage_dataset.zip", "w.zip"),),
        ("webpage_dataset/stimuli",),
        2,
    )
    monkeypatch.setitem(library.SOURCES, "fiwi", source)
    monkeypatch.setattr(archives.time, "sleep", lambda seconds: None)
    return source


def test_load_downloads_once(small_fiwi, server, tmp_path, monkeypatch):
    root = tmp_path / "root"
    with pytest.raises(FileNotFoundError, match=r"get\n  http://127"):
        datasets.load("fiwi", root)
    dataset = datasets.load("FiWi", root, download=True, progress=False)
    assert len(dataset) == 2
    assert len(server.ranges) == 1
    monkeypatch.setenv("KERAS_SALIENCY_DATA", str(root))
    assert datasets.load("fiwi", default_sigma=5.0).sigma(0) == 5
    assert len(datasets.load("fiwi", root / "fiwi")) == 2
    assert len(server.ranges) == 1


@pytest.mark.parametrize("fault", ["cut", "corrupt", 404])
def test_load_that_failed_leaves_no_data_set(
    small_fiwi, server, tmp_path, fault
):
    data = server.files["/webpage_dataset.zip"]
    server.faults = [fault] * 20
    with pytest.raises(DatasetError):
        datasets.load("fiwi", tmp_path / "root", download=True, progress=False)
    for root in (tmp_path / "root", tmp_path / "root/fiwi"):
        with pytest.raises(FileNotFoundError, match="no copy of fiwi"):
            datasets.load("fiwi", root)
    server.faults = []
    server.files["/webpage_dataset.zip"] = data
    options = {"download": True, "progress": False}
    assert len(datasets.load("fiwi", tmp_path / "root", **options)) == 2


def test_load_that_was_killed_while_extracting(
    small_fiwi, server, tmp_path, monkeypatch
):
    move = archives._move
    with monkeypatch.context() as patch:

        def killed(source, target):
            move(source, target)
            raise KeyboardInterrupt

        patch.setattr(archives, "_move", killed)
        with pytest.raises(KeyboardInterrupt):
            datasets.load("fiwi", tmp_path, download=True, progress=False)
    assert (tmp_path / "fiwi/webpage_dataset").exists()
    with pytest.raises(FileNotFoundError, match="no copy of fiwi"):
        datasets.load("fiwi", tmp_path)
    options = {"download": True, "progress": False}
    assert len(datasets.load("fiwi", tmp_path, **options)) == 2
    assert len(server.ranges) == 1


def test_load_of_another_number_of_images(
    small_fiwi, server, tmp_path, monkeypatch
):
    other = library.Source(
        datasets.load_fiwi, small_fiwi.archives, small_fiwi.layout, 149
    )
    monkeypatch.setitem(library.SOURCES, "fiwi", other)
    with pytest.raises(DatasetError, match="2 images where 149"):
        datasets.load("fiwi", tmp_path, download=True, progress=False)


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_load_finds_each_layout(name, tmp_path):
    root = tmp_path / "data"
    expected = layouts.LAYOUTS[name](root / name.upper())
    assert set(datasets.load(name, root).names) == set(expected)
    assert set(datasets.load(name, root / name.upper()).names) == set(expected)


def test_load_of_an_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="known are mit1003, cat2000"):
        datasets.load("mit300", tmp_path)
    for name, source in library.SOURCES.items():
        with pytest.raises(FileNotFoundError) as caught:
            datasets.load(name, tmp_path / "none")
        assert all(a.url in str(caught.value) for a in source.archives)


def test_load_finds_the_compact_form_and_msi_nets_folders(tmp_path):
    made = datasets.generate(2, (20, 30))
    datasets.to_compact(made, tmp_path / "PASCAL-S", progress=False)
    assert len(datasets.load("pascal_s", tmp_path)) == 2
    assert len(datasets.load("pascal_s", tmp_path / "PASCAL-S")) == 2
    with pytest.raises(FileNotFoundError, match="no copy of osie"):
        datasets.load("osie", tmp_path / "PASCAL-S")
    datasets.to_folders(made, tmp_path / "osie", progress=False)
    (tmp_path / "osie/images").rename(tmp_path / "osie/stimuli")
    (tmp_path / "osie/maps").rename(tmp_path / "osie/saliency")
    assert len(datasets.load("osie", tmp_path)) == 2


def test_load_finds_real_sets(mit1003_path):
    assert len(datasets.load("mit1003", mit1003_path.parent)) == 1003
