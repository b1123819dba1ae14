"""Law of openQCD's layout: every link stands where the published layout puts it, found by plain loops."""

import struct

import numpy as np
import pytest
from formats.fields import EVEN, PLAQUETTE, random_links, read_file, write_file

from gaugeflow.errors import FileError
from gaugeflow.formats.reading import read_header
from gaugeflow.formats.writing import Wanted


def plain_openqcd(links, plaquette):
    """Bytes of a configuration: links (t, z, y, x, 4 = x y z t, N, N), plaquette Re tr / N."""
    times, depths, heights, widths = links.shape[:4]
    sizes = (times, widths, heights, depths)
    out = [struct.pack("<4i", *sizes), struct.pack("<d", plaquette * links.shape[-1])]
    for t in range(times):
        for x in range(widths):
            for y in range(heights):
                for z in range(depths):
                    if (t + x + y + z) % 2 == 0:
                        continue
                    for direction, mu in enumerate((3, 0, 1, 2)):
                        behind = [t, x, y, z]
                        behind[direction] = (behind[direction] - 1) % sizes[direction]
                        u, v, w, s = behind
                        out += [links[t, z, y, x, mu].tobytes(), links[u, s, w, v, mu].tobytes()]
    return b"".join(out)


@pytest.mark.parametrize("group", ["SU2", "SU3"])
@pytest.mark.parametrize("extents", [EVEN, (2, 2, 2, 2), (4, 2, 6, 2)])
def test_every_link_stands_where_the_layout_puts_it(tmp_path, group, extents):
    links = random_links(extents, group)
    write_file(tmp_path / "conf", Wanted("openqcd", extents, group), links)
    assert (tmp_path / "conf").read_bytes() == plain_openqcd(links, PLAQUETTE)
    (tmp_path / "other").write_bytes(plain_openqcd(links, PLAQUETTE))
    header, read, _ = read_file(tmp_path / "other", group=group)
    assert (header.extents, header.group) == (extents, group)
    np.testing.assert_array_equal(read, links)


def test_another_n_than_that_of_the_code_has_to_be_known(tmp_path):
    (tmp_path / "conf").write_bytes(plain_openqcd(random_links(EVEN, "SU2"), PLAQUETTE))
    with pytest.raises(FileError, match=r"its size fits SU2 .*--group"):
        read_header(tmp_path / "conf")


def test_a_wrong_size_names_how_many_bytes(tmp_path):
    raw = plain_openqcd(random_links(EVEN, "SU3"), PLAQUETTE)
    (tmp_path / "cut").write_bytes(raw[:-10])
    (tmp_path / "long").write_bytes(raw + bytes(7))
    with pytest.raises(FileError, match="10 too few"):
        read_header(tmp_path / "cut")
    with pytest.raises(FileError, match="7 too many"):
        read_header(tmp_path / "long")
