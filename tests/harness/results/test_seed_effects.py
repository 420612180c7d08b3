import numpy as np
import pytest

from zoo.harness.results.seed_effects import moderated, seed_effects

VARIANCES = np.array([0.5, 1.2, 0.8, 4.0, 0.1, 2.2, 0.9, 6.5, 0.05, 1.0])


def test_variances_are_moderated_as_limma_moderates_them():
    """Golden values: squeezeVar of inmoose 0.9.1, a port of Bioconductor's limma (df.prior 4.0835, 15.2904)."""
    found, degrees = moderated(VARIANCES, np.full(10, 2.0))
    expected = [0.90893826, 1.13906903, 1.00756573, 2.05959211, 0.77743496]
    expected += [1.46782727, 1.04044156, 2.88148772, 0.76099705, 1.07331738]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_allclose(degrees, 4.083497662 + 2, rtol=1e-8)

    own = np.array([2, 2, 4, 4, 1, 2, 9, 2, 1.5, 3.0])
    found, degrees = moderated(VARIANCES, own)
    expected = [1.20968825, 1.29065808, 1.19831593, 1.86185871, 1.22869873]
    expected += [1.40632926, 1.15337719, 1.90371533, 1.19062045, 1.25289737]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_allclose(degrees, 15.290391478 + own, rtol=1e-8)


def test_variances_no_more_unequal_than_chance_are_pooled():
    found, degrees = moderated(np.array([1.0, 1.1, 0.9, 1.0]), np.array([2.0, 2.0, 2.0, 4.0]))
    np.testing.assert_allclose(found, (2 + 2.2 + 1.8 + 4) / 10)
    np.testing.assert_allclose(degrees, 10)


def test_a_variance_without_degrees_of_freedom_becomes_the_common_scale():
    """limma's too: s0² of the ten variances is 1.1092264928."""
    found, degrees = moderated(np.append(VARIANCES, 99.0), np.append(np.full(10, 2.0), 0.0))
    assert found[-1] == pytest.approx(1.1092264928, rel=1e-8)
    assert degrees[-1] == pytest.approx(4.083497662, rel=1e-8)
    assert moderated(np.array([3.0, 0.0]), np.array([2.0, 0.0]))[0].tolist() == [3.0, 3.0]


def table(rng, models=6, seeds=3, images=80, own=0.3, shared=0.0, noise=0.5):
    photos = rng.normal(scale=4, size=images)
    of_seed = rng.normal(scale=shared, size=(seeds, 1)) if shared else np.zeros((seeds, 1))
    return [
        25 + of_seed + rng.normal(scale=own, size=(seeds, 1)) + photos + rng.normal(scale=noise, size=(seeds, images))
        for _ in range(models)
    ]


def effects(tables, seeds=None, fixed=None):
    return seed_effects(tables, seeds or [range(len(each)) for each in tables], fixed or [False] * len(tables))


def test_a_models_own_seed_variance_and_the_shared_one_are_told_apart():
    """The mean over 200 tables is the truth: 0.3²/3 of a mean of three seeds, 0.4² shared."""
    rng = np.random.default_rng(0)
    found = [effects(table(rng, shared=0.4)) for _ in range(200)]
    assert np.mean([each.own.mean() for each in found]) == pytest.approx(0.3**2 / 3, rel=0.1)
    assert np.mean([each.shared for each in found]) == pytest.approx(0.4**2, rel=0.25)


def test_one_seeds_effect_on_all_models_is_no_difference_between_them():
    rng = np.random.default_rng(1)
    alone = table(rng)
    moved = [each + np.array([[5.0], [0.0], [-5.0]]) for each in alone]
    np.testing.assert_allclose(effects(moved).own, effects(alone).own, rtol=1e-6)
    assert effects(moved).shared == pytest.approx(25, rel=0.3)


def test_what_the_additive_model_leaves_is_least_squares_with_dummies_when_seeds_are_missing():
    """Against numpy's least squares on explicit dummy variables, leverages from its hat matrix."""
    rng = np.random.default_rng(2)
    numbers = [(0, 1, 2), (0, 1), (1, 2), (0, 1, 2)]
    means = [rng.normal(size=len(own)) for own in numbers]
    rows = [(m, s, v) for m, own in enumerate(numbers) for s, v in zip(own, means[m], strict=True)]
    design = np.array([[float(m == k) for k in range(4)] + [float(s == k) for k in range(3)] for m, s, _ in rows])
    values = np.array([v for _, _, v in rows])
    hat = design @ np.linalg.pinv(design)
    rest = values - hat @ values
    owner = np.array([m for m, _, _ in rows])
    degrees = np.array([(1 - np.diag(hat))[owner == m].sum() for m in range(4)])
    variance = np.array([np.square(rest[owner == m]).sum() for m in range(4)]) / degrees
    expected, _ = moderated(variance, degrees)

    photos = rng.normal(scale=3, size=50)  # without noise, so that nothing is taken off
    found = effects([each[:, None] + photos for each in means], numbers)
    np.testing.assert_allclose(found.own, expected / [3, 2, 2, 3], rtol=1e-8)


def test_a_method_without_randomness_has_no_seed_variance():
    rng = np.random.default_rng(3)
    trained = table(rng, models=3)
    solver = np.tile(trained[0][:1], (3, 1))
    once = trained[1][:1]
    found = effects([*trained, solver, once], fixed=[False] * 4 + [True])
    assert (found.own[:3] > 0).all()
    assert found.own[3:].tolist() == [0, 0]
    assert not found.weights[3:].any()
    assert not found.borrowed.any()


def test_a_model_with_one_seed_borrows_what_is_usual():
    rng = np.random.default_rng(4)
    trained = table(rng, models=8, own=1.0)
    found = effects([*trained[:7], trained[7][:1]])
    assert found.borrowed.tolist() == [False] * 7 + [True]
    assert found.own[7] == pytest.approx(
        3 * found.own[:7].mean(), rel=0.5
    )  # one seed's mean spreads three times as much


def test_nothing_is_known_of_seeds_where_every_model_has_one():
    found = effects([each[:1] for each in table(np.random.default_rng(5))])
    assert not found.known
    assert not found.own.any()
