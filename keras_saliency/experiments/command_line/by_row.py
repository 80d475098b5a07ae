"""Options that can differ by the row of a table."""

import argparse
from collections.abc import Callable, Container, Mapping
from typing import Any


class ByRow(dict[str, Any]):
    """The value of an option for each row of a table.

    Args:
        default: The value of rows that have none of their own.
        own: Those of rows that have: name -> value.
    """

    def __init__(self, default: Any, own: Mapping[str, Any]) -> None:
        super().__init__(own)
        self.default = default

    def __missing__(self, row: str) -> Any:
        return self.default


def add_option_by_row(
    parser: argparse.ArgumentParser,
    flag: str,
    rows: Container[str],
    kind: Callable[[str], Any],
    default: Any,
    text: str,
) -> None:
    """Add an option that can differ by row: `FLAG VALUE ROW=VALUE`.

    What is parsed is a `ByRow`.

    Args:
        parser: The parser.
        flag: The option, such as `"--epochs"`.
        rows: Names of the rows.
        kind: What reads a value.
        default: The value that holds where none is given.
        text: What the help says of it.
    """

    def read(value: str) -> tuple[str, Any]:
        row, _, value = value.rpartition("=")
        if row and row not in rows:
            raise argparse.ArgumentTypeError(f"there is no row {row!r}")
        return row, kind(value)

    class Store(argparse.Action):
        def __call__(self, parser, namespace, values, option_string=None):
            own = dict(values)
            setattr(namespace, self.dest, ByRow(own.pop("", default), own))

    parser.add_argument(
        flag,
        nargs="+",
        type=read,
        action=Store,
        default=ByRow(default, {}),
        metavar="[ROW=]VALUE",
        help=f"{text}; default {default}; ROW=VALUE for one row",
    )
