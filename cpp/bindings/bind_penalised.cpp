
#include <cstdint>
#include <optional>
#include <vector>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "fastlr/algebra/best_subsets.hpp"
#include "fastlr/algebra/columns_on_demand.hpp"
#include "fastlr/algebra/coordinate_descent.hpp"
#include "fastlr/products/column_products.hpp"

namespace fastlr {
namespace {

/// The arguments that paths have in common, and what they give back.
class PathCall {
 public:
  PathCall(double square_y, const DoubleArray& gradient, const DoubleArray& l1_factor,
           const DoubleArray& l2_factor, const DoubleArray& unit, bool positive,
           const DoubleArray& l1, const DoubleArray& l2, const DoubleArray& coef, Index max_iter,
           double tolerance, bool random, std::uint64_t seed)
      : problem_{gradient.size(),  square_y,    gradient.data(), l1_factor.data(),
                 l2_factor.data(), unit.data(), positive},
        rules_{max_iter, tolerance, random, seed},
        n_(l1.size()),
        l1_(l1.data()),
        l2_(l2.data()),
        coef_(coef.data()),
        coefs_({n_, gradient.size()}),
        gaps_(n_),
        n_iter_(n_),
        to_coefs_(coefs_.mutable_data()),
        to_gaps_(gaps_.mutable_data()),
        to_n_iter_(n_iter_.mutable_data()) {
    check_size(l1_factor, gradient.size(), "l1_factor");
    check_size(l2_factor, gradient.size(), "l2_factor");
    check_size(unit, gradient.size(), "unit");
    check_size(coef, gradient.size(), "coef");
    check_size(l2, n_, "l2");
    require(max_iter >= 1, "max_iter starts at 1");
  }

  Index run(GramColumns& gram) {
    return penalised_path(problem_, gram, rules_, n_, l1_, l2_, coef_, to_coefs_, to_gaps_,
                          to_n_iter_);
  }

  const py::array& coefs() const { return coefs_; }
  const py::array& gaps() const { return gaps_; }
  const py::array& n_iter() const { return n_iter_; }

 private:
  PenalisedProblem problem_;
  DescentRules rules_;
  Index n_;
  const double* l1_;
  const double* l2_;
  const double* coef_;
  DoubleArray coefs_;
  DoubleArray gaps_;
  py::array_t<Index> n_iter_;
  double* to_coefs_;
  double* to_gaps_;
  Index* to_n_iter_;
};

}  // namespace

void bind_penalised(LevelModule& m) {
  m.def(
      "penalised_path",
      [](const DoubleArray& A, double square_y, const DoubleArray& gradient,
         const DoubleArray& l1_factor, const DoubleArray& l2_factor, const DoubleArray& unit,
         bool positive, const DoubleArray& l1, const DoubleArray& l2, const DoubleArray& coef,
         Index max_iter, double tolerance, bool random, std::uint64_t seed) {
        const Index p = gradient.size();
        check_size(A, p * p, "A");
        PathCall call(square_y, gradient, l1_factor, l2_factor, unit, positive, l1, l2, coef,
                      max_iter, tolerance, random, seed);
        const double* products = A.data();
        {
          const Released release;
          WholeGram gram(p, products);
          call.run(gram);
        }
        return results(call.coefs(), call.gaps(), call.n_iter());
      },
      py::arg("A").noconvert(), py::arg("square_y"), py::arg("gradient").noconvert(),
      py::arg("l1_factor").noconvert(), py::arg("l2_factor").noconvert(),
      py::arg("unit").noconvert(), py::arg("positive"), py::arg("l1").noconvert(),
      py::arg("l2").noconvert(), py::arg("coef").noconvert(), py::arg("max_iter"),
      py::arg("tolerance"), py::arg("random") = false, py::arg("seed") = 0);

  m.def(
      "penalised_path_of_rows",
      [](const py::object& X, const OptionalArray& sample_weight, double total_weight,
         const DoubleArray& shift, const DoubleArray& mean, Index most, int n_threads,
         double square_y, const DoubleArray& gradient, const DoubleArray& l1_factor,
         const DoubleArray& l2_factor, const DoubleArray& unit, bool positive,
         const DoubleArray& l1, const DoubleArray& l2, const DoubleArray& coef, Index max_iter,
         double tolerance, bool random, std::uint64_t seed) {
        const Rows rows = rows_of(X, py::none());
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        check_size(shift, rows.n_columns(), "shift");
        check_size(mean, rows.n_columns(), "mean");
        check_size(gradient, rows.n_columns(), "gradient");
        PathCall call(square_y, gradient, l1_factor, l2_factor, unit, positive, l1, l2, coef,
                      max_iter, tolerance, random, seed);
        const MeasuredFeatures features{rows, weight ? &*weight : nullptr, total_weight,
                                        shift.data(), mean.data()};
        Index n_known = 0;
        Index n_done = 0;
        {
          const Released release;
          ColumnsOnDemand gram(features, most, n_threads);
          n_done = call.run(gram);
          n_known = gram.n_known();
        }
        return results(call.coefs(), call.gaps(), call.n_iter(), n_known, n_done);
      },
      py::arg("X"), py::arg("sample_weight").none(true), py::arg("total_weight"),
      py::arg("shift").noconvert(), py::arg("mean").noconvert(), py::arg("most"),
      py::arg("n_threads"), py::arg("square_y"), py::arg("gradient").noconvert(),
      py::arg("l1_factor").noconvert(), py::arg("l2_factor").noconvert(),
      py::arg("unit").noconvert(), py::arg("positive"), py::arg("l1").noconvert(),
      py::arg("l2").noconvert(), py::arg("coef").noconvert(), py::arg("max_iter"),
      py::arg("tolerance"), py::arg("random") = false, py::arg("seed") = 0);

  m.def(
      "column_products",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const std::vector<Index>& chosen, int n_threads) {
        const Rows rows = rows_of(X, y);
        const std::optional<Column> weight = weight_of(sample_weight, rows);
        check_size(shift, rows.n_columns(), "shift");
        for (const Index j : chosen)
          require(j >= 0 && j < rows.n_columns(), "there is no such column");
        DoubleArray products({static_cast<Index>(chosen.size()) + 1, rows.n_columns()});
        double* out = products.mutable_data();
        {
          const Released release;
          column_products(rows, weight ? &*weight : nullptr, shift.data(), chosen, n_threads, out);
        }
        return products;
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("chosen"), py::arg("n_threads"));

  m.attr("MOST_SUBSET_COLUMNS") = most_subset_columns;
  m.def(
      "best_subsets",
      [](const DoubleArray& A, const DoubleArray& q, double square_y) {
        const Index p = q.size();
        check_size(A, p * p, "A");
        require(p >= 1 && p <= most_subset_columns, "so many columns have too many subsets");
        DoubleArray rss(p + 1);
        py::array_t<std::uint64_t> columns(p + 1);
        double* to_rss = rss.mutable_data();
        std::uint64_t* to_columns = columns.mutable_data();
        std::int64_t n_nodes = 0;
        {
          const Released release;
          n_nodes = best_subsets(p, A.data(), q.data(), square_y, to_rss, to_columns);
        }
        return results(rss, columns, n_nodes);
      },
      py::arg("A").noconvert(), py::arg("q").noconvert(), py::arg("square_y"));
}

}  // namespace fastlr
