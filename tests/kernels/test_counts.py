"""Operation counts come from the running source and agree with formulae in N and D."""

import pytest
from laws import CASES, case_name

from gaugeflow.kernels.counts import counts, formulae, nominal_force_flop
from gaugeflow.kernels.dispatch import matrix_size


@pytest.mark.parametrize(("group", "ndim"), CASES, ids=case_name)
def test_counted_operations_obey_the_formulae(group, ndim):
    counted = counts(group, ndim)
    assert {name: counted[name].flop for name in formulae(*matrix_size(group), ndim)} == formulae(
        *matrix_size(group), ndim
    )


def test_the_textbook_force_of_su3_has_its_known_count():
    assert nominal_force_flop(3, 4) == 10776


def test_only_random_numbers_need_integers():
    assert [name for name, count in counts("SU3", 4).items() if count.integer] == ["momenta", "heatbath"]


def test_a_step_moves_what_its_parts_move():
    counted = counts("SU2", 4)
    assert counted["leapfrog"].moved == counted["force"].moved + counted["drift"].moved
    assert counted["rk3"].flop == 3 * counted["leapfrog"].flop


def test_float32_moves_half_the_bytes_and_computes_the_same_but_for_the_series():
    double, single = counts("SU3", 4), counts("SU3", 4, "float32")
    assert all(2 * single[name].moved == double[name].moved for name in double)
    same = [name for name in double if single[name].flop == double[name].flop]
    assert sorted(set(double) - set(same)) == ["drift", "leapfrog", "rk3", "rk3_symanzik", "rk3_zeuthen"]
    assert single["drift"].flop < double["drift"].flop
