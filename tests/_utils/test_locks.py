import os
import threading

import pytest

from keras_saliency._utils import locks


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(locks, "_POLL_SECONDS", 0.005)


def test_the_second_waits_for_the_first(tmp_path):
    path = tmp_path / "lock"
    waiting, order, calls = threading.Event(), [], []

    def second():
        def on_wait():
            calls.append(1)
            waiting.set()

        with locks.hold(path, on_wait):
            order.append("second")

    with locks.hold(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"] and calls == [1]
    assert not path.exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    tmp_path, monkeypatch
):
    path = tmp_path / "lock"
    try_lock = locks._try_lock

    def removed(handle):
        monkeypatch.setattr(locks, "_try_lock", try_lock)
        os.unlink(path)
        return try_lock(handle)

    monkeypatch.setattr(locks, "_try_lock", removed)
    with locks.hold(path):
        assert path.exists()
    assert not path.exists()


def test_the_lock_ends_with_an_error(tmp_path):
    with pytest.raises(KeyError):
        with locks.hold(tmp_path / "lock"):
            raise KeyError
    with locks.hold(tmp_path / "lock"):
        pass


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError):
        with locks.hold(tmp_path / "none/lock"):
            pass
