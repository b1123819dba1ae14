"""Random gauge transformations of training data, from the counter: the same for any number of ranks and any restart."""

import numpy as np
import torch
from torch import Tensor

from gaugeflow.conventions import gauge_group
from gaugeflow.nn.transformation import Kind, gauge_transform
from gaugeflow.rng import Purpose, Stream, to_uniform


def gauge_transformation(group: str, shape: tuple[int, ...], seed: int, epoch: int, row: int) -> np.ndarray:
    """Haar-distributed matrices at every site, (t, .., x, N, N) complex128.

    shape        (t, .., x)
    seed, epoch, row    of the training, and the number of the configuration in it

    Gaussian matrices whose columns are made orthonormal (QR with a positive diagonal) are Haar in U(N); for SU(N) the
    determinant is then taken out of the first column.
    """
    known = gauge_group(group)
    n, sites = known.n, int(np.prod(shape))
    stream, where = Stream(seed, Purpose.AUGMENTATION), np.arange(sites)[:, None]
    words = stream.words(site=where, chain=row, trajectory=epoch, draw=np.arange(n * n))
    radius = np.sqrt(-2.0 * np.log(to_uniform(words[0], words[1])))
    gaussian = radius * np.exp(2j * np.pi * to_uniform(words[2], words[3]))
    q, r = np.linalg.qr(gaussian.reshape(sites, n, n))
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    q = q * (diagonal / np.abs(diagonal))[:, None, :]
    if known.special:
        q[..., 0] /= np.linalg.det(q)[:, None]
    return q.reshape(*shape, n, n)


def augmented(links: Tensor, group: str, seed: int, epoch: int, rows: tuple[int, ...]) -> Tensor:
    """Links U[batch, mu, t, .., x, N, N] complex128 in a random gauge each.

    rows    number of each configuration of the batch in the training, below 2^24
    """
    shape = tuple(links.shape[2:-2])
    omega = np.stack([gauge_transformation(group, shape, seed, epoch, row) for row in rows])
    return gauge_transform(links, Kind.LINKS, torch.from_numpy(omega).to(links.device))
