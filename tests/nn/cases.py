"""Groups, lattices and fields that the laws of networks run over."""

import torch

from gaugeflow.nn.inputs import LoopInputs
from gaugeflow.nn.transformation import random_links

GROUPS = ("U1", "SU2", "SU3", "U2", "SU4")
LATTICES = {2: (5, 4), 3: (4, 3, 2), 4: (3, 2, 4, 2)}
"""Unequal extents (x, .., t), odd ones and extents of two, so that no two axes can be confused."""

CASES = (*((group, 2) for group in GROUPS), ("SU2", 3), *((group, 4) for group in GROUPS))


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


def links_of(group, ndim, dtype=torch.complex128, batch=2, seed=2):
    """A hot start, U[batch, mu, t, .., x, N, N]."""
    return random_links(group, LATTICES[ndim], batch, generator(seed), dtype)


def fields_of(group, ndim, dtype=torch.complex128, polyakov=True):
    """(W, U): plaquettes and Polyakov loops, and their links."""
    links = links_of(group, ndim, dtype)
    return LoopInputs(ndim, True, polyakov)(links), links


def in_precision(module, dtype):
    """The module with weights that go with complex fields of this type."""
    return module.double() if dtype == torch.complex128 else module.float()
