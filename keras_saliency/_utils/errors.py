"""Errors about files, names and what is installed."""


class DatasetError(ValueError):
    """A file or folder of a data set is damaged, missing or unexpected.

    The message names the file and says what to do. It is a `ValueError`.
    """


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """A data set or a part of it is missing; also a `FileNotFoundError`."""

    # The text of an OSError would otherwise show its (missing) error number.
    __str__ = ValueError.__str__


class ModelNotFoundError(ValueError, FileNotFoundError):
    """There is no model of a name, or no such file."""

    __str__ = ValueError.__str__


class NotInstalledError(ImportError):
    """A package that is needed is missing; the message says which one."""


class DivergedError(ValueError):
    """A training ended in NaN or infinity; the message says what to do."""
