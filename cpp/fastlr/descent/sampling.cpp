#include "fastlr/descent/sampling.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace fastlr {
namespace {

constexpr Index window_values = 3 * (Index{1} << 14);  // 384 KiB of doubles
constexpr Index blocks_per_window = 16;                // at least

/// table[first .. last) becomes a uniform sample without replacement of what is in table[first ..
/// n).
void fisher_yates(Bits key, Index first, Index last, Index n, std::uint32_t* table) {
  for (Index i = first; i < last; ++i)
    std::swap(table[i], table[i + below(random_bits(key, i), n - i)]);
}

/// A uniform permutation of 0 .. count-1.
void permute(Bits key, Index count, std::uint32_t* places) {
  std::iota(places, places + count, std::uint32_t{0});
  fisher_yates(key, 0, count, count, places);
}

}  // namespace

SamplingPlan plan_sampling(Sampling sampling, Index n_samples, Index n_features, Index batch_size,
                           Index n_given) {
  SamplingPlan plan{};
  plan.sampling = sampling;
  plan.n_samples = n_samples;
  plan.batch_size = batch_size;
  plan.epoch_rows = n_samples;
  if (sampling == Sampling::random)
    plan.epoch_rows = (n_samples + batch_size - 1) / batch_size * batch_size;
  if (sampling == Sampling::given) plan.epoch_rows = n_given;
  const Index padded = round_up(n_features, 8);
  plan.block_rows = 1;
  if (sampling == Sampling::shuffle && n_samples > table_limit) {
    plan.block_rows = 8;
    while (plan.block_rows < 64 && plan.block_rows * padded < 512) plan.block_rows *= 2;
  }
  const Index wanted = std::max(window_values / padded, blocks_per_window * plan.block_rows);
  plan.window_rows = std::clamp<Index>(wanted / 64 * 64, 64, 4096);
  plan.n_blocks = (n_samples + plan.block_rows - 1) / plan.block_rows;
  plan.n_windows = (plan.epoch_rows + plan.window_rows - 1) / plan.window_rows;
  if (sampling == Sampling::shuffle && plan.n_blocks <= table_limit)
    plan.table_size = plan.n_blocks;
  if (sampling == Sampling::random && n_samples <= table_limit) plan.table_size = n_samples;
  return plan;
}

EpochLists::EpochLists(const SamplingPlan& plan, Bits seed, Index epoch, bool is_new,
                       const std::int64_t* given, std::uint32_t* table)
    : plan_(plan), key_(derived_key(seed, epoch)), given_(given), table_(table) {
  if (is_new && plan.table_size > 0) {
    std::iota(table, table + plan.table_size, std::uint32_t{0});
    if (plan.sampling == Sampling::shuffle)
      fisher_yates(key_, 0, plan.table_size, plan.table_size, table);
  }
  if (plan.block_rows > 1) {
    mixture_.resize(static_cast<std::size_t>(plan.window_rows));
    permute(derived_key(key_, -1), plan.window_rows, mixture_.data());
  }
}

Index EpochLists::list(Index window, Index* rows, std::uint32_t* places) const {
  const Index first = window * plan_.window_rows;
  const Index last = std::min(plan_.epoch_rows, first + plan_.window_rows);
  if (plan_.sampling == Sampling::shuffle) return list_blocks(window, rows, places);
  if (plan_.sampling == Sampling::random) list_random(first, last, rows);
  if (plan_.sampling == Sampling::sequential) std::iota(rows, rows + (last - first), first);
  if (plan_.sampling == Sampling::given) std::copy(given_ + first, given_ + last, rows);
  std::iota(places, places + (last - first), std::uint32_t{0});
  return last - first;
}

Index EpochLists::list_blocks(Index window, Index* rows, std::uint32_t* places) const {
  const Index per_window = plan_.window_rows / plan_.block_rows;
  const Index last = std::min(plan_.n_blocks, (window + 1) * per_window);
  const KeyedPermutation permutation(key_, plan_.n_blocks);
  Index count = 0;
  for (Index i = window * per_window; i < last; ++i) {
    const Index block = plan_.table_size > 0 ? static_cast<Index>(table_[i]) : permutation(i);
    const Index first = block * plan_.block_rows;
    const Index end = std::min(plan_.n_samples, first + plan_.block_rows);
    for (Index row = first; row < end; ++row) rows[count++] = row;
  }
  if (plan_.block_rows == 1) {
    std::iota(places, places + count, std::uint32_t{0});
  } else if (count == plan_.window_rows) {
    std::copy_n(mixture_.begin(), count, places);
  } else {
    permute(derived_key(key_, window), count, places);
  }
  return count;
}

void EpochLists::list_random(Index first, Index last, Index* rows) const {
  KeyedPermutation permutation(key_, plan_.n_samples);
  for (Index position = first; position < last;) {
    const Index step = position / plan_.batch_size;
    const Index start = position - step * plan_.batch_size;
    const Index end = std::min(plan_.batch_size, start + last - position);
    const Bits step_key = derived_key(key_, step);
    if (plan_.batch_size == 1 && plan_.n_samples < (Index{1} << 32)) {
      *rows++ = below(step_key, plan_.n_samples);
    } else if (plan_.table_size > 0) {
      fisher_yates(step_key, start, end, plan_.n_samples, table_);
      for (Index i = start; i < end; ++i) *rows++ = static_cast<Index>(table_[i]);
    } else {
      permutation.set_key(step_key);
      for (Index i = start; i < end; ++i) *rows++ = permutation(i);
    }
    position += end - start;
  }
}

std::vector<Index> list_rows(const SamplingPlan& plan, Bits seed, Index epoch, Index window,
                             std::uint32_t* table) {
  const auto size = static_cast<std::size_t>(plan.window_rows);
  std::vector<Index> rows(size);
  std::vector<std::uint32_t> places(size);
  const EpochLists lists(plan, seed, epoch, window == 0, nullptr, table);
  const Index count = lists.list(window, rows.data(), places.data());
  std::vector<Index> ordered(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ordered.size(); ++i) ordered[places[i]] = rows[i];
  return ordered;
}

}  // namespace fastlr
