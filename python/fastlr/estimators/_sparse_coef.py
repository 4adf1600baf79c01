"""Coefficients that are kept without their zeros, if the user asks for it, as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from fastlr.estimators._linear import LinearEstimator

__all__ = ["SparsifiedCoefficients"]


class SparsifiedCoefficients(LinearEstimator):
    """An estimator of one target that can turn its coefficients into a sparse matrix and back."""

    coef_: Any

    def sparsify(self) -> Any:
        """Keep ``coef_`` as a sparse matrix of shape (1, n_features), which saves memory where most are zero.

        ``predict`` goes on as before; call `densify` before fitting further or saving.

        Returns
        -------
        estimator
            This estimator.
        """
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Any:
        """Make ``coef_`` an array of shape (n_features,) again.

        Returns
        -------
        estimator
            This estimator.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray().ravel()
        return self

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Predict the targets of new rows: ``X @ coef_ + intercept_``.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            float32 if all of X is, else float64.
        """
        return self._dense().predict(X) if self._is_sparse else super().predict(X)

    def to_document(self) -> dict[str, Any]:
        """What `save` writes, of coefficients with their zeros."""
        dense = self._dense().to_document if self._is_sparse else super().to_document
        document: dict[str, Any] = dense()
        return document

    def to_onnx(self, *, dtype: str = "float64") -> Any:
        """The fitted model as an ONNX graph: see `fastlr.LinearRegression.to_onnx`."""
        dense = self._dense().to_onnx if self._is_sparse else super().to_onnx
        return dense(dtype=dtype)

    @property
    def dense_coef(self) -> npt.NDArray[Any]:
        """The coefficients (n_features,) with their zeros."""
        coef: npt.NDArray[Any] = self._dense().coef_
        return coef

    @property
    def _is_sparse(self) -> bool:
        return bool(sparse.issparse(vars(self).get("coef_")))

    def _dense(self) -> Any:
        """A copy with an array of coefficients."""
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        return other.densify()
