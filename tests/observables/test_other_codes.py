"""Configurations of other codes: every observable has the value that an independent computation found on them.

The values agree with what the origins publish (plaquettes, link traces; E and Q at flow time 0 of MILC).
"""

import functools

import numpy as np
import pytest
from data_files import read_links, reference_values

from gaugeflow.conventions import planes
from gaugeflow.ensembles.gauge_checks import components_first, unitarity_defect
from gaugeflow.kernels.targets import oracle
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.observables.energy import energy_and_charge_clover, energy_plaquette, plaquettes, split_plaquettes
from gaugeflow.observables.field_strength import CHARGES, DEFINITIONS, energies_and_charges
from gaugeflow.observables.loops import wilson_loops
from gaugeflow.observables.polyakov import polyakov_loop

REFERENCE = reference_values()
SU2 = "gaugefields_jl/conf_00000100_4444_test.ildg"
TOLERANCE = 1e-12
UNKNOWN_TO_THE_FILE = {SU2: {"extents": (4, 4, 4, 4), "n": 2}}
KEYS = {
    "energy_clover": "E_clover_density",
    "charge": "Q_clover",
    "charge_improved": "Q_improved_c1_m1_12",
    "charge_5li": "Q_5Li",
    "charge_plaquette": "Q_plaq",
}


@functools.cache
def configuration(name):
    """(lattice, links, canonical links) of a file."""
    links = read_links(name, **UNKNOWN_TO_THE_FILE.get(name, {}))
    lattice = PackedLattice(f"SU{links.shape[-1]}", links.shape[4:0:-1], 1)
    return lattice, lattice.scatter(links), links


def simple_values(lattice, links):
    """Everything but E and Q under the names of the reference."""
    split = split_plaquettes(lattice, plaquettes(lattice, links))
    polyakov, loops = polyakov_loop(lattice, links)[0], wilson_loops(lattice, links, 2, 2)["loops"][0]
    line, trace = lattice.new_line(), 0.0
    for mu in range(4):
        lattice.take_links(links, mu, line)
        trace += lattice.total(lattice.trace_sums(line))[0, 0] / (4 * lattice.volume * lattice.n)
    return {
        "plaquette": split["plaquette"][0],
        "plaq_ss": split["plaquette_space"][0],
        "plaq_st": split["plaquette_time"][0],
        "link_trace": trace,
        "polyakov_re": polyakov.real,
        "polyakov_im": polyakov.imag,
        **{f"{r}x{t}": loops[r - 1, t - 1] for r in (1, 2) for t in (1, 2)},
    }


def field_values(lattice, links):
    """E and Q under the names of the reference."""
    with_trace = energy_and_charge_clover(lattice, links, keep_trace=True)
    found = energies_and_charges(lattice, links, DEFINITIONS)
    return {
        "E_plaq_density": energy_plaquette(lattice, links)[0],
        "E_clover_density_without_trace_subtraction": with_trace[0][0],
        "Q_clover_without_trace_subtraction_GridGPT": with_trace[1][0],
        **{key: found[name][0] for name, key in KEYS.items()},
    }


def far_off(found, wanted):
    """Names of numbers that differ by more than the tolerance."""
    wanted = {**wanted, **wanted.get("wilson_loops_on_axis_time", {})}
    return [k for k, v in found.items() if k in wanted and abs(v - wanted[k]) > TOLERANCE * max(1, abs(wanted[k]))]


@pytest.mark.parametrize("name", REFERENCE)
def test_plaquettes_loops_and_lines_have_the_reference_values(name):
    lattice, links, canonical = configuration(name)
    assert canonical.shape[1:5] == tuple(REFERENCE[name]["shape_tzyx"])
    found = simple_values(lattice, links)
    assert not far_off(found, REFERENCE[name])
    assert len(found.keys() & REFERENCE[name].keys()) == 6
    defect = unitarity_defect(components_first(np.conj(canonical.swapaxes(-1, -2))), special=False)  # of U U^dagger
    assert defect == pytest.approx(REFERENCE[name]["max_unitarity_violation"], abs=TOLERANCE)


@pytest.mark.parametrize("name", [name for name in REFERENCE if name != SU2])
def test_energies_and_charges_have_the_reference_values(name):
    lattice, links, _ = configuration(name)
    found = field_values(lattice, links)
    assert found.keys() <= REFERENCE[name].keys()
    assert not far_off(found, REFERENCE[name])


def test_every_reference_number_would_notice_another_definition():
    """On a rough field all numbers differ, so a wrong coefficient or choice cannot pass."""
    wanted = REFERENCE["milc/lat.sample.l4448"]
    lattice, links, _ = configuration("milc/lat.sample.l4448")
    found = field_values(lattice, links)
    names = list(found)
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        assert far_off({name: found[other]}, wanted) == [name]


@pytest.mark.parametrize(("definition", "size"), [(d, s) for d, weights in CHARGES.items() for s in weights])
def test_a_wrong_coefficient_fails(definition, size, monkeypatch):
    monkeypatch.setitem(CHARGES, definition, {**CHARGES[definition], size: CHARGES[definition][size] * (1 + 1e-6)})
    lattice, links, _ = configuration("milc/lat.sample.l4448")
    found = field_values(lattice, links)
    wrong = {"clover": "Q_clover", "improved": "Q_improved_c1_m1_12", "5li": "Q_5Li"}[definition]
    assert far_off(found, REFERENCE["milc/lat.sample.l4448"]) == [wrong]


def test_a_mean_of_charges_is_not_the_charge_of_the_mean_field_strength():
    """5/3 Q(1x1) - 1/12 (Q(1x2) + Q(2x1)) is 0.130768 on l4448, not 0.127107."""
    canonical = configuration("milc/lat.sample.l4448")[2]

    def charge(m, n):
        f = np.stack([oracle.clover(canonical, *plane, True, m, n) for plane in planes(4)], -3)
        return oracle.energy_and_charge_density(f)[..., 2].sum() / (4 * np.pi**2)

    assert 5 / 3 * charge(1, 1) - (charge(1, 2) + charge(2, 1)) / 12 == pytest.approx(0.130768, abs=5e-7)


def test_the_trace_choice_differs_by_the_published_amount():
    lattice, links, _ = configuration("milc/lat.sample.l4448")
    energy, charge = energy_and_charge_clover(lattice, links, keep_trace=True)
    assert (round(energy[0], 9), round(charge[0], 9)) == (2.109390538, 0.107598221)
    energy, charge = energy_and_charge_clover(lattice, links)
    assert (round(energy[0], 9), round(charge[0], 9)) == (2.088800974, 0.095542880)


def test_energy_is_split_as_milc_prints_it():
    """MILC's wilson_flow at t = 0 on l4448: Et 1.05787, Es 1.03094, charge 0.0955429."""
    lattice, links, _ = configuration("milc/lat.sample.l4448")
    found = energies_and_charges(lattice, links)
    assert found["energy_clover_time"][0] == pytest.approx(1.05787, abs=5e-6)
    assert found["energy_clover_space"][0] == pytest.approx(1.03094, abs=5e-6)
    assert found["charge"][0] == pytest.approx(0.0955429, abs=5e-8)


@pytest.mark.parametrize("name", ["milc/lat.sample.l4448", "milc/lat.sample.l4444"])
def test_formats_hold_the_same_links(name):
    other = {"milc/lat.sample.l4448": f"{name}.scidac", "milc/lat.sample.l4444": f"{name}.ildg"}[name]
    assert np.array_equal(configuration(name)[2], configuration(other)[2])
