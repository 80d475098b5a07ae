"""Results of several rows, brought to the same images in one order."""

from collections.abc import Mapping, Sequence

from keras_saliency.evaluation import Evaluation


def aligned(
    results: Mapping[str, Sequence[Evaluation]], *, of: str = "the table"
) -> dict[str, list[Evaluation]]:
    """Return results whose images are in the order of the first row's.

    Args:
        results: Name of a row -> one `Evaluation` per seed.
        of: What an error calls them.

    Returns:
        The same, with values that can be paired by their place.

    Raises:
        ValueError: If there is no row, a row has no result, or one has other
            metrics or images than the first.
    """
    found = {row: list(runs) for row, runs in results.items()}
    if not found:
        raise ValueError(f"{of} has no rows")
    for row, runs in found.items():
        if not runs:
            raise ValueError(f"{of}: row {row!r} has no result")
    name, (first, *_) = next(iter(found.items()))
    for row, runs in found.items():
        for run in runs:
            if set(run.scores) != set(first.scores):
                raise ValueError(
                    f"{of}: rows need the same metrics; {name!r} has "
                    f"{', '.join(first.scores)}, {row!r} has "
                    f"{', '.join(run.scores)}"
                )
            if set(run.names) != set(first.names):
                other = sorted({*run.names} ^ {*first.names})
                raise ValueError(
                    f"{of}: rows need the same images; {name!r} has "
                    f"{len(first)}, {row!r} has {len(run)}, and {len(other)} "
                    f"are in one only, such as {other[0]!r}"
                )
    return {
        row: [run.in_order_of(first.names) for run in runs]
        for row, runs in found.items()
    }


def same_seeds(
    results: Mapping[str, Sequence[Evaluation]], *, of: str = "the table"
) -> int:
    """Return the number of seeds, which all rows have.

    Args:
        results: As for `aligned`.
        of: As for `aligned`.

    Raises:
        ValueError: If rows have different numbers of seeds.
    """
    counts = {row: len(runs) for row, runs in results.items()}
    if len(set(counts.values())) > 1:
        few = min(counts, key=counts.__getitem__)
        many = max(counts, key=counts.__getitem__)
        raise ValueError(
            f"{of}: rows need as many seeds as one another; {few!r} has "
            f"{counts[few]}, {many!r} has {counts[many]}"
        )
    return next(iter(counts.values()))
