#include <pybind11/eigen.h>

#include "bindings/nouns.hpp"
#include "bindings/rows.hpp"
#include "fastlr/normal_equations.hpp"

namespace fastlr {

void bind_normal_equations(py::module_& m) {
  m.def(
      "solve_normal_equations",
      [](Index n_features, double weight, const DoubleArray& mean, const DoubleArray& cross,
         bool fit_intercept, double alpha) {
        const Index q = cross.shape(0);
        if (n_features < 0 || n_features > q || cross.size() != q * q || mean.size() != 2 * q)
          throw py::value_error("mean must be (2, q) and cross (q, q) with q > n_features");
        const double* means = mean.data();
        const double* products = cross.data();
        NormalSolution s;
        {
          const py::gil_scoped_release release;
          s = solve_normal_equations(n_features, q - n_features, weight, means, products,
                                     fit_intercept, alpha);
        }
        return py::make_tuple(name(s.status), s.rank, s.condition_number, std::move(s.coef),
                              std::move(s.intercept), std::move(s.rss), std::move(s.tss),
                              std::move(s.length), std::move(s.null_space));
      },
      py::arg("n_features"), py::arg("weight"), py::arg("mean").noconvert(),
      py::arg("cross").noconvert(), py::arg("fit_intercept"), py::arg("alpha"));
}

}  // namespace fastlr
