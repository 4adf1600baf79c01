#include "fastlr/algebra/columns_on_demand.hpp"

#include <algorithm>

#include "fastlr/products/column_products.hpp"

namespace fastlr {
namespace {

constexpr Index least_columns = 63;  // with the constant, whole strips of eight
constexpr Index most_columns = 255;  // whose sums still fit a cache

}  // namespace

bool ColumnsOnDemand::learn(const std::vector<Index>& needed, const double* promise) {
  const Index p = features_.rows.n_columns();
  if (n_known_ + static_cast<Index>(needed.size()) > most_) return false;
  std::vector<Index> columns = needed;
  std::vector<Index> others;
  std::vector<char> is_needed(static_cast<std::size_t>(p), 0);
  for (const Index j : needed) is_needed[static_cast<std::size_t>(j)] = 1;
  for (Index j = 0; j < p; ++j)
    if (known(j) == nullptr && is_needed[static_cast<std::size_t>(j)] == 0) others.push_back(j);
  const auto n_needed = static_cast<Index>(needed.size());
  const Index wanted = round_up(std::max(n_needed, least_columns) + 1, 8) - 1;
  const auto room = std::min(static_cast<std::size_t>(wanted - n_needed), others.size());
  std::partial_sort(
      others.begin(), others.begin() + static_cast<std::ptrdiff_t>(room), others.end(),
      [&](Index i, Index j) { return promise[i] != promise[j] ? promise[i] > promise[j] : i < j; });
  columns.insert(columns.end(), others.begin(), others.begin() + static_cast<std::ptrdiff_t>(room));
  for (std::size_t first = 0; first < columns.size(); first += most_columns) {
    const std::size_t last = std::min(columns.size(), first + most_columns);
    const std::vector<Index> part(columns.begin() + static_cast<std::ptrdiff_t>(first),
                                  columns.begin() + static_cast<std::ptrdiff_t>(last));
    std::vector<double>& block =
        blocks_.emplace_back((part.size() + 1) * static_cast<std::size_t>(p));
    column_products(features_.rows, features_.weight, features_.shift, part, n_threads_,
                    block.data());
    for (std::size_t a = 0; a < part.size(); ++a) {
      double* const column = block.data() + static_cast<Index>(a) * p;
      const Index of = part[a];
      for (Index j = 0; j < p; ++j)
        column[j] -= features_.total_weight * features_.mean[of] * features_.mean[j];
      columns_[static_cast<std::size_t>(of)] = column;
      ++n_known_;
    }
  }
  return true;
}

}  // namespace fastlr
