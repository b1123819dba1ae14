"""CRC-32 of rows equals zlib's, whatever their length and number, on the two ways that compute it."""

import zlib

import numpy as np
import pytest

from gaugeflow.errors import GeometryError
from gaugeflow.kernels import checksums
from gaugeflow.lattice.site_checksums import crc_of_sites

SITE_BYTES = [4 * 2 * n * n * itemsize for n in (1, 2, 3, 4) for itemsize in (4, 8)]
LENGTHS = [*range(150), *SITE_BYTES, 4099]
folding = pytest.param(
    checksums.by_folding,
    marks=pytest.mark.skipif(not checksums.HAS_CARRYLESS, reason="this processor has no carry-less products"),
)


def zlib_crc(rows):
    return np.array([zlib.crc32(row.tobytes()) for row in rows], np.uint32)


@pytest.mark.parametrize("compute", [checksums.by_tables, folding])
def test_both_ways_give_zlibs_crc_for_every_length(compute):
    rng = np.random.default_rng(1)
    for length in LENGTHS:
        rows = rng.integers(0, 256, (5, length), np.uint8)  # two at a time and one alone
        found = np.zeros(len(rows), np.uint32)
        compute(rows.ctypes.data, length, checksums.tables(), found)
        np.testing.assert_array_equal(found, zlib_crc(rows), err_msg=str(length))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
@pytest.mark.parametrize("fill", [0, 255])
def test_any_number_of_rows_and_rows_of_one_value(count, fill):
    rows = np.full((count, 576), fill, np.uint8)
    np.testing.assert_array_equal(crc_of_sites(rows), zlib_crc(rows), strict=True)


def test_rows_may_be_any_view():
    raw = np.random.default_rng(2).integers(0, 256, (10, 300), np.uint8)
    np.testing.assert_array_equal(crc_of_sites(raw[::2, 5:293]), zlib_crc(raw[::2, 5:293]))
    np.testing.assert_array_equal(crc_of_sites(raw[3:, :288]), zlib_crc(raw[3:, :288]))


def test_a_flipped_bit_changes_the_checksum_of_its_row_alone():
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 256, (5, 288), np.uint8)
    before = crc_of_sites(rows)
    for bit in rng.integers(0, 8 * 288, 50):
        flipped = rows.copy()
        flipped[2, bit // 8] ^= 1 << bit % 8
        np.testing.assert_array_equal(crc_of_sites(flipped) != before, [False, False, True, False, False])


def test_what_is_not_rows_of_bytes_is_refused():
    with pytest.raises(GeometryError, match=r"got float64 \(4, 72\), wanted uint8"):
        crc_of_sites(np.zeros((4, 72)))
    with pytest.raises(GeometryError, match=r"got uint8 \(4,\)"):
        crc_of_sites(np.zeros(4, np.uint8))
