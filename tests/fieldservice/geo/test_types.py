"""Points and travel tables refuse what they cannot be."""

import numpy as np
import pytest

from fieldservice.geo.types import Coordinates, TravelTable

HERE, THERE = Coordinates(39.4, -76.9), Coordinates(39.5, -76.8)


@pytest.mark.parametrize(
    ("lat", "lon"), [(91, 0), (-90.01, 0), (0, 180.5), (float("nan"), 0), (0, float("inf"))]
)
def test_a_point_off_the_globe_cannot_be_built(lat, lon):
    """Coordinates are checked where they are made, not where they are used."""
    with pytest.raises(ValueError, match="not"):
        Coordinates(lat, lon)


def test_a_table_finds_a_point_again_within_a_metre():
    """Rounding in a database or a browser does not make another place of a point."""
    cells = np.zeros((2, 2), dtype=np.int32)
    table = TravelTable((HERE, THERE), cells, cells.copy(), cells.astype(bool))
    assert table.index(Coordinates(39.4000004, -76.9000004)) == 0
    assert table.covers([THERE, HERE])
    assert not table.covers([Coordinates(39.41, -76.9)])
    with pytest.raises(KeyError):
        table.index(Coordinates(39.41, -76.9))


def test_a_table_has_a_row_per_point_and_cannot_be_changed():
    """A table of the wrong size is refused, and nobody can write into one that others use."""
    cells = np.zeros((2, 2), dtype=np.int32)
    with pytest.raises(ValueError, match="cannot have the shape"):
        TravelTable((HERE,), cells, cells, cells.astype(bool))
    table = TravelTable((HERE, THERE), cells, cells.copy(), cells.astype(bool))
    with pytest.raises(ValueError, match="read-only"):
        table.seconds[0, 1] = 5
