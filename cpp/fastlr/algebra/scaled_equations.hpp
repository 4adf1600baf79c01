// A least-squares problem in units of its own: every column and target times a power of two
// (which rounds nothing), so that columns have lengths between 1/2 and 1 and nothing over- or
// underflows.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "fastlr/algebra/dense.hpp"
#include "fastlr/matrices.hpp"
#include "fastlr/registers/double_double.hpp"

namespace fastlr {

constexpr double unit_roundoff = std::numeric_limits<double>::epsilon() / 2;

/// Moments as kernels pass them around: mean (2, q) an unevaluated sum, cross (q, q) or, in
/// double-double, (2, q, q).
struct MomentsView {
  Index n_features;
  Index n_targets;
  double weight;
  const double* mean;
  const double* cross;
  /// (q) upper bounds of the sums of squares that were rounded, at least the diagonal of cross.
  const double* summed_squares = nullptr;
  /// Of the arithmetic that cross was summed in.
  double rounding = unit_roundoff;
  /// (q) powers of two that columns were multiplied by before; nullptr for 1.
  const double* units = nullptr;

  Index n_columns() const { return n_features + n_targets; }
  double unit(Index j) const { return units != nullptr ? units[j] : 1.0; }
  DoubleDouble mean_at(Index j) const { return {mean[j], mean[n_columns() + j]}; }

  /// Sum of products of two columns, about their means if `centred`, about zero otherwise.
  double product(Index i, Index j, bool centred) const {
    const double about_means = cross[i * n_columns() + j];
    if (centred) return about_means;
    return (DoubleDouble{about_means, 0.0} + DoubleDouble{weight, 0.0} * mean_at(i) * mean_at(j))
        .value();
  }
};

/// The normal equations in scaled columns: A b = c over the columns that vary.
struct ScaledEquations {
  Index n_features = 0;
  Index n_targets = 0;
  bool fit_intercept = true;
  double weight = 0.0;
  Vector scale;                    // (q) powers of two; 0 for a column that does not vary
  std::vector<DoubleDouble> mean;  // (q) in scaled columns
  std::vector<Index> varying;      // the columns that vary
  Matrix A;                        // (varying, varying), without a penalty
  Matrix c;                        // (varying, t)
  Vector yy;                       // (t)
  Vector penalty;                  // (varying) penalties in scaled columns
  Vector summed;                   // (varying) lengths that rounding in A belongs to, >= sqrt(A_ii)
  bool is_lost = false;            // a column varies by less than the rounding of larger sums
  Vector summed_y;                 // (t) the same of yy

  Index n_varying() const { return static_cast<Index>(varying.size()); }

  /// By how much rounding in A exceeds that of sums that nothing was taken away from.
  double inflation() const;
};

/// With intercept A holds centred products, else raw ones (recovered as C + W m m'). penalty: (p), of
/// the columns as the moments have them; nullptr for none.
ScaledEquations scaled_equations(const MomentsView& moments, bool fit_intercept,
                                 const double* penalty);

/// value * up / down for powers of two up and down, whose quotient alone might not be
/// representable.
inline double rescaled(double value, double up, double down) {
  return up == 0.0 ? 0.0 : std::ldexp(value, std::ilogb(up) - std::ilogb(down));
}

/// A vector over the varying columns, spread over all.
void spread(const ScaledEquations& equations, const Vector& varying, double* out);

/// The entries of the varying columns of (p) values.
Vector varying_of(const ScaledEquations& equations, const double* all);

}  // namespace fastlr
