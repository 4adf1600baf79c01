#include "fastlr/rank.hpp"

#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

namespace fastlr {
RankDecision decide_rank(Eigen::Map<const RowMatrix> R, const Vector& gran) {
  const Index p = R.rows();
  RankDecision out;
  out.length = R.colwise().norm().transpose();
  std::vector<Index> live;
  for (Index j = 0; j < p; ++j)
    if (out.length[j] > 0.0) live.push_back(j);
  const Index l = static_cast<Index>(live.size());
  Matrix T(l, l);
  Vector noise(l);
  for (Index j = 0; j < l; ++j) {
    const Index column = live[static_cast<std::size_t>(j)];
    for (Index i = 0; i < l; ++i)
      T(i, j) = R(live[static_cast<std::size_t>(i)], column) / out.length[column];
    noise[j] = std::max(gran[column], 1.0);
  }
  // Nothing can be said of columns that are not finite: none is independent.
  if (!T.allFinite()) T.setZero();
  Vector sigma(l);
  Matrix V(l, l);
  if (l > 0) {
    const Eigen::BDCSVD<Matrix> svd(T, Eigen::ComputeFullV);
    sigma = svd.singularValues();
    V = svd.matrixV();
  }
  const double top = l > 0 ? sigma[0] : 0.0;
  const double root_p = std::sqrt(static_cast<double>(l));
  std::vector<Index> kept;
  std::vector<Index> null;
  for (Index k = 0; k < l; ++k) {
    const double level = 8 * unit_roundoff * (V.col(k).cwiseProduct(noise).norm() + root_p * top);
    (sigma[k] > level ? kept : null).push_back(k);
  }
  out.rank = static_cast<Index>(kept.size());
  out.root.setZero(p, out.rank);
  out.null_space.setZero(p - out.rank, p);
  for (Index i = 0; i < l; ++i) {
    const Index row = live[static_cast<std::size_t>(i)];
    for (Index k = 0; k < out.rank; ++k) {
      const Index from = kept[static_cast<std::size_t>(k)];
      out.root(row, k) = V(i, from) / sigma[from] / out.length[row];
    }
    for (Index k = 0; k < static_cast<Index>(null.size()); ++k)
      out.null_space(k, row) = V(i, null[static_cast<std::size_t>(k)]);
  }
  for (Index j = 0, k = static_cast<Index>(null.size()); j < p; ++j)
    if (out.length[j] == 0.0) out.null_space(k++, j) = 1.0;
  if (out.rank > 0) out.condition_number = top / sigma[kept.back()];
  return out;
}

}  // namespace fastlr
