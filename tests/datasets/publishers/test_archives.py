import errno
import io
import os
import stat
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import publisher_layouts as layouts
import pytest

from keras_saliency import datasets
from keras_saliency._utils import download, locks
from keras_saliency.datasets import DatasetError, publishers
from keras_saliency.datasets.publishers import archives, library


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


def test_members_that_overlap(tmp_path):
    """One piece of data in the place of many: a bomb without nesting."""
    path = write_zip(tmp_path / "a.zip", [("a", os.urandom(9000))])
    data = path.read_bytes()
    first, last = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry, end = data[first:last], bytearray(data[last:])
    entries = b"".join(entry[:46] + name + entry[47:] for name in (b"a", b"b"))
    end[8:12] = (2).to_bytes(2, "little") * 2
    end[12:16] = len(entries).to_bytes(4, "little")
    path.write_bytes(data[:first] + entries + bytes(end))
    with pytest.raises(DatasetError, match=r"a\.zip is refused.*overlap"):
        archives.extract(path, tmp_path / "out")


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
        # Each small enough to be let pass.
        ([(f"bomb{k}", b"\0" * 2**23) for k in range(8)], "would grow from"),
        ([("a", "x"), ("a/b", "y")], "'a' is a file and a folder"),
        ([("a/" * 600 + "b", "x")], "no file can have"),
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
    monkeypatch.setattr(publishers.fiwi, "IMAGE_COUNT", 2)
    monkeypatch.setitem(library.SOURCES, "fiwi", source)
    sleep = time.sleep
    monkeypatch.setattr(
        download.time, "sleep", lambda seconds: sleep(min(seconds, 0.01))
    )
    return source


def test_load_downloads_once(small_fiwi, server, tmp_path, monkeypatch):
    root = tmp_path / "root"
    with pytest.raises(FileNotFoundError, match=r"get\n  http://127"):
        datasets.load("fiwi", root=root)
    dataset = datasets.load("FiWi", root=root, download=True, progress=False)
    assert len(dataset) == 2
    assert len(server.ranges) == 1
    monkeypatch.setenv("KERAS_SALIENCY_DATA", str(root))
    assert datasets.load("fiwi", default_sigma=5.0).sigma(0) == 5
    assert len(datasets.load("fiwi", root=root / "fiwi")) == 2
    assert len(server.ranges) == 1


@pytest.mark.parametrize("fault", ["cut", "corrupt", 404])
def test_load_that_failed_leaves_no_data_set(
    small_fiwi, server, tmp_path, fault
):
    data = server.files["/webpage_dataset.zip"]
    server.faults = [fault] * 20
    with pytest.raises(DatasetError):
        datasets.load(
            "fiwi", root=tmp_path / "root", download=True, progress=False
        )
    for root in (tmp_path / "root", tmp_path / "root/fiwi"):
        with pytest.raises(FileNotFoundError, match="no copy of fiwi"):
            datasets.load("fiwi", root=root)
    server.faults = []
    server.files["/webpage_dataset.zip"] = data
    options = {"download": True, "progress": False}
    assert len(datasets.load("fiwi", root=tmp_path / "root", **options)) == 2


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
            datasets.load("fiwi", root=tmp_path, download=True, progress=False)
    assert (tmp_path / "fiwi/webpage_dataset").exists()
    with pytest.raises(FileNotFoundError, match="no copy of fiwi"):
        datasets.load("fiwi", root=tmp_path)
    options = {"download": True, "progress": False}
    assert len(datasets.load("fiwi", root=tmp_path, **options)) == 2
    assert len(server.ranges) == 1


def test_what_killed_extractions_left_is_removed(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("a.txt", "abc")])
    target = tmp_path / "target"
    for left in (".extracting", ".extracting-x_1y"):  # the last is older
        (target / left / "deep").mkdir(parents=True)
        (target / left / "a.txt").touch()
    (target / ".extracting.lock").touch()
    archives.extract(path, target)
    assert [p.name for p in target.iterdir()] == ["a.txt"]
    assert (target / "a.txt").read_text() == "abc"


def test_a_full_disk_keeps_the_archive(
    small_fiwi, server, tmp_path, monkeypatch
):
    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    options = {"root": tmp_path, "download": True, "progress": False}
    with monkeypatch.context() as patch:
        patch.setattr(archives, "write_all", full)
        with pytest.raises(DatasetError, match="fiwi could not .*No space.*w"):
            datasets.load("fiwi", **options)
    assert [p.name for p in (tmp_path / "fiwi").iterdir()] == [".downloads"]
    assert len(datasets.load("fiwi", **options)) == 2
    assert len(server.ranges) == 1


def test_three_at_once_download_and_extract_once(
    small_fiwi, server, tmp_path, monkeypatch, capsys
):
    """The lock is held between threads as it is between processes."""
    extract, calls = archives.extract, []
    never = threading.Event()

    def slow(*arguments):
        calls.append(arguments)
        never.wait(0.5)
        extract(*arguments)

    monkeypatch.setattr(archives, "extract", slow)
    monkeypatch.setattr(locks, "_POLL_SECONDS", 0.01)
    with ThreadPoolExecutor(3) as pool:
        found = [
            pool.submit(datasets.load, "fiwi", root=tmp_path, download=True)
            for _ in range(3)
        ]
    assert [len(future.result()) for future in found] == [2, 2, 2]
    assert len(calls) == len(server.ranges) == 1
    assert capsys.readouterr().err.count("Waiting for another process") == 2
    left = sorted(p.name for p in (tmp_path / "fiwi/.downloads").iterdir())
    assert left == ["w.zip.extracted"]


SCRIPT = """
import sys
from keras_saliency import datasets
from keras_saliency.datasets.publishers import archives, fiwi, library
fiwi.IMAGE_COUNT = 2
library.SOURCES["fiwi"] = library.Source(
    datasets.load_fiwi, (library.Archive(sys.argv[1], "w.zip"),),
    ("webpage_dataset/stimuli",), 2,
)
if len(sys.argv) > 3:
    import os
    archives._move = lambda *paths: os.kill(os.getpid(), 9)
print(len(datasets.load("fiwi", root=sys.argv[2], download=True)))
"""


@pytest.mark.slow
def test_processes_and_a_kill(small_fiwi, server, tmp_path):
    """A killed process holds nobody up, and the others share its download."""

    def start(*arguments):
        url = f"{server.url}/webpage_dataset.zip"
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, url, str(tmp_path), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            text=True,
        )

    with start("kill") as killed:
        killed.communicate()
    assert killed.returncode != 0
    assert (tmp_path / "fiwi/.extracting").exists()
    for process in [start() for _ in range(3)]:
        assert process.communicate(timeout=120)[0] == "2\n"
    assert len(server.ranges) == 1
    names = sorted(p.name for p in (tmp_path / "fiwi").iterdir())
    assert names == [".complete", ".downloads", "webpage_dataset"]


def test_load_of_another_number_of_images(
    small_fiwi, server, tmp_path, monkeypatch
):
    monkeypatch.setattr(publishers.fiwi, "IMAGE_COUNT", 149)
    with pytest.raises(DatasetError, match="2 images, the data set 149"):
        datasets.load("fiwi", root=tmp_path, download=True, progress=False)


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_load_finds_each_layout(name, tmp_path):
    root = tmp_path / "data"
    expected = layouts.LAYOUTS[name](root / name.upper())
    for path in (root, root / name.upper()):
        dataset = datasets.load(name, root=path, partial=True)
        assert set(dataset.names) == set(expected)
        with pytest.raises(DatasetError, match="partial=True"):
            datasets.load(name, root=path)


def test_load_of_an_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="known are mit1003, cat2000"):
        datasets.load("mit300", root=tmp_path)
    for name, source in library.SOURCES.items():
        with pytest.raises(FileNotFoundError) as caught:
            datasets.load(name, root=tmp_path / "none")
        assert all(a.url in str(caught.value) for a in source.archives)


def test_load_finds_the_compact_form_and_msi_nets_folders(tmp_path):
    made = datasets.generate(2, (20, 30))
    datasets.to_compact(made, tmp_path / "PASCAL-S", progress=False)
    assert len(datasets.load("pascal_s", root=tmp_path)) == 2
    assert len(datasets.load("pascal_s", root=tmp_path / "PASCAL-S")) == 2
    with pytest.raises(FileNotFoundError, match="no copy of osie"):
        datasets.load("osie", root=tmp_path / "PASCAL-S")
    datasets.to_folders(made, tmp_path / "osie", progress=False)
    (tmp_path / "osie/images").rename(tmp_path / "osie/stimuli")
    (tmp_path / "osie/maps").rename(tmp_path / "osie/saliency")
    assert len(datasets.load("osie", root=tmp_path)) == 2


def test_load_finds_real_sets(mit1003_path):
    assert len(datasets.load("mit1003", root=mit1003_path.parent)) == 1003
