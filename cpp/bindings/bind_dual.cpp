
#include <optional>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/algebra/dual_factor.hpp"
#include "fastlr/products/dual.hpp"
#include "fastlr/sweeps/sweep.hpp"

namespace fastlr {
void bind_dual(LevelModule& m) {
  m.def(
      "dual_products",
      [](const py::object& X, const DoubleArray& scale,
         const std::optional<DoubleArray>& root_weight, bool fit_intercept, Index first, Index last,
         int n_threads, DoubleArray& mean, DoubleArray& variance, DoubleArray& H) {
        const Rows rows = rows_of(X, py::none());
        const Index p = rows.n_columns();
        const Index padded = round_up(rows.n_samples, 8);
        check_size(scale, p, "scale");
        check_size(mean, p, "mean");
        check_size(variance, p, "variance");
        if (root_weight) check_size(*root_weight, padded, "root_weight");
        check_size(H, padded * padded, "H");
        require(first >= 0 && last <= p, "columns out of range");
        const double* root = root_weight ? root_weight->data() : nullptr;
        double* means = mean.mutable_data();
        double* variances = variance.mutable_data();
        double* products = H.mutable_data();
        const Released release;
        dual_products(rows, scale.data(), root, fit_intercept, first, last, n_threads, means,
                      variances, products);
      },
      py::arg("X"), py::arg("scale").noconvert(), py::arg("root_weight").none(true),
      py::arg("fit_intercept"), py::arg("first"), py::arg("last"), py::arg("n_threads"),
      py::arg("mean").noconvert(), py::arg("variance").noconvert(), py::arg("H").noconvert());

  m.def(
      "factor_dual",
      [](const DoubleArray& H, Index n, int n_threads) {
        check_size(H, round_up(n, 8) * round_up(n, 8), "H");
        DualFactor f;
        {
          const Released release;
          f = factor_dual(H.data(), n, n_threads);
        }
        return results(f.condition_number, std::move(f.root));
      },
      py::arg("H").noconvert(), py::arg("n"), py::arg("n_threads") = 1);

  m.def(
      "residuals",
      [](const py::object& X, const py::object& y, const DoubleArray& scale, Index n_terms,
         const DoubleArray& coef, const DoubleArray& intercept, Index target, int n_threads) {
        Rows rows = rows_of(X, py::none());
        const Index n_columns = rows.n_columns();
        append_columns(y, rows);
        const Index t = rows.n_columns() - n_columns;
        require(n_terms >= 1 && n_columns % n_terms == 0, "n_terms differ in size");
        const SweepProblem problem{rows, nullptr, scale.data(), n_columns / n_terms, t, n_terms};
        check_size(scale, rows.n_columns(), "scale");
        check_size(coef, 2 * t * problem.n_features, "coef");
        check_size(intercept, 2 * t, "intercept");
        require(target >= 0 && target < t, "target is out of range");
        DoubleArray r({Index{2}, rows.n_samples});
        double* out = r.mutable_data();
        {
          const py::gil_scoped_release release;
          residuals(problem, coef.data(), intercept.data(), target, n_threads, out);
        }
        return r;
      },
      py::arg("X"), py::arg("y"), py::arg("scale").noconvert(), py::arg("n_terms"),
      py::arg("coef").noconvert(), py::arg("intercept").noconvert(), py::arg("target"),
      py::arg("n_threads"));

  m.def(
      "transposed_product",
      [](const py::object& X, const DoubleArray& scale, const DoubleArray& r, int n_threads) {
        const Rows rows = rows_of(X, py::none());
        const Index p = rows.n_columns();
        check_size(scale, p, "scale");
        check_size(r, 2 * rows.n_samples, "r");
        const SweepProblem problem{rows, nullptr, scale.data(), p, 0, 1};
        DoubleArray total({Index{2}, p});
        double* out = total.mutable_data();
        {
          const py::gil_scoped_release release;
          transposed_product(problem, r.data(), n_threads, out);
        }
        return total;
      },
      py::arg("X"), py::arg("scale").noconvert(), py::arg("r").noconvert(), py::arg("n_threads"));
}

}  // namespace fastlr
