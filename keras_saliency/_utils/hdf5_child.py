"""Read HDF5 files to the end, in a process that may hang or die of it.

A damaged file can make the HDF5 library loop for ever, crash, allocate what
the file claims, or read other files. `keras_saliency._utils.hdf5` runs this
file as a script and asks it before it opens a file itself: one line of JSON
in, one out. It imports nothing of the package, so that it starts soon.
"""

import io
import json
import math
import os
import signal
import sys
import zipfile

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5t

# A data set that is larger than this must be backed by bytes in the file;
# deflate cannot grow data more than 1032 times.
_UNBACKED = 2**20
_GROWTH = 1100
# Attributes are names and flags.
_ATTRIBUTE = 2**22
# What is read at once.
_BLOCK = 2**24


class Reader:
    """A walk over all objects of a file, by h5py's low level, which is fast.

    Args:
        file: The `h5py.File`.
        most_objects: Most groups and data sets.
        most_bytes: Most bytes that all data together may take.
    """

    def __init__(self, file, most_objects, most_bytes):
        self.file = file
        self.objects = most_objects
        self.bytes = most_bytes
        self.elements = 0

    def walk(self):
        """Read everything, each object once."""
        seen = set()
        # Objects are opened one by one: thousands of open ones are slow.
        levels = [iter([(b"/", self.file["/"].id)])]
        while levels:
            name, item = next(levels[-1], (None, None))
            if name is None or item is None:
                levels.pop()
                continue
            address = h5o.get_info(item).addr
            if address in seen:
                continue
            seen.add(address)
            self.take_objects(1)
            self.read_attributes(item)
            if isinstance(item, h5g.GroupID):
                levels.append(self.members(item))
            elif isinstance(item, h5d.DatasetID):
                self.read(item, name.decode("utf-8", "replace"))

    def take_objects(self, count):
        """Count objects, or raise if there are too many."""
        self.objects -= count
        if self.objects < 0:
            raise ValueError("it has too many groups and arrays")

    def members(self, group):
        """Yield the names and objects in a group of this very file."""
        # Links to groups that are met already count too.
        self.take_objects(group.get_num_objs() // 8)
        for name in group:
            kind = group.links.get_info(name).type
            if kind != h5l.TYPE_HARD:
                title = name.decode("utf-8", "replace")
                raise ValueError(
                    f"{title!r} lies in another file"
                    if kind == h5l.TYPE_EXTERNAL
                    else f"{title!r} is a link"
                )
            yield name, h5o.open(group, name)

    def read_attributes(self, item):
        """Read the attributes of an object."""
        for index in range(h5a.get_num_attrs(item)):
            attribute = h5a.open(item, index=index)
            count = attribute.get_space().get_simple_extent_npoints()
            size = count * attribute.get_type().get_size()
            if max(size, count) > _ATTRIBUTE:
                raise ValueError(f"an attribute claims {size} bytes")
            if attribute.dtype.hasobject:
                # Lies elsewhere in the file.
                h5py.Group(item).attrs[attribute.name]
            else:
                attribute.read(np.empty(attribute.shape, attribute.dtype))

    def read(self, item, name):
        """Read an array, block by block."""
        plan = item.get_create_plist()
        layout = plan.get_layout()
        if layout == h5d.VIRTUAL or plan.get_external_count():
            raise ValueError(f"{name!r} lies in another file")
        count = item.get_space().get_simple_extent_npoints()
        size = count * item.get_type().get_size()
        stored = item.get_storage_size()
        self.bytes -= size
        if self.bytes < 0 or size > max(_UNBACKED, _GROWTH * stored):
            raise ValueError(f"{name!r} claims the shape {item.shape}")
        self.elements += count
        kind = item.get_type()
        if kind.detect_class(h5t.VLEN) or (
            isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()
        ):
            if count > 4096:
                raise ValueError(f"{name!r} is of variable length")
            h5py.Dataset(item)[()]
        elif layout == h5d.CHUNKED and size:
            self.read_chunks(h5py.Dataset(item), size, name)
        # Of one piece nothing can mislead the library.

    def read_chunks(self, item, size, name):
        """Read an array whose parts are to be found first."""
        block = math.prod(item.chunks) * item.dtype.itemsize
        if block > 4 * max(size, _UNBACKED):
            raise ValueError(f"{name!r} claims chunks of {block} bytes")
        row = size // item.shape[0]
        step = max(1, _BLOCK // max(row, 1), item.chunks[0])
        for start in range(0, item.shape[0], step):
            item[start : start + step]


def main():
    """Answer until there are no more questions."""
    for line in sys.stdin:
        question = json.loads(line)
        _limit(question["seconds"], question["most_bytes"])
        try:
            answer = {"elements": check(question)}
        except BaseException as error:  # noqa: BLE001, damage raises anything
            answer = {"error": str(error) or repr(error)}
        _limit(0, None)
        print(json.dumps(answer), flush=True)


def check(question):
    """Return the number of elements of a file, or raise."""
    path, member = question["path"], question["member"]
    source = path
    if member is not None:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(member).file_size > question["most_bytes"]:
                raise ValueError(f"{member} is absurdly large")
            source = io.BytesIO(archive.read(member))
    with h5py.File(source, "r") as file:
        reader = Reader(file, question["most_objects"], question["most_bytes"])
        reader.walk()
        return reader.elements


def _limit(seconds, memory):
    """Limit the processor's time, and memory beyond what is in use."""
    if hasattr(signal, "setitimer"):
        # Its signal ends the process, whatever the library is doing.
        signal.setitimer(signal.ITIMER_PROF, seconds)
    if memory is None:
        return
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = used + 2 * memory + 2**28
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    except (ImportError, OSError, ValueError):
        pass  # not on this system; the time is limited all the same


if __name__ == "__main__":
    main()
