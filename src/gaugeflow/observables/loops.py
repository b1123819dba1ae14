"""Planar Wilson loops and Polyakov loops from straight lines of links."""

import numpy as np


def straight_lines(lattice, links, mu, longest):
    """Products of 1 .. longest links along mu, one field each."""
    line = lattice.new_line()
    lattice.take_links(links, mu, line)
    out = [line]
    for _ in range(longest - 1):
        line = lattice.new_line()
        lattice.extend_line(links, mu, out[-1], line)
        out.append(line)
    return out


def _planar(lattice, links_along_a, links_along_b, a, b):
    """Re tr / N averaged over sites of all loops r x s, r along a and s along b; (chains, r, s)."""
    scale = lattice.volume * lattice.n
    shifted_b = [lattice.copy(line) for line in links_along_b]  # line_b(x + r a), r grows
    out = np.empty((lattice.chains, len(links_along_a), len(links_along_b)))
    spare = lattice.new_line()
    for r, side in enumerate(links_along_a):
        top = lattice.copy(side)  # line_a(x + s b), s grows
        for s, left in enumerate(links_along_b):
            lattice.shift_line(shifted_b[s], a, spare)
            shifted_b[s], spare = spare, shifted_b[s]
            lattice.shift_line(top, b, spare)
            top, spare = spare, top
            out[:, r, s] = lattice.total(lattice.loop_sums(side, shifted_b[s], left, top))[:, 0] / scale
    return out


def wilson_loops(lattice, links, max_r: int, max_t: int) -> dict[str, np.ndarray]:
    """Planar R x T Wilson loops Re tr W / N, (chains, max_r, max_t); entry [r - 1, t - 1].

    loops      R along space directions, T along t, averaged over those planes
    loops_all  R and T along every ordered pair of different directions, averaged
    """
    ndim, longest = lattice.ndim, max(max_r, max_t)
    lines = [straight_lines(lattice, links, mu, longest) for mu in range(ndim)]
    time_like, every = [], []
    for a in range(ndim):
        for b in range(a + 1, ndim):
            square = _planar(lattice, lines[a], lines[b], a, b)
            every += [square[:, :max_r, :max_t], square.transpose(0, 2, 1)[:, :max_r, :max_t]]
            if b == ndim - 1:
                time_like.append(square[:, :max_r, :max_t])
    return {"loops": np.mean(time_like, 0), "loops_all": np.mean(every, 0)}


def polyakov_loop(lattice, links) -> np.ndarray:
    """tr P / N of lines that wind once around t, averaged over space; (chains,) complex128."""
    time = lattice.ndim - 1
    extent = lattice.extents[time]
    line, spare = lattice.new_line(), lattice.new_line()
    lattice.take_links(links, time, line)
    for _ in range(extent - 1):
        lattice.extend_line(links, time, line, spare)
        line, spare = spare, line
    totals = lattice.total(lattice.trace_sums(line)) / (lattice.volume * lattice.n)
    return totals[:, 0] + 1j * totals[:, 1]
