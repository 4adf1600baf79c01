
#include <algorithm>
#include <optional>
#include <string>

#include "bindings/arguments.hpp"
#include "bindings/level_module.hpp"
#include "bindings/slots.hpp"
#include "fastlr/inference/cluster_scores.hpp"
#include "fastlr/inference/influence.hpp"
#include "fastlr/inference/sandwich.hpp"

namespace fastlr {
namespace {

/// What every pass is given: X, y, sample_weight, weights_count, shift, scale, coef, factor,
/// least_left. Keeps what a fit refers to.
class FitArguments {
 public:
  FitArguments(const py::object& X, const py::object& y, const OptionalArray& sample_weight,
               bool weights_count, const DoubleArray& shift, const DoubleArray& scale,
               const std::optional<DoubleArray>& coef, const std::optional<DoubleArray>& factor,
               double least_left)
      : rows_(rows_of(X, y)), weight_(weight_of(sample_weight, rows_)) {
    const Index q = rows_.n_columns() + (coef ? 0 : 1);
    require(q >= 1 && (coef.has_value() != y.is_none()), "residuals need both y and coef");
    check_size(shift, rows_.n_columns(), "shift");
    check_size(scale, rows_.n_columns(), "scale");
    if (coef) check_size(*coef, q, "coef");
    if (factor) check_size(*factor, q * q, "factor");
    fit_.emplace(FittedRows{.rows = rows_,
                            .n_features = q - 1,
                            .weight = weight_ ? &*weight_ : nullptr,
                            .weights_count = weights_count,
                            .shift = shift.data(),
                            .scale = scale.data(),
                            .coef = coef ? coef->data() : nullptr,
                            .factor = factor ? factor->data() : nullptr,
                            .least_left = least_left});
  }
  FitArguments(const FitArguments&) = delete;
  FitArguments& operator=(const FitArguments&) = delete;

  const FittedRows& fit() const { return *fit_; }
  Index n_samples() const { return rows_.n_samples; }
  Index n_features() const { return fit_->n_features; }

  RowRange range(Index first, Index last) const {
    require(first >= 0 && first <= last && last <= rows_.n_samples, "rows out of range");
    return {first, last};
  }

 private:
  Rows rows_;
  std::optional<Column> weight_;
  std::optional<FittedRows> fit_;
};

using OptionalDoubles = std::optional<DoubleArray>;

Correction correction_of(const std::string& name) {
  if (name == "none") return Correction::none;
  if (name == "root_of_rest") return Correction::root_of_rest;
  if (name == "rest") return Correction::rest;
  throw py::value_error("unknown correction " + name);
}

Measure measure_of(const std::string& name) {
  const auto found = std::find(measure_names.begin(), measure_names.end(), name);
  if (found == measure_names.end()) throw py::value_error("unknown measure " + name);
  return static_cast<Measure>(found - measure_names.begin());
}

void bind_sandwich(LevelModule& m) {
  bind_plan<plan_meat>(m, "plan_meat", "n_samples", "n_features");

  m.def(
      "robust_meat",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         bool weights_count, const DoubleArray& shift, const DoubleArray& scale,
         const DoubleArray& coef, const OptionalDoubles& factor, double least_left,
         const std::string& correction, Index part, int n_threads, DoubleArray& slots) {
        const FitArguments given(X, y, sample_weight, weights_count, shift, scale, coef, factor,
                                 least_left);
        const Correction divisor = correction_of(correction);
        require(divisor == Correction::none || factor, "leverages need a factor");
        const SlotPlan plan = plan_meat(given.n_samples(), given.n_features());
        double* sums = slots_of(plan, part, slots);
        const Released release;
        robust_meat(given.fit(), divisor, plan, part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("weights_count"),
      py::arg("shift").noconvert(), py::arg("scale").noconvert(), py::arg("coef").noconvert(),
      py::arg("factor").noconvert().none(true), py::arg("least_left"), py::arg("correction"),
      py::arg("part"), py::arg("n_threads"), py::arg("slots").noconvert());

  m.def(
      "meat_totals",
      [](Index n_samples, Index n_features, const DoubleArray& slots) {
        const SlotPlan plan = plan_meat(n_samples, n_features);
        DoubleArray meat({n_features + 1, n_features + 1});
        const Index n_undetermined =
            meat_totals(plan, n_features, slots_of(plan, slots), meat.mutable_data());
        return results(meat, n_undetermined);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("slots").noconvert());

  m.def(
      "plan_hac",
      [](Index n_samples, Index n_features, Index n_lags) {
        require(n_samples >= 1 && n_features >= 1 && n_lags >= 0, "sizes of a plan are too small");
        const SlotPlan plan = plan_hac(n_samples, n_features, n_lags);
        return results(plan.n_slots, plan.slot_size, plan.n_parts);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_lags"));

  m.def(
      "hac_meat",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const DoubleArray& scale, const DoubleArray& coef,
         const OptionalDoubles& factor, Index n_lags, Index part, int n_threads,
         DoubleArray& slots) {
        const FitArguments given(X, y, sample_weight, false, shift, scale, coef, factor, 0.0);
        require(n_lags >= 0, "n_lags must not be negative");
        const SlotPlan plan = plan_hac(given.n_samples(), given.n_features(), n_lags);
        double* sums = slots_of(plan, part, slots);
        const Released release;
        hac_meat(given.fit(), n_lags, plan, part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("coef").noconvert(),
      py::arg("factor").noconvert().none(true), py::arg("n_lags"), py::arg("part"),
      py::arg("n_threads"), py::arg("slots").noconvert());

  m.def(
      "hac_totals",
      [](Index n_samples, Index n_features, Index n_lags, const DoubleArray& slots) {
        const SlotPlan plan = plan_hac(n_samples, n_features, n_lags);
        DoubleArray meat({n_features + 1, n_features + 1});
        hac_totals(plan, n_features, n_lags, slots_of(plan, slots), meat.mutable_data());
        return meat;
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_lags"), py::arg("slots").noconvert());
}

void bind_clusters(LevelModule& m) {
  m.def(
      "plan_clusters",
      [](Index n_samples, Index n_features, Index n_clusters) {
        require(n_samples >= 1 && n_features >= 1 && n_clusters >= 1,
                "the sizes of a plan start at 1");
        const SlotPlan plan = plan_clusters(n_samples, n_features, n_clusters);
        return results(plan.n_slots, plan.slot_size, plan.n_parts);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_clusters"));

  m.def(
      "cluster_scores",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         const DoubleArray& shift, const DoubleArray& scale, const DoubleArray& coef,
         const OptionalDoubles& factor, const py::array_t<std::int32_t, py::array::c_style>& codes,
         Index n_clusters, Index part, int n_threads, DoubleArray& slots) {
        const FitArguments given(X, y, sample_weight, false, shift, scale, coef, factor, 0.0);
        check_size(codes, given.n_samples(), "codes");
        require(n_clusters >= 1, "there is at least one cluster");
        const SlotPlan plan = plan_clusters(given.n_samples(), given.n_features(), n_clusters);
        double* sums = slots_of(plan, part, slots);
        const std::int32_t* of_rows = codes.data();
        const Released release;
        cluster_scores(given.fit(), of_rows, n_clusters, plan, part, n_threads, sums);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("shift").noconvert(),
      py::arg("scale").noconvert(), py::arg("coef").noconvert(),
      py::arg("factor").noconvert().none(true), py::arg("codes").noconvert(), py::arg("n_clusters"),
      py::arg("part"), py::arg("n_threads"), py::arg("slots").noconvert());

  m.def(
      "cluster_totals",
      [](Index n_samples, Index n_features, Index n_clusters, const DoubleArray& slots) {
        const SlotPlan plan = plan_clusters(n_samples, n_features, n_clusters);
        DoubleArray scores({n_clusters, n_features + 1});
        cluster_totals(plan, n_features, n_clusters, slots_of(plan, slots), scores.mutable_data());
        return scores;
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_clusters"),
      py::arg("slots").noconvert());
}

void bind_influence(LevelModule& m) {
  py::list names;
  for (const char* name : measure_names) names.append(name);
  m.attr("INFLUENCE_MEASURES") = py::tuple(names);

  m.def(
      "row_figures",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         bool weights_count, const DoubleArray& shift, const DoubleArray& scale,
         const OptionalDoubles& coef, const OptionalDoubles& factor, Index first, Index last,
         int n_threads, OptionalDoubles& residuals, OptionalDoubles& leverages) {
        const FitArguments given(X, y, sample_weight, weights_count, shift, scale, coef, factor,
                                 0.0);
        require(!residuals || coef, "residuals need both y and coef");
        require(!leverages || factor, "leverages need a factor");
        const RowRange range = given.range(first, last);
        double* r = nullptr;
        double* h = nullptr;
        if (residuals) {
          check_size(*residuals, given.n_samples(), "residuals");
          r = residuals->mutable_data();
        }
        if (leverages) {
          check_size(*leverages, given.n_samples(), "leverages");
          h = leverages->mutable_data();
        }
        const Released release;
        row_figures(given.fit(), range, n_threads, r, h);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("weights_count"),
      py::arg("shift").noconvert(), py::arg("scale").noconvert(),
      py::arg("coef").noconvert().none(true), py::arg("factor").noconvert().none(true),
      py::arg("first"), py::arg("last"), py::arg("n_threads"),
      py::arg("residuals").noconvert().none(true), py::arg("leverages").noconvert().none(true));

  m.def(
      "plan_influence",
      [](Index n_samples, Index n_features, Index n_top) {
        require(n_samples >= 1 && n_features >= 1 && n_top >= 0, "sizes of a plan are too small");
        const SlotPlan plan = plan_influence(n_samples, n_features, n_top);
        return results(plan.n_slots, plan.slot_size, plan.n_parts);
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_top"));

  m.def(
      "influence",
      [](const py::object& X, const py::object& y, const OptionalArray& sample_weight,
         bool weights_count, const DoubleArray& shift, const DoubleArray& scale,
         const DoubleArray& coef, const DoubleArray& factor, double least_left, double variance,
         double df_resid, double n_parameters, const std::string& ranking, Index n_top, Index part,
         int n_threads, DoubleArray& slots, std::optional<DoubleArray>& out,
         const OptionalDoubles& change, std::optional<DoubleArray>& changes) {
        const FitArguments given(X, y, sample_weight, weights_count, shift, scale, coef, factor,
                                 least_left);
        const Index n = given.n_samples();
        const Index q = given.n_features() + 1;
        const SlotPlan plan = plan_influence(n, given.n_features(), n_top);
        double* sums = slots_of(plan, part, slots);
        InfluenceSettings settings{.variance = variance,
                                   .df_resid = df_resid,
                                   .n_parameters = n_parameters,
                                   .ranking = measure_of(ranking),
                                   .n_top = n_top};
        double* measures = nullptr;
        if (out) {
          check_size(*out, n_measures * n, "out");
          measures = out->mutable_data();
        }
        double* of_rows = nullptr;
        require(change.has_value() == changes.has_value(), "changes need a matrix of changes");
        if (changes) {
          check_size(*change, q * q, "change");
          settings.change = change->data();
          settings.n_changes = changes->size() / n;
          require(settings.n_changes <= q, "there are more changes than variables");
          check_size(*changes, n * settings.n_changes, "changes");
          of_rows = changes->mutable_data();
        }
        const Released release;
        influence(given.fit(), settings, plan, part, n_threads, sums, measures, of_rows);
      },
      py::arg("X"), py::arg("y"), py::arg("sample_weight").none(true), py::arg("weights_count"),
      py::arg("shift").noconvert(), py::arg("scale").noconvert(), py::arg("coef").noconvert(),
      py::arg("factor").noconvert(), py::arg("least_left"), py::arg("variance"),
      py::arg("df_resid"), py::arg("n_parameters"), py::arg("ranking"), py::arg("n_top"),
      py::arg("part"), py::arg("n_threads"), py::arg("slots").noconvert(),
      py::arg("out").noconvert().none(true), py::arg("change").noconvert().none(true),
      py::arg("changes").noconvert().none(true));

  m.def(
      "influence_totals",
      [](Index n_samples, Index n_features, Index n_top, const DoubleArray& slots) {
        const SlotPlan plan = plan_influence(n_samples, n_features, n_top);
        const InfluenceTotals totals = influence_totals(plan, n_top, slots_of(plan, slots));
        return results(
            totals.press, totals.squares, totals.n_undetermined,
            py::array_t<Index>(static_cast<py::ssize_t>(totals.top.size()), totals.top.data()));
      },
      py::arg("n_samples"), py::arg("n_features"), py::arg("n_top"), py::arg("slots").noconvert());
}

}  // namespace

void bind_inference(LevelModule& m) {
  bind_sandwich(m);
  bind_clusters(m);
  bind_influence(m);
}

}  // namespace fastlr
