"""Errors about the files of a data set."""


class DatasetError(ValueError):
    """A file or folder of a data set is damaged, missing or unexpected.

    The message names the file and says what to do. It is a `ValueError`.
    """


class DatasetNotFoundError(DatasetError, FileNotFoundError):
    """A data set or a part of it is missing; also a `FileNotFoundError`."""

    # The text of an OSError would otherwise show its (missing) error number.
    __str__ = ValueError.__str__
