"""Passes of inference: leverages, robust sums, clusters and influence, on every level, layout and type."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from layouts import LAYOUTS

Wide = np.longdouble


@dataclass
class Fit:
    """Rows and a fit of theirs, as the kernels take them."""

    X: object
    y: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    coef: np.ndarray
    factor: np.ndarray
    weight: np.ndarray | None = None
    counts: bool = False

    @property
    def rows(self):
        return self.X, self.y, self.weight

    @property
    def basis(self):
        return self.shift, self.scale


def draw(n, p, *, weighted=False, counts=False, seed=0):
    """A fit whose factor comes from its own rows, so that leverages are between 0 and 1."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(n, p)) * 8) / 8 + rng.integers(-3, 4, p)
    y = rng.normal(size=n)
    weight = rng.integers(1, 4, n).astype(float) if weighted else None
    shift = np.append(np.average(X, axis=0, weights=weight) if p else [], rng.normal())
    scale = 2.0 ** rng.integers(-2, 3, p + 1)
    w = np.ones(n) if weight is None else weight
    Z = design(X, shift, scale).astype(float)
    R = np.linalg.qr(np.sqrt(w)[:, None] * Z)[1] if n > p + 1 else np.eye(p + 1)
    factor = np.triu(np.linalg.inv(R))
    return Fit(X, y, shift, scale, rng.normal(size=p + 1), factor, weight, counts)


def design(X, shift, scale):
    """Rows z in long double."""
    Z = (np.asarray(X, dtype=Wide) - shift[:-1]) * scale[:-1]
    return np.hstack([Z, np.ones((len(Z), 1), dtype=Wide)])


@dataclass
class Wanted:
    Z: np.ndarray
    w: np.ndarray
    r: np.ndarray
    white: np.ndarray
    h: np.ndarray

    @property
    def scores(self):
        return self.Z * (self.w * self.r)[:, None]

    @property
    def white_scores(self):
        return self.white * (self.w * self.r)[:, None]


def wanted(fit):
    Z = design(fit.X, fit.shift, fit.scale)
    w = np.ones(len(Z), dtype=Wide) if fit.weight is None else fit.weight.astype(Wide)
    r = (fit.y.astype(Wide) - fit.shift[-1]) * fit.scale[-1] - Z @ fit.coef.astype(Wide)
    white = Z @ fit.factor.astype(Wide)
    h = (white**2).sum(axis=1)
    return Wanted(Z, w, r, white, h if fit.counts else w * h)


def summed(plan, add):
    """The slots of a pass after all of its parts."""
    n_slots, size, n_parts = plan
    slots = np.zeros((n_slots, size))
    for part in range(n_parts):
        add(part, slots)
    return slots


def meat_of(kernels, fit, correction, *, n_threads=2, least_left=0.0, white=False):
    n, p = len(fit.y), len(fit.coef) - 1
    factor = fit.factor if white or correction != "none" else None
    given = *fit.rows, fit.counts, *fit.basis, fit.coef, factor, least_left, correction
    slots = summed(
        kernels.plan_meat(n, p),
        lambda part, slots: kernels.robust_meat(*given, part, n_threads, slots),
    )
    return kernels.meat_totals(n, p, slots)


def hac_of(kernels, fit, n_lags, *, n_threads=2, white=False):
    n, p = len(fit.y), len(fit.coef) - 1
    given = *fit.rows, *fit.basis, fit.coef, fit.factor if white else None, n_lags
    slots = summed(
        kernels.plan_hac(n, p, n_lags),
        lambda part, slots: kernels.hac_meat(*given, part, n_threads, slots),
    )
    return kernels.hac_totals(n, p, n_lags, slots)


def clusters_of(kernels, fit, codes, n_clusters, *, n_threads=2, white=False):
    n, p = len(fit.y), len(fit.coef) - 1
    given = *fit.rows, *fit.basis, fit.coef, fit.factor if white else None, codes, n_clusters
    slots = summed(
        kernels.plan_clusters(n, p, n_clusters),
        lambda part, slots: kernels.cluster_scores(*given, part, n_threads, slots),
    )
    return kernels.cluster_totals(n, p, n_clusters, slots)


def figures_of(kernels, fit, *, n_threads=2):
    """Residuals and leverages."""
    n = len(fit.y)
    r, h = np.full(n, np.nan), np.full(n, np.nan)
    arguments = *fit.rows, fit.counts, *fit.basis, fit.coef, fit.factor
    kernels.row_figures(*arguments, 0, n, n_threads, r, h)
    return r, h


def influence_of(
    kernels,
    fit,
    *,
    n_top=0,
    ranking="cooks",
    change=None,
    n_changes=0,
    least_left=1e-12,
    n_threads=2,
):
    """(measures by name, changes, press, squares, n_undetermined, top)."""
    n, p = len(fit.y), len(fit.coef) - 1
    n_slots, size, n_parts = kernels.plan_influence(n, p, n_top)
    slots, out = np.zeros((n_slots, size)), np.full((len(kernels.INFLUENCE_MEASURES), n), -1.0)
    changes = None if change is None else np.full((n, n_changes), -1.0)
    settings = least_left, 1.7, n - p - 1.0, p + 1.0, ranking, n_top
    for part in range(n_parts):
        kernels.influence(
            *fit.rows, fit.counts, *fit.basis, fit.coef, fit.factor, *settings, part, n_threads, slots, out,
            change, changes,
        )  # fmt: skip
    totals = kernels.influence_totals(n, p, n_top, slots)
    return dict(zip(kernels.INFLUENCE_MEASURES, out, strict=True)), changes, *totals


def close(got, want, tolerance=1e-13):
    """Equal up to rounding beside the largest element."""
    want = np.asarray(want, dtype=Wide)
    np.testing.assert_allclose(
        got, want.astype(float), rtol=0, atol=float(tolerance * np.abs(want).max(initial=0.0))
    )


SHAPES = [(1, 1), (9, 2), (40, 3), (128, 7), (129, 8), (300, 15), (1025, 16), (400, 31)]
CORRECTIONS = {"none": 0.0, "root_of_rest": 0.5, "rest": 1.0}


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_robust_sums_are_those_of_squared_scores(kernels, n, p):
    for weighted, counts in ((False, False), (True, False), (True, True)):
        fit = draw(n, p, weighted=weighted, counts=counts)
        want = wanted(fit)
        for correction, power in CORRECTIONS.items():
            if correction != "none" and n == 1:
                continue
            u2 = want.r**2 * (want.w if counts else want.w**2) / (1 - want.h) ** (2 * power)
            got, n_undetermined = meat_of(kernels, fit, correction)
            Z = want.Z if correction == "none" else want.white
            close(got, ((Z * u2[:, None]).T @ Z), 1e-12)
            assert n_undetermined == 0
            np.testing.assert_array_equal(got, got.T)


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_windows_of_scores_give_bartletts_sum_over_lags(kernels, n, p):
    fit = draw(n, p, weighted=True)
    scores = wanted(fit).scores.astype(float)
    squares = np.abs(scores.T @ scores).max()
    for n_lags in (0, 1, 5, 127, 131, 2 * n + 3):
        total = scores.T @ scores
        for lag in range(1, min(n_lags, n - 1) + 1):
            products = scores[lag:].T @ scores[:-lag]
            total += (1 - lag / (n_lags + 1)) * (products + products.T)
        # Scores may cancel in the sum over lags, but rounding belongs to their squares.
        tolerance = 1e-14 * squares * (1 + min(n, n_lags))
        np.testing.assert_allclose(hac_of(kernels, fit, n_lags), total, rtol=0, atol=tolerance)


def test_windows_forget_what_has_left_them(kernels):
    """A score of 1e16 times the others' size leaves no trace in windows behind its last one."""
    n, n_lags = 30_000, 7
    shift, scale, coef = np.zeros(3), np.ones(3), np.zeros(3)
    fit = replace(draw(n, 2), shift=shift, scale=scale, coef=coef, factor=np.zeros((3, 3)))
    for row in (0, 3, n_lags, 1000):
        y = fit.y.copy()
        y[row] = 1e16
        windows = hac_of(kernels, replace(fit, y=y), n_lags)[2, 2] * (n_lags + 1)
        of_huge = np.cumsum(y[: row + n_lags + 1].astype(Wide))
        of_huge[n_lags + 1 :] -= of_huge[: -n_lags - 1].copy()
        y[: row + 1] = 0.0
        of_rest = np.convolve(y, np.ones(n_lags + 1))[row + n_lags + 1 :]
        assert windows == pytest.approx(float((of_huge**2).sum() + (of_rest**2).sum()), rel=1e-12)


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_scores_are_added_up_within_clusters(kernels, n, p):
    fit = draw(n, p, weighted=True)
    want = wanted(fit)
    rng = np.random.default_rng(3)
    for n_clusters in (1, 2, 7, n):
        codes = rng.integers(0, n_clusters, n).astype(np.int32)
        for rows in (codes, np.sort(codes)):
            total = np.zeros((n_clusters, p + 1), dtype=Wide)
            np.add.at(total, rows, want.scores)
            close(clusters_of(kernels, fit, rows, n_clusters), total, 1e-12)


def test_with_a_factor_scores_are_those_of_its_basis(kernels):
    fit = draw(500, 11, weighted=True)
    scores = wanted(fit).white_scores.astype(float)
    close(meat_of(kernels, fit, "none", white=True)[0], scores.T @ scores, 1e-12)
    for n_lags in (1, 130, 777):
        windows = np.array([np.convolve(column, np.ones(n_lags + 1)) for column in scores.T])
        total = windows @ windows.T / (n_lags + 1)
        tolerance = 1e-12 * np.abs(scores.T @ scores).max() * (n_lags + 1)
        got = hac_of(kernels, fit, n_lags, white=True)
        np.testing.assert_allclose(got, total, rtol=0, atol=tolerance)
    codes = np.arange(500, dtype=np.int32) % 3
    total = np.array([scores[code::3].sum(axis=0) for code in range(3)])
    close(clusters_of(kernels, fit, codes, 3, white=True), total, 1e-12)


def test_codes_beyond_the_clusters_are_refused(kernels):
    fit = draw(700, 3)
    for code in (-1, 5, 2**31 - 1):
        codes = np.zeros(700, dtype=np.int32)
        codes[600] = code
        for n_threads in (1, 2):
            with pytest.raises(IndexError):
                clusters_of(kernels, fit, codes, 5, n_threads=n_threads)


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_residuals_and_leverages_are_right_and_these_never_negative(kernels, n, p):
    for weighted, counts in ((False, False), (True, False), (True, True)):
        fit = draw(n, p, weighted=weighted, counts=counts)
        r, h = figures_of(kernels, fit)
        close(r, wanted(fit).r)
        close(h, wanted(fit).h)
        assert (h >= 0).all()
        alone = np.full(n, np.nan)
        shift, scale = fit.shift[:-1].copy(), fit.scale[:-1].copy()
        no_target = fit.X, None, fit.weight, counts, shift, scale, None, fit.factor
        kernels.row_figures(*no_target, 0, n, 2, None, alone)
        np.testing.assert_array_equal(alone, h)


def measures_of(fit, variance, n_parameters):
    """By the definitions, in long double."""
    want = wanted(fit)
    df = Wide(len(fit.y) - n_parameters)
    root = np.sqrt(want.w) if not fit.counts else np.ones_like(want.w)
    left = 1 - want.h
    internal = root * want.r / np.sqrt(variance * left)
    without = (df * variance - root**2 * want.r**2 / left) / (df - 1)
    external = root * want.r / np.sqrt(without * left)
    return {
        "leverage": want.h,
        "residual": want.r,
        "internal": internal,
        "external": external,
        "cooks": internal**2 * want.h / left / n_parameters,
        "dffits": external * np.sqrt(want.h / left),
        "press": want.r / left,
    }


@pytest.mark.parametrize(("n", "p"), [(9, 1), (40, 3), (129, 8), (1025, 16), (400, 31)])
def test_measures_of_influence_are_those_of_their_definitions(kernels, n, p):
    for weighted, counts in ((False, False), (True, False), (True, True)):
        fit = draw(n, p, weighted=weighted, counts=counts)
        fit = replace(fit, y=0.1 * fit.y, coef=0.1 * fit.coef)  # so that no row explains all of it
        want = measures_of(fit, Wide(1.7), p + 1)
        change = np.random.default_rng(1).normal(size=(p + 1, p + 1))
        got, changes, press, squares, n_undetermined, _ = influence_of(
            kernels, fit, change=change, n_changes=p + 1
        )
        for name, values in want.items():
            close(got[name], values, 1e-12)
        root = 1 if counts else np.sqrt(wanted(fit).w)
        factor = root * want["external"] / np.sqrt(1 - want["leverage"])
        white = wanted(fit).Z @ fit.factor.astype(Wide)
        close(changes, (white @ change.astype(Wide)) * factor[:, None], 1e-12)
        assert press == pytest.approx(float((wanted(fit).w * want["press"] ** 2).sum()), rel=1e-13)
        assert squares == pytest.approx(
            float((wanted(fit).w * wanted(fit).r ** 2).sum()), rel=1e-13
        )
        assert n_undetermined == 0


def test_fewer_changes_than_variables_are_those_of_the_first_columns(kernels):
    fit, change = draw(200, 9), np.random.default_rng(1).normal(size=(10, 10))
    whole = influence_of(kernels, fit, change=change, n_changes=10)[1]
    np.testing.assert_array_equal(
        influence_of(kernels, fit, change=change, n_changes=4)[1], whole[:, :4]
    )


@pytest.mark.parametrize("n_top", [1, 5, 64, 5000])
def test_the_top_rows_are_those_of_a_stable_sort(kernels, n_top):
    fit = draw(3000, 4)
    fit.X[100:2900:7], fit.y[100:2900:7] = fit.X[3], fit.y[3]  # ties, which go by their place
    for ranking in ("cooks", "external"):
        got, *_, top = influence_of(kernels, fit, n_top=n_top, ranking=ranking)
        order = np.argsort(-np.abs(got[ranking]), kind="stable")
        assert not np.isnan(got[ranking]).any()
        np.testing.assert_array_equal(top, order[:n_top])


def test_rows_that_alone_determine_a_coefficient_have_no_deleted_residuals(kernels):
    fit = draw(300, 3)
    X = fit.X.copy()
    X[:, 2] = 0.0
    X[170, 2] = 1.0
    shift = np.append(X.mean(axis=0), 0.0)
    scale = np.ones(4)
    Z = design(X, shift, scale).astype(float)
    factor = np.triu(np.linalg.inv(np.linalg.qr(Z)[1]))
    coef = np.linalg.lstsq(Z, fit.y, rcond=None)[0]
    fit = replace(fit, X=X, shift=shift, scale=scale, factor=factor, coef=coef)
    got, _, press, _, n_undetermined, top = influence_of(kernels, fit, n_top=300)
    assert n_undetermined == 1
    assert got["leverage"][170] == pytest.approx(1.0, rel=1e-14)
    for name in ("internal", "external", "cooks", "dffits", "press"):
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(got[name])), [170])
    assert press == pytest.approx(np.nansum(got["press"] ** 2), rel=1e-13)
    assert sorted(top) == [i for i in range(300) if i != 170]
    for correction in ("root_of_rest", "rest"):
        meat, n_undetermined = meat_of(kernels, fit, correction, least_left=1e-12)
        assert n_undetermined == 1
        assert np.isnan(meat).all()
    assert np.isfinite(meat_of(kernels, fit, "none", least_left=1e-12)[0]).all()


def everything(kernels, fit, codes, n_threads=2):
    """What every pass says of a fit, as one list of arrays."""
    p = len(fit.coef) - 1
    change = np.eye(p + 1)
    got = [meat_of(kernels, fit, correction, n_threads=n_threads)[0] for correction in CORRECTIONS]
    got += [hac_of(kernels, fit, n_lags, n_threads=n_threads) for n_lags in (0, 12)]
    got += [clusters_of(kernels, fit, codes, 11, n_threads=n_threads)]
    got += figures_of(kernels, fit, n_threads=n_threads)
    measures, changes, press, squares, _, top = influence_of(
        kernels, fit, n_top=9, change=change, n_changes=p + 1, n_threads=n_threads
    )
    return [*got, *measures.values(), changes, np.array([press, squares]), top]


@pytest.mark.parametrize("p", [3, 19])
def test_layouts_and_types_do_not_change_a_bit(kernels, p):
    codes = np.random.default_rng(5).integers(0, 11, 203).astype(np.int32)
    for dtype in ("f8", "f4"):
        fit = draw(203, p)
        X = np.round(fit.X * 4).astype(dtype)
        fit = replace(fit, X=X.astype(np.float64), factor=0.01 * fit.factor)
        want = everything(kernels, fit, codes)
        for layout, laid_out in LAYOUTS.items():
            for a, b in zip(
                everything(kernels, replace(fit, X=laid_out(X)), codes), want, strict=True
            ):
                np.testing.assert_array_equal(a, b, err_msg=f"{dtype}, {layout}")


@pytest.mark.parametrize(("n", "p"), [(30_000, 6), (700, 259)])
def test_threads_do_not_change_a_bit(kernels, n, p):
    fit = draw(n, p, weighted=True)
    codes = np.random.default_rng(5).integers(0, 11, n).astype(np.int32)
    one = everything(kernels, fit, codes, n_threads=1)
    for n_threads in (2, 3, 5):
        for a, b in zip(everything(kernels, fit, codes, n_threads), one, strict=True):
            np.testing.assert_array_equal(a, b)


def test_many_variables_are_summed_as_few_are(kernels):
    """More than 256 variables take another way through the products."""
    fit = draw(500, 270, weighted=True)
    want = wanted(fit)
    scores, rest = want.scores.astype(float), want.white_scores / (1 - want.h)[:, None]
    close(meat_of(kernels, fit, "none")[0], scores.T @ scores, 1e-12)
    close(meat_of(kernels, fit, "rest")[0], rest.astype(float).T @ rest.astype(float), 1e-11)
    products = scores[1:].T @ scores[:-1]
    close(hac_of(kernels, fit, 1), scores.T @ scores + (products + products.T) / 2, 1e-12)


def test_rows_that_count_for_nothing_have_no_say(kernels):
    """A row of weight 0 that no other row resembles: counted or weighed, it changes nothing."""
    for counts in (False, True):
        fit = draw(200, 4, weighted=True, counts=counts)
        X, y, weight = fit.X.copy(), fit.y.copy(), fit.weight.copy()
        X[77], y[77], weight[77] = 1e3, -1e3, 0.0
        keep = np.arange(200) != 77
        with_it = replace(fit, X=X, y=y, weight=weight)
        without = replace(fit, X=X[keep], y=y[keep], weight=weight[keep])
        for correction in CORRECTIONS:
            got, n_undetermined = meat_of(kernels, with_it, correction)
            assert n_undetermined == 0
            close(got, meat_of(kernels, without, correction)[0])
        assert figures_of(kernels, with_it)[1][77] == 0.0
        got, _, press, _, n_undetermined, _ = influence_of(kernels, with_it)
        assert n_undetermined == 0
        assert press == pytest.approx(influence_of(kernels, without)[2], rel=1e-13)
        assert got["cooks"][77] == 0.0


def test_values_that_are_not_finite_show_in_every_sum(kernels):
    for value in (np.nan, np.inf):
        fit = draw(300, 3)
        fit.X[140, 1] = value
        codes = np.zeros(300, dtype=np.int32)
        assert not np.isfinite(meat_of(kernels, fit, "none")[0]).any()
        assert not np.isfinite(hac_of(kernels, fit, 2)).any()
        assert not np.isfinite(clusters_of(kernels, fit, codes, 1)).all()
        _, _, _, squares, _, _ = influence_of(kernels, fit)
        assert not np.isfinite(squares)
