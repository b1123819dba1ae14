"""Laws of reading parts: boxes together are the whole, links and checksums; sums follow their plain definitions."""

import itertools
import zlib

import numpy as np
import pytest
from formats.fields import VARIANTS, complex_of, random_links, read_file, wanted_of, write_file

from gaugeflow.errors import FileError
from gaugeflow.formats.reading import LinkFile, combine_checksums, read_header

CASES = [variant for variant in VARIANTS if variant[0] != "milc_v4"]


def cut(size, parts):
    ends = np.linspace(0, size, parts + 1).astype(int).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def identity(variant):
    return "-".join(str(part) for part in variant if part is not None)


@pytest.fixture(params=CASES, ids=identity)
def written(request, tmp_path):
    wanted = wanted_of(request.param)
    write_file(tmp_path / "conf", wanted, random_links(wanted.extents, "SU3"))
    return tmp_path / "conf"


@pytest.mark.parametrize("parts", [(2, 1, 1, 1), (2, 2, 1, 1), (1, 2, 3, 1), (2, 1, 2, 2), (1, 1, 1, 2)])
def test_boxes_of_many_ranks_are_the_whole(written, parts):
    header, whole, sums = read_file(written)
    combined = None
    for box in itertools.product(*(cut(size, n) for size, n in zip(header.shape[:4], parts, strict=True))):
        with LinkFile(written, header) as file:
            np.testing.assert_array_equal(complex_of(file.part(*box)), whole[box])
            combined = file.checksums if combined is None else combine_checksums(combined, file.checksums)
    assert combined == sums


def test_sites_count_once_however_often_they_are_read(written):
    header, whole, sums = read_file(written)
    every = slice(None)
    with LinkFile(written, header) as file:
        file.part(slice(1, 2), slice(0, 2), every, slice(0, 1))
        file.part(every, slice(1, 3), slice(1, 2), every)
        file.part(slice(1, 1), every, every, every)
        np.testing.assert_array_equal(complex_of(file.part(every, every, every, every)), whole)
        file.part(every, every, every, slice(-1, None))
        assert file.checksums == sums


@pytest.mark.parametrize("max_bytes", [1, 10_000, 1 << 23])
def test_blocks_are_z_ranges_in_order_whatever_their_size(written, max_bytes):
    header, whole, sums = read_file(written)
    with LinkFile(written, header) as file:
        order = []
        for (times, zs), reals in file.blocks(max_bytes):
            np.testing.assert_array_equal(complex_of(reals), whole[times, zs])
            order += [(times.start, z) for z in range(zs.start, zs.stop)]
        assert order == list(itertools.product(range(header.shape[0]), range(header.shape[1])))
        assert file.checksums == sums


def test_checksums_are_those_of_their_plain_definitions(written):
    header = read_header(written)
    _, links, sums = read_file(written)
    raw = written.read_bytes()[header.offset : header.offset + header.payload_bytes]
    big = links.astype(f">c{2 * header.dtype.itemsize}").reshape(header.sites, -1)
    if header.format != "openqcd" and header.rows == header.n:
        stored = raw if header.dtype.str[0] == ">" else np.frombuffer(raw, header.dtype).byteswap().tobytes()
        assert stored == big.tobytes()
    assert sums["links"] == plain_scidac([row.tobytes() for row in big])
    words = np.frombuffer(raw, f"{header.dtype.str[0]}u4").tolist()
    assert sums.get("nersc", (sum(words) % 2**32,)) == (sum(words) % 2**32,)
    if header.format == "milc":
        assert sums["milc"] == rotated_xor(words)


def plain_scidac(sites):
    return rotated_xor([zlib.crc32(site) for site in sites])


def rotated_xor(words):
    sums = [0, 0]
    for number, word in enumerate(words):
        for k, modulus in enumerate((29, 31)):
            by = number % modulus
            sums[k] ^= (word << by | word >> (32 - by)) & 0xFFFFFFFF
    return tuple(sums)


def test_a_flipped_bit_changes_the_checksum_that_covers_it(written):
    header, _, sums = read_file(written)
    raw = bytearray(written.read_bytes())
    rng = np.random.default_rng(7)
    for position in rng.integers(header.offset, header.offset + header.payload_bytes, 20).tolist():
        raw[position] ^= 1 << int(rng.integers(8))
        written.write_bytes(raw)
        assert all(read_file(written)[2][name] != value for name, value in sums.items())
        raw = bytearray(raw)


def test_a_file_cut_while_it_is_open_is_an_error_and_not_rubbish(written):
    header = read_header(written)
    with LinkFile(written, header) as file, open(written, "r+b") as handle:
        handle.truncate(header.offset + header.payload_bytes // 2)
        with pytest.raises(FileError, match="too early"):
            list(file.blocks())


def test_another_crc_of_sites_takes_the_place_of_zlibs(written):
    header, _, sums = read_file(written)
    sites = 0

    def crc_of_sites(raw):
        nonlocal sites
        sites += len(raw)
        assert (raw.dtype, raw.shape[1], raw.flags.c_contiguous) == (np.uint8, header.dtype.itemsize * 72, True)
        return np.array([zlib.crc32(row) for row in raw], np.uint32)

    with LinkFile(written, header, crc_of_sites=crc_of_sites) as file:
        for _ in file.blocks():
            assert sites > 0
        assert file.checksums == sums
    assert sites == header.sites


def test_signalling_nans_are_passed_on_in_silence(written):
    header = read_header(written)
    raw = bytearray(written.read_bytes())
    nan = {4: 0x7F800001, 8: 0x7FF0000000000001}[header.dtype.itemsize]
    raw[header.offset : header.offset + header.dtype.itemsize] = nan.to_bytes(
        header.dtype.itemsize, "big" if header.dtype.str[0] == ">" else "little"
    )
    written.write_bytes(raw)
    found = False
    with LinkFile(written, header) as file:
        for _, reals in file.blocks():
            found = found or bool(np.isnan(reals).any())
    assert found
