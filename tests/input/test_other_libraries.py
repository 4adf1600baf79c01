"""Arrays of other libraries: NumPy reads them where they are, or they are refused with the reason."""

import numpy as np
import pytest

import fastlr

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X @ [1.0, 2.0, 3.0] + 4.0


class Exported:
    """An array that has no other door than DLPack's."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnDevice:
    """An array in the memory of a graphics card, as PyTorch's and CuPy's answer."""

    shape, ndim = (30, 3), 2

    def __array__(self, *args, **options):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


class OnlyOnDevice:
    """The same with DLPack's door alone."""

    def __dlpack__(self, **options):
        raise BufferError("unsupported device requested")

    def __dlpack_device__(self):
        return 2, 0


FITS = (
    fastlr.ols,
    fastlr.lasso_path,
    fastlr.LinearRegression().fit,
    fastlr.Ridge().fit,
    fastlr.Lasso().fit,
    fastlr.SGDRegressor(max_iter=5, tol=None).fit,
    fastlr.HuberRegressor().fit,
)


def test_what_numpy_can_read_is_rows():
    for fit in FITS:
        rows, exported = fit(X, Y), fit(Exported(X), Exported(Y))
        for name in ("coef", "coefs", "coef_"):
            if hasattr(rows, name):
                np.testing.assert_allclose(getattr(exported, name), getattr(rows, name), rtol=1e-12)
    model = fastlr.LinearRegression().fit(X, Y)
    np.testing.assert_array_equal(model.predict(Exported(X)), model.predict(X))


def test_what_lies_elsewhere_is_refused_with_the_reason_and_the_fix():
    for fit in FITS:
        for argument, rows in (("X", (OnDevice(), Y)), ("y", (X, OnlyOnDevice()))):
            with pytest.raises(
                fastlr.InputTypeError,
                match=rf"{argument} is a \w+\.On.*Device that NumPy cannot read .*device.*detach\(\)\.cpu\(\)",
            ):
                fit(*rows)
