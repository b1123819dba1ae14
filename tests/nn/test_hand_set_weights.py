"""Weights set by hand represent loops and charges exactly: what training looks for exists."""

import numpy as np
import pytest
import torch
from laws import SEED

from gaugeflow.lattice.oracle import OracleLattice
from gaugeflow.nn.bilinear import Bilinear
from gaugeflow.nn.fields import from_file_order
from gaugeflow.nn.fused_bilinear import LatticeConvBilinear
from gaugeflow.nn.inputs import plaquettes
from gaugeflow.nn.lattice_convolution import LatticeConvolution
from gaugeflow.nn.lcnn import LCNN, LayerShape
from gaugeflow.nn.matrices import trace
from gaugeflow.observables.field_strength import energies_and_charges
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.rng import Purpose

CHARGE_PLANES = ((0, 5, 1.0), (1, 4, -1.0), (2, 3, 1.0))
"""xy zt - xz yt + xt yz among the planes xy xz xt yz yt zt."""


def hot(group, extents, chains=2):
    """(lattice, links as on file, the same as networks take them)."""
    lattice = OracleLattice(group, extents, chains)
    links = lattice.hot(SEED, Purpose.START)
    return lattice, links, from_file_order(torch.from_numpy(links))


def loop_network(layers, n):
    """A network of the channels of `loops` alone: every layer and the head begin with zeros."""
    network = LCNN([LayerShape(1)] * layers, 2, n).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.head.head.weights[0][0, 0] = 1 / n
    return network


def path_channels(layer):
    """Second factors of a layer with one channel: path -> (index of T, index of T^dagger)."""
    return {path: (k, k + len(layer.paths)) for k, path in enumerate(layer.paths)}


@pytest.mark.parametrize("group", ["U1", "SU2", "SU3", "U2"])
def test_one_layer_represents_the_loops_1x2_and_2x1(group):
    """P(x) times the plaquette transported from one step ahead is, under the trace, the loop around both."""
    lattice, links, fields = hot(group, (4, 6))
    loops = wilson_loops(lattice, links, 2, 2)["loops"]
    for path, wanted in (((1,), loops[:, 1, 0]), ((2,), loops[:, 0, 1])):
        network = loop_network(1, lattice.n)
        with torch.no_grad():
            layer = network.layers[0]
            layer.weight[0, 0, path_channels(layer)[path][0]] = 1
        found = network(fields).detach().mean((1, 2, 3)).numpy()
        assert np.abs(found - wanted).max() < 1e-12


@pytest.mark.parametrize("group", ["U1", "SU2", "SU3", "U2"])
def test_two_layers_represent_the_loop_2x2_at_every_site(group):
    """P^dagger T_x P^dagger is the loop 2x1 backwards, R^dagger; R T_t R is the square."""
    lattice, links, fields = hot(group, (4, 6))
    network = loop_network(2, lattice.n)
    with torch.no_grad():
        first, second = network.layers
        first.weight[0, 1, path_channels(first)[(1,)][1]] = 1
        second.weight[0, 1, path_channels(second)[(2,)][1]] = 1
    found = network(fields).detach()[:, 0].numpy()
    assert np.abs(found.mean((1, 2)) - wilson_loops(lattice, links, 2, 2)["loops"][:, 1, 1]).max() < 1e-12
    assert np.abs(found - square_by_hand(links)).max() < 1e-12


def square_by_hand(links):
    """1/N Re Tr of the 2 x 2 loop at every site, walked link by link; [chain, t, x]."""
    chains, times, width, _, n, _ = links.shape
    out = np.empty((chains, times, width))
    for index in np.ndindex(out.shape):
        chain, t, x = index
        loop = np.eye(n)
        for dx, dt in ((1, 0), (1, 0), (0, 1), (0, 1), (-1, 0), (-1, 0), (0, -1), (0, -1)):
            start = (t + min(dt, 0)) % times, (x + min(dx, 0)) % width
            link = links[chain, *start, 0 if dx else 1]
            loop = loop @ (link if dx + dt > 0 else link.conj().T)
            t, x = (t + dt) % times, (x + dx) % width
        out[index] = np.trace(loop).real / n
    return out


def charge_layer():
    """One symmetric L-CB from the six planes to sum +- F_a F_b, F = (P - P^dagger) / 2."""
    layer = LatticeConvBilinear(6, 1, 4, 2, symmetric=True).double()
    daggers = 6 * len(layer.paths)
    with torch.no_grad():
        layer.weight.zero_()
        for a, b, sign in CHARGE_PLANES:
            for i, s in ((a, 0.5), (6 + a, -0.5)):
                for j, r in ((b, 0.5), (daggers + b, -0.5)):
                    layer.weight[0, i, j] = sign * s * r
    return layer


@pytest.mark.parametrize("group", ["SU2", "U2", "SU3"])
def test_one_symmetric_layer_represents_the_plaquette_charge_density(group):
    lattice, links, fields = hot(group, (4, 4, 4, 4) if group == "SU2" else (2, 3, 2, 4))
    density = -trace(charge_layer()(plaquettes(fields), fields)).real[:, 0] / (4 * torch.pi**2)
    assert (density - density_by_hand(fields)).abs().max() < 1e-11
    own = energies_and_charges(lattice, links, ("plaquette",), keep_trace=True)["charge_plaquette"]
    assert np.abs(density.detach().flatten(1).sum(1).numpy() - own).max() < 1e-11


def density_by_hand(fields):
    """-(1/4 pi^2) tr[F_xy F_zt - F_xz F_yt + F_xt F_yz] of plaquettes from rolled links."""

    def f(mu, nu):
        ahead = {d: torch.roll(fields, -1, 5 - d) for d in (mu, nu)}
        loop = fields[:, mu] @ ahead[mu][:, nu] @ ahead[nu][:, mu].mH @ fields[:, nu].mH
        return (loop - loop.mH) / 2

    x, y, z, t = range(4)
    form = f(x, y) @ f(z, t) - f(x, z) @ f(y, t) + f(x, t) @ f(y, z)
    return -trace(form).real / (4 * torch.pi**2)


def test_convolution_along_corners_and_a_product_represent_the_clover_charge():
    """The leaves around x are the plaquettes of x - mu, x - mu - nu and x - nu, brought to x."""
    lattice, links, fields = hot("SU2", (4, 2, 3, 4))
    planes = [(mu, nu) for mu in range(4) for nu in range(mu + 1, 4)]
    back = [(-mu - 1,) for mu in range(4)]
    corners = [(-mu - 1, -nu - 1) for mu, nu in planes]
    leaves = LatticeConvolution(6, 6, 4, paths=[(), *back, *corners]).double()
    squares = Bilinear(6, 6, 1).double()
    with torch.no_grad():
        leaves.weight.zero_()
        squares.weight.zero_()
        for k, (mu, nu) in enumerate(planes):
            for path in ((), (-mu - 1,), (-nu - 1,), (-mu - 1, -nu - 1)):
                leaves.weight[k, k, leaves.paths.index(path)] = 1 / 4
        for a, b, sign in CHARGE_PLANES:
            for i, s in ((a, 0.5), (6 + a, -0.5)):
                for j, r in ((b, 0.5), (6 + b, -0.5)):
                    squares.weight[0, i, j] = sign * s * r
    clover = leaves(plaquettes(fields), fields)
    density = -trace(squares(clover, clover)).real / (4 * torch.pi**2)
    own = energies_and_charges(lattice, links, ("clover",))["charge"]
    assert np.abs(density.detach().flatten(1).sum(1).numpy() - own).max() < 1e-11
