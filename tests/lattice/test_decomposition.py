"""Process grids: chosen, checked, and cut so that the pieces make the whole."""

import itertools
import math

import numpy as np
import pytest
from laws import EXTENTS, case_name

from gaugeflow.errors import GeometryError
from gaugeflow.kernels.layout import Layout
from gaugeflow.lattice import decomposition


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6, 8, 12])
def test_chosen_grids_divide_and_have_the_asked_ranks(ranks):
    for chains, extents in ((1, (12, 12, 12, 24)), (6, (8, 6)), (5, (6, 6, 4))):
        grid = decomposition.choose_grid(ranks, chains, extents)
        decomposition.check_grid(grid, ranks, chains, extents)


def test_chains_are_cut_first_then_t_and_x_last():
    assert decomposition.choose_grid(4, 8, (8, 8, 8, 8)) == (4, 1, 1, 1, 1)
    assert decomposition.choose_grid(2, 1, (8, 8, 8, 8)) == (1, 2, 1, 1, 1)
    assert decomposition.choose_grid(3, 1, (3, 4, 4, 4)) == (1, 1, 1, 1, 3)


@pytest.mark.parametrize(
    ("grid", "text"),
    [
        ((1, 2), "wanted 3 positive numbers"),
        ((1, 3, 1), "has 3 ranks, the job has 2"),
        ((1, 2, 1), "t = 5 cannot be split over 2 ranks"),
        ((2, 1, 1), "chains = 3 cannot be split"),
        ((-1, -2, 1), "positive"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused_with_what_would(grid, text):
    with pytest.raises(GeometryError, match=text):
        decomposition.check_grid(grid, 2, 3, (4, 5))


def test_a_number_of_ranks_that_divides_nothing_is_refused():
    with pytest.raises(GeometryError, match="7 ranks cannot split"):
        decomposition.choose_grid(7, 3, (4, 4))


def test_parts_cover_the_lattice_once():
    shape = (4, 6, 8, 2, 3)
    seen = np.zeros(shape, int)
    for where in decomposition.parts((2, 3, 4), shape):
        seen[where] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("extents", EXTENTS.values(), ids=case_name)
def test_halo_messages_bring_every_lane_the_site_it_stands_for(extents):
    """What the owner reads at `source` is the site that the receiver expects at `target`, for every grid."""
    sizes = tuple(reversed(extents))
    for grid in itertools.product(*[[k for k in (1, 2, 3) if n % k == 0] for n in sizes]):
        if math.prod(grid) == 1:
            continue
        local = [n // g for n, g in zip(sizes, grid, strict=True)]
        layouts = {c: Layout(local, 4, True, grid, c) for c in itertools.product(*[range(g) for g in grid])}
        for coords, layout in layouts.items():
            filled = np.zeros(layout.blocks * 4, bool)
            filled[: layout.local_blocks * 4] = True
            for message in layout.halo_messages():
                owner = tuple((c + o) % g for c, o, g in zip(coords, message.offset, grid, strict=True))
                assert np.array_equal(layouts[owner].site.ravel()[message.source], layout.site.ravel()[message.target])
                filled[message.target] = True
            assert filled.all()
