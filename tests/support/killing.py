"""Kill this process at a chosen moment, as a machine that fails would."""

import os
import signal
import threading
import zipfile


def _die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_call(holder, name, number):
    """Die in the middle of the n-th call of a function."""
    original, calls = getattr(holder, name), 0

    def counted(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == number:
            _die()
        return original(*arguments, **options)

    setattr(holder, name, counted)


def arm(moment):
    """Prepare the death of the process.

    Args:
        moment: `"never"`; `"write N"`, when the N-th member of any archive is
            opened for writing; `"flush N"`, at the N-th fsync; `"replace N"`,
            before the N-th file takes its place; `"time S"`, S seconds after
            the first epoch has begun.
    """
    kind, _, value = moment.partition(" ")
    if kind == "write":
        _die_at_call(zipfile.ZipFile, "open", int(value))
    elif kind == "flush":
        _die_at_call(os, "fsync", int(value))
    elif kind == "replace":
        _die_at_call(os, "replace", int(value))
    elif kind == "time":
        import keras

        begin = keras.callbacks.CallbackList.on_epoch_begin

        def timed(self, epoch, logs=None):
            keras.callbacks.CallbackList.on_epoch_begin = begin
            threading.Timer(float(value), _die).start()
            return begin(self, epoch, logs)

        keras.callbacks.CallbackList.on_epoch_begin = timed
