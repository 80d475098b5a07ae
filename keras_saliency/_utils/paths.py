"""The type of a file's name, without the import of NumPy."""

from os import PathLike

PathName = str | PathLike[str]
