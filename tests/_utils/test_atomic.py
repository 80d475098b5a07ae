"""Files have their names only once they are whole."""

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from keras_saliency._utils import atomic
from keras_saliency._utils.atomic import beside, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "new folder" / "a.csv"
    with replacing(path) as new:
        new.write_text("first")
        assert new.suffix == ".csv" and new.parent == path.parent
        assert not path.exists()
    path.chmod(0o640)
    with replacing(path) as new:
        new.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(path.parent) == ["a.csv"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), OSError("9 written")]
)
def test_an_error_names_the_file_and_changes_nothing(tmp_path, error):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(OSError) as caught:
        with replacing(path) as new:
            new.write_text("ha")
            raise error
    assert re.search(r"a\.csv could not be written \((No|9)", str(caught.value))
    assert "None" not in str(caught.value)
    assert caught.value.errno == error.errno
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError):
        with replacing(tmp_path / "a") as new:
            new.touch()
            raise KeyError
    assert names(tmp_path) == []


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
        with replacing(tmp_path):
            pass


def test_links_and_devices_stay(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("no links here")
    with replacing(link) as new:
        new.write_text("new")
    assert link.is_symlink() and real.read_text() == "new"
    if os.path.exists("/dev/null"):
        with replacing("/dev/null") as new:
            new.write_text("x")
        assert not os.path.isfile("/dev/null")


def test_long_names(tmp_path):
    for name in ("\u00e4" * 120 + ".json", "\U0001f600" * 60 + ".x"):
        with replacing(tmp_path / name) as new:
            new.touch()
        assert (tmp_path / name).exists()


def test_two_threads_write_one_file(tmp_path):
    """Each new file is its own; the last one stays."""
    path, barrier = tmp_path / "a", threading.Barrier(2)

    def write(text):
        with replacing(path) as new:
            barrier.wait()
            new.write_text(text)
            barrier.wait()

    threads = [threading.Thread(target=write, args=(t,)) for t in ("1", "2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in ("1", "2")
    assert names(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    code = (
        "import sys, types\n"
        "package = types.ModuleType('keras_saliency')\n"
        f"package.__path__ = [{os.path.dirname(atomic.__file__)[:-7]!r}]\n"
        "sys.modules['keras_saliency'] = package\n"
        "from keras_saliency._utils.atomic import replacing\n"
        "import os\n"
        f"with replacing({str(path)!r}) as new:\n"
        "    new.write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.")
    # Another machine's, and a living process's.
    other = beside(tmp_path / "b").with_name(
        re.sub("new-.{8}", "new-00000000", left.name)
    )
    alive = tmp_path / re.sub(
        r"(new-.{8})-\d+", rf"\1-{os.getppid()}", left.name
    )
    other.touch()
    alive.touch()
    monkeypatch.setattr(atomic, "_tidied", set())
    with replacing(path) as new:
        new.touch()
    assert names(tmp_path) == sorted(["a.txt", other.name, alive.name])
    yesterday = time.time() - 25 * 3600
    os.utime(other, (yesterday, yesterday))
    monkeypatch.setattr(atomic, "_tidied", set())
    beside(path)
    assert names(tmp_path) == sorted(["a.txt", alive.name])
