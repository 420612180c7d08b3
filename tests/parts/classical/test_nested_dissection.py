"""The order of elimination: every pixel once, and less fill than in SuperLU's own orders."""

import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from zoo.parts.classical.affinity import affinity
from zoo.parts.classical.nested_dissection import nested_dissection
from zoo.parts.classical.propagation import weight_matrix


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 3), (65, 97)])
def test_every_pixel_stands_in_the_order_once(size: tuple[int, int]) -> None:
    order = nested_dissection(*size)
    assert np.array_equal(np.sort(order), np.arange(size[0] * size[1]))


def test_the_factors_have_fewer_entries_than_in_superlus_own_orders(photos: list[np.ndarray]) -> None:
    weights = affinity(photos[0][::2, ::2].mean(2) / 255)
    system = (1.01 * sparse.eye_array(128 * 128) - weight_matrix(weights)).tocsc()
    order = nested_dissection(128, 128)
    symmetric = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    dissected = splu(system[order][:, order].tocsc(), permc_spec="NATURAL", **symmetric)
    assert dissected.nnz < splu(system, permc_spec="MMD_AT_PLUS_A", **symmetric).nnz
    assert dissected.nnz < 0.6 * splu(system).nnz
