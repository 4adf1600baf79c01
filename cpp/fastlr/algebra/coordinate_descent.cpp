#include "fastlr/algebra/coordinate_descent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "fastlr/algebra/dense.hpp"
#include "fastlr/algebra/duality_gap.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

/// Rounding errors of the gap, as a share of the squares that it is made of.
constexpr double rounding = 0x1p-49;
constexpr double almost_nothing = 1e-9;  // of a diagonal, for columns that depend on one another
constexpr Index least_added = 32;        // columns that join the working set at once
/// A factor of k columns costs k^3 / 3 multiply-adds, which are done so much faster than those of
/// sweeps that it pays sooner.
constexpr double solving_speed = 24.0;
constexpr double work_per_turn = 1e6;
/// What a last step to the minimum may cost, in multiply-adds, as a multiple of the sweeps before.
constexpr double worth_polishing = 1.0;

/// One penalty after the other. Coefficients outside of a working set are zero; the descent goes on
/// in the set's own cross-products until its gap is small, and then all columns are looked at.
class Path {
 public:
  Path(const PenalisedProblem& problem, GramColumns& gram, const DescentRules& rules,
       const double* coef)
      : problem_(problem),
        gram_(gram),
        rules_(rules),
        p_(problem.n_features),
        state_(rules.seed),
        start_(ConstVectorMap(coef, p_)),
        u_(ConstVectorMap(problem.gradient, p_)),
        promise_(Vector::Zero(p_)),
        place_(static_cast<std::size_t>(p_), -1) {
    std::vector<Index> first;
    for (Index j = 0; j < p_; ++j)
      if (coef[j] != 0.0) first.push_back(j);
    join(first);
    refresh();
  }

  /// Descends for one penalty; (gap, sweeps), or nothing where columns are refused.
  std::optional<std::pair<double, Index>> descend(double l1, double l2) {
    const double strong = 2.0 * l1 - last_l1();
    l1_ = l1;
    l2_ = l2;
    set_penalties();
    n_iter_ = 0;
    can_solve_ = true;
    is_settled_ = is_fresh_;  // a path goes on from other penalties
    double gap = full_gap();
    bool is_first = true;
    while (n_iter_ < rules_.max_iter && !(gap <= limit() && is_settled_)) {
      const Index added = widen(is_first && strong > 0.0 ? strong : l1);
      if (is_refused_) return std::nullopt;
      is_first = false;
      if (added == 0 && size() == 0) break;  // rounding alone
      descend_in_set();
      refresh();
      gap = full_gap();
      is_settled_ = is_settled_ && !moves_outside();
    }
    is_fresh_ = false;
    last_ = l1;
    return std::pair{gap, n_iter_};
  }

  bool is_refused() const { return is_refused_; }

  void copy_to(double* coef) const {
    std::fill_n(coef, p_, 0.0);
    for (Index a = 0; a < size(); ++a) coef[set_[static_cast<std::size_t>(a)]] = w_[a];
  }

 private:
  Index size() const { return static_cast<Index>(set_.size()); }
  auto set_gram() { return G_.topLeftCorner(size(), size()); }

  double l1_of(Index j) const { return l1_ * problem_.l1_factor[j]; }
  double l2_of(Index j) const { return l2_ * problem_.l2_factor[j]; }

  /// Where the path comes from: at first the smallest penalty that leaves all coefficients at zero.
  double last_l1() const {
    if (!is_fresh_) return last_;
    double most = 0.0;
    for (Index j = 0; j < p_; ++j)
      if (problem_.l1_factor[j] > 0.0)
        most = std::max(most, std::abs(u_[j]) / problem_.l1_factor[j]);
    return most;
  }

  void set_penalties() {
    for (Index a = 0; a < size(); ++a) {
      const Index j = set_[static_cast<std::size_t>(a)];
      c1_[a] = l1_of(j);
      c2_[a] = l2_of(j);
    }
  }

  void turn(double work) {
    work_ += work;
    if (work_ < work_per_turn) return;
    work_ = 0.0;
    give_turn();
  }

  /// Columns become part of the working set, with a coefficient of zero.
  void join(const std::vector<Index>& columns) {
    std::vector<Index> unknown;
    for (const Index j : columns)
      if (gram_.known(j) == nullptr) unknown.push_back(j);
    is_refused_ = is_refused_ || (!unknown.empty() && !gram_.learn(unknown, promise_.data()));
    if (is_refused_) return;
    const Index before = size();
    const Index now = before + static_cast<Index>(columns.size());
    if (now > G_.rows()) {
      const Index room = std::min(p_, std::max(now, 2 * before));
      G_.conservativeResize(room, room);
      for (Vector* v : {&w_, &g_, &c1_, &c2_}) v->conservativeResize(room);
    }
    for (const Index j : columns) {
      const Index a = size();
      const double* const column = gram_.known(j);
      set_.push_back(j);
      place_[static_cast<std::size_t>(j)] = a;
      for (Index b = 0; b <= a; ++b)
        G_(b, a) = G_(a, b) = column[set_[static_cast<std::size_t>(b)]];
      w_[a] = start_[j];
      g_[a] = u_[j];
      c1_[a] = l1_of(j);
      c2_[a] = l2_of(j);
      start_[j] = 0.0;  // of those that join later, too
      turn(static_cast<double>(a));
    }
  }

  /// u = q - A b for all columns, and for the set.
  void refresh() {
    u_ = ConstVectorMap(problem_.gradient, p_);
    for (Index a = 0; a < size(); ++a) {
      if (w_[a] == 0.0) continue;
      u_ -= w_[a] * ConstVectorMap(gram_.known(set_[static_cast<std::size_t>(a)]), p_);
      turn(static_cast<double>(p_));
    }
    for (Index a = 0; a < size(); ++a) g_[a] = u_[set_[static_cast<std::size_t>(a)]];
  }

  /// The most violating columns outside of the set join it: as many as it has, at most.
  Index widen(double threshold) {
    std::vector<Index> found;
    for (Index j = 0; j < p_; ++j) {
      const double factor = problem_.l1_factor[j];
      const double slope = problem_.positive ? u_[j] : std::abs(u_[j]);
      promise_[j] = factor > 0.0 ? slope / factor : std::numeric_limits<double>::infinity();
      if (place_[static_cast<std::size_t>(j)] >= 0) continue;
      if (slope > 0.0 && slope >= threshold * factor) found.push_back(j);
    }
    const auto most = static_cast<std::size_t>(std::max(least_added, size()));
    if (found.size() > most) {
      const auto last = found.begin() + static_cast<std::ptrdiff_t>(most);
      std::nth_element(found.begin(), last, found.end(),
                       [&](Index i, Index j) { return promise_[i] > promise_[j]; });
      found.erase(last, found.end());
      std::sort(found.begin(), found.end());
    }
    join(found);
    return static_cast<Index>(found.size());
  }

  double set_gap() const {
    DualityGap gap;
    for (Index a = 0; a < size(); ++a)
      gap.add(w_[a], g_[a], problem_.gradient[set_[static_cast<std::size_t>(a)]], c1_[a], c2_[a],
              G_(a, a), problem_.positive);
    return gap.value(problem_.square_y);
  }

  double full_gap() const {
    DualityGap gap;
    for (Index j = 0; j < p_; ++j) {
      const Index a = place_[static_cast<std::size_t>(j)];
      const double* const column = gram_.known(j);
      if (column == nullptr && !(l1_of(j) > 0.0 || l2_of(j) > 0.0)) {
        // Not penalised, and of unknown length: no column gains more than all there is.
        if (problem_.positive ? u_[j] > 0.0 : u_[j] != 0.0) gap.at_one += 0.5 * problem_.square_y;
        continue;
      }
      gap.add(a < 0 ? 0.0 : w_[a], u_[j], problem_.gradient[j], l1_of(j), l2_of(j),
              column == nullptr ? 0.0 : column[j], problem_.positive);
    }
    return gap.value(problem_.square_y);
  }

  /// Until the set's gap is small and a sweep moves little, or no less than the one before where the
  /// gap is a rounding error. The last step is one to the minimum, where that is cheap.
  void descend_in_set() {
    double spent = 0.0;
    double in_all = 0.0;
    double polished = 0.0;
    while (n_iter_ < rules_.max_iter) {
      ++n_iter_;
      const Index k = n_active();
      const double work = std::pow(static_cast<double>(k), 3) / solving_speed;
      if (can_solve_ && spent > work && k > 0) {
        can_solve_ = solve_at_signs();
        spent = 0.0;
      }
      const double before = move_;
      const double swept = sweep();
      spent += swept;
      in_all += swept;
      const double gap = set_gap();
      const bool is_rounding = gap <= rounding_of_gap() && move_ > 0.5 * before;
      is_settled_ = move_ <= rules_.tolerance || is_rounding;
      if (!(is_settled_ && gap <= limit())) continue;
      if (is_rounding || move_ <= almost_nothing || !can_solve_) return;
      polished += work;
      if (polished > worth_polishing * in_all) return;
      spent = work + 1.0;
    }
  }

  /// Whether a column outside of the set would move if it joined it; one of unknown length counts
  /// with the mean length of the set's.
  bool moves_outside() const {
    double largest = 0.0;
    double length = 0.0;
    for (Index a = 0; a < size(); ++a) {
      largest = std::max(largest, std::abs(w_[a]) * unit_of(a));
      length += G_(a, a) / static_cast<double>(size());
    }
    for (Index j = 0; j < p_; ++j) {
      if (place_[static_cast<std::size_t>(j)] >= 0) continue;
      const double slope = problem_.positive ? u_[j] : std::abs(u_[j]);
      const double* const column = gram_.known(j);
      const double d = column == nullptr ? length : column[j];
      if (d > 0.0 &&
          (slope - l1_of(j)) / (d + l2_of(j)) * problem_.unit[j] > rules_.tolerance * largest)
        return true;
    }
    return false;
  }

  double unit_of(Index a) const { return problem_.unit[set_[static_cast<std::size_t>(a)]]; }

  /// The gap that is small enough: as wanted, but no smaller than its rounding errors.
  double limit() const { return std::max(rules_.tolerance * problem_.square_y, rounding_of_gap()); }

  double rounding_of_gap() const {
    double squares = 0.0;
    for (Index a = 0; a < size(); ++a) squares += w_[a] * w_[a] * G_(a, a);
    squares = problem_.square_y + std::sqrt(static_cast<double>(size())) * squares;
    return rounding * squares;
  }

  Index n_active() const {
    Index count = 0;
    for (Index a = 0; a < size(); ++a) count += w_[a] != 0.0;
    return count;
  }

  /// One pass over the coefficients of the set; multiply-adds that it took.
  double sweep() {
    double work = static_cast<double>(size());
    double moved = 0.0;
    double largest = 0.0;
    double moved_along = 0.0;  // in units of y, whatever the columns' are
    double longest = 0.0;
    for (Index i = 0; i < size(); ++i) {
      const Index a = rules_.random ? draw(size()) : i;
      const double d = G_(a, a);
      const double denominator = d + c2_[a];
      if (!(d > 0.0)) continue;
      const double old = w_[a];
      const double along = g_[a] + old * d;
      const double size_along = problem_.positive ? along : std::abs(along);
      double next = 0.0;
      if (size_along > c1_[a]) next = std::copysign(size_along - c1_[a], along) / denominator;
      largest = std::max(largest, std::abs(next) * unit_of(a));
      longest = std::max(longest, next * next * d);
      if (next == old) continue;
      moved = std::max(moved, std::abs(next - old) * unit_of(a));
      moved_along = std::max(moved_along, (next - old) * (next - old) * d);
      if ((next != 0.0) != (old != 0.0) || next * old < 0.0) can_solve_ = true;
      w_[a] = next;
      g_.head(size()) -= (next - old) * G_.col(a).head(size());
      work += static_cast<double>(size());
      turn(static_cast<double>(size()));
    }
    move_ = moved == 0.0 ? 0.0 : std::max(moved / largest, std::sqrt(moved_along / longest));
    return work;
  }

  /// Where the descent is slow: a step to the minimum for the signs that coefficients have now.
  /// False if that does not help, as where columns depend on one another.
  bool solve_at_signs() {
    std::vector<Index> active;
    for (Index a = 0; a < size(); ++a)
      if (w_[a] != 0.0) active.push_back(a);
    const auto k = static_cast<Index>(active.size());
    Matrix M(k, k);
    Vector slope(k);
    for (Index i = 0; i < k; ++i) {
      const Index a = active[static_cast<std::size_t>(i)];
      for (Index m = i; m < k; ++m) M(m, i) = G_(active[static_cast<std::size_t>(m)], a);
      M(i, i) += c2_[a];
      slope[i] = g_[a] - c2_[a] * w_[a] - std::copysign(c1_[a], w_[a]);
      turn(static_cast<double>(k));
    }
    Matrix L = M;
    if (!factor_cholesky(L, 1)) {  // a step along what is dependent ends at the first zero
      L = M;
      L.diagonal().array() += almost_nothing * M.diagonal().maxCoeff();
      if (!factor_cholesky(L, 1)) return false;
    }
    Vector step = slope;
    L.triangularView<Eigen::Lower>().solveInPlace(step);
    L.triangularView<Eigen::Lower>().transpose().solveInPlace(step);
    if (!step.allFinite()) return false;
    double until = 1.0;  // no coefficient changes its sign
    for (Index i = 0; i < k; ++i) {
      const Index a = active[static_cast<std::size_t>(i)];
      if ((c1_[a] > 0.0 || problem_.positive) && (w_[a] + step[i]) * w_[a] <= 0.0)
        until = std::min(until, -w_[a] / step[i]);
    }
    // As far along the step as pays, coefficients that would change their sign staying at zero.
    Vector change(size());
    Vector along(size());
    for (const double share : {1.0, 0.5, 0.25, until}) {
      change.setZero();
      along.setZero();
      double gain = 0.0;
      for (Index i = 0; i < k; ++i) {
        const Index a = active[static_cast<std::size_t>(i)];
        const bool has_sign = c1_[a] > 0.0 || problem_.positive;
        const double next = w_[a] + share * step[i];
        change[a] = has_sign && next * w_[a] <= 0.0 ? -w_[a] : next - w_[a];
        along += change[a] * G_.col(a).head(size());
        gain += change[a] * (slope[i] - 0.5 * c2_[a] * change[a]);
        turn(static_cast<double>(size()));
      }
      gain -= 0.5 * change.dot(along);
      if (!(gain > 0.0)) continue;
      w_.head(size()) += change;
      g_.head(size()) -= along;
      return true;
    }
    return false;
  }

  /// A number below n, of a linear congruential sequence.
  Index draw(Index n) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<Index>((state_ >> 33) % static_cast<std::uint64_t>(n));
  }

  const PenalisedProblem& problem_;
  GramColumns& gram_;
  const DescentRules& rules_;
  Index p_;
  std::uint64_t state_;
  Vector start_;
  Vector u_;  // X'(y - X b), (p)
  Vector promise_;
  std::vector<Index> place_;  // in the set, or -1
  std::vector<Index> set_;
  Matrix G_;                // of the set; these have room for more
  Vector w_, g_, c1_, c2_;  // coefficients, their gradient and penalties
  double l1_ = 0.0;
  double l2_ = 0.0;
  double last_ = 0.0;
  double work_ = 0.0;
  bool is_fresh_ = true;
  bool can_solve_ = true;
  bool is_refused_ = false;
  bool is_settled_ = true;
  double move_ = 0.0;  // the largest of the last sweep, as a share of the largest coefficient
  Index n_iter_ = 0;
};

}  // namespace

Index penalised_path(const PenalisedProblem& problem, GramColumns& gram, const DescentRules& rules,
                     Index n, const double* l1, const double* l2, const double* coef, double* coefs,
                     double* gaps, Index* n_iter) {
  Path path(problem, gram, rules, coef);
  for (Index k = 0; k < n; ++k) {
    const auto reached = path.is_refused() ? std::nullopt : path.descend(l1[k], l2[k]);
    if (!reached) return k;
    path.copy_to(coefs + k * problem.n_features);
    gaps[k] = reached->first;
    n_iter[k] = reached->second;
  }
  return n;
}

}  // namespace fastlr
