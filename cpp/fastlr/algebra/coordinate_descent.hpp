// Coordinate descent for the lasso and the elastic net, on cross-products of the columns:
//
//   minimise  1/2 b'A b - q'b + y'y / 2 + sum_j (l1_j |b_j| + l2_j b_j^2 / 2)
//
// for a falling sequence of penalties, each from the solution of the one before. Columns of A are
// asked for only where a coefficient may leave zero.
#pragma once

#include <cstdint>
#include <vector>

#include "fastlr/matrices.hpp"

namespace fastlr {

/// Columns of A = X'X, (p) each, by their number.
class GramColumns {
 public:
  explicit GramColumns(Index p) : columns_(static_cast<std::size_t>(p), nullptr) {}
  virtual ~GramColumns() = default;
  GramColumns(const GramColumns&) = delete;
  GramColumns& operator=(const GramColumns&) = delete;

  /// Column j, or nullptr as long as nobody has asked for it.
  const double* known(Index j) const { return columns_[static_cast<std::size_t>(j)]; }

  /// Makes these columns known, none of which is; `promise` (p) says which others may follow. False
  /// if so many columns had better be learnt in another way.
  virtual bool learn(const std::vector<Index>& needed, const double* promise) = 0;

 protected:
  std::vector<const double*> columns_;
};

/// All of them, row after row of A.
class WholeGram final : public GramColumns {
 public:
  WholeGram(Index p, const double* A) : GramColumns(p) {
    for (Index j = 0; j < p; ++j) columns_[static_cast<std::size_t>(j)] = A + j * p;
  }
  bool learn(const std::vector<Index>&, const double*) override { return true; }
};

/// What is minimised, but for the strength of the penalties.
struct PenalisedProblem {
  Index n_features;
  double square_y;          // y'y
  const double* gradient;   // q = X'y, (p)
  const double* l1_factor;  // (p), >= 0
  const double* l2_factor;  // (p), >= 0
  const double* unit;       // (p): coefficients times these are what moves are compared with
  bool positive;            // only coefficients >= 0
};

struct DescentRules {
  Index max_iter;      // sweeps over the coefficients, for each penalty
  double tolerance;    // of the duality gap, as a share of y'y, and of moves, of the largest one
  bool random;         // coordinates at random instead of in turn
  std::uint64_t seed;  // of their order
};

/// For each of n penalties (l1[k], l2[k], which multiply the factors): coefficients (n, p), the
/// duality gap, and the sweeps that were taken. A descent ends when the gap is small and a sweep
/// moves no coefficient by more than the tolerance, as a share of the largest one. `coef` (p) is where the first one starts. How many
/// penalties are done: all, unless columns are refused. Gives turns.
Index penalised_path(const PenalisedProblem& problem, GramColumns& gram, const DescentRules& rules,
                     Index n, const double* l1, const double* l2, const double* coef, double* coefs,
                     double* gaps, Index* n_iter);

}  // namespace fastlr
