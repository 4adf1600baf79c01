// Which rows come next. An epoch is cut into windows of a few hundred kilobytes; a sampler lists
// the rows of one window, in the order in which descent will use them.
//
//   sequential   0, 1, 2, ...
//   shuffle      each epoch a fresh permutation. Up to `table_limit` rows it is uniform (Fisher
//                and Yates); above, blocks of `block_rows` neighbours are permuted as wholes, a
//                window is made of blocks from all over the data, and a permutation that is
//                uniform, but the same for all whole windows of an epoch, mixes their rows: memory
//                is read in order, and every row once.
//   random       each batch is drawn afresh without replacement, uniformly up to `table_limit` rows
//                and by a keyed permutation above.
//   given        somebody else's list
#pragma once

#include <vector>

#include "fastlr/descent/keyed_random.hpp"
#include "fastlr/rows.hpp"

namespace fastlr {

enum class Sampling : std::uint8_t { sequential, shuffle, random, given };

/// A function of the shape alone, never of layout, dtype or threads.
struct SamplingPlan {
  Sampling sampling;
  Index n_samples;
  Index batch_size;
  Index epoch_rows;   // rows used in one epoch: n, or whole batches when they are drawn at random
  Index window_rows;  // at most so many rows in a window
  Index n_windows;
  Index block_rows;  // neighbours that a shuffle keeps in one window
  Index n_blocks;
  Index table_size;  // entries of `table` that the sampler needs
};

constexpr Index table_limit = Index{1} << 16;

/// n_given: rows of an epoch that are given, with Sampling::given.
SamplingPlan plan_sampling(Sampling sampling, Index n_samples, Index n_features, Index batch_size,
                           Index n_given = 0);

/// The lists of one epoch.
class EpochLists {
 public:
  /// `table` (table_size entries) belongs to the lists of an epoch from its first window to its
  /// last. `given` holds all rows of the epoch, if they are given.
  EpochLists(const SamplingPlan& plan, Bits seed, Index epoch, bool is_new,
             const std::int64_t* given, std::uint32_t* table);

  /// Sets rows[0 .. count), in the order of memory where there is a choice, and places[0 .. count),
  /// where each of them goes in the order of use. Returns count. Where `is_sequential()`, windows
  /// must be asked for in order.
  Index list(Index window, Index* rows, std::uint32_t* places) const;

  bool is_sequential() const { return plan_.sampling == Sampling::random && plan_.table_size > 0; }

 private:
  Index list_blocks(Index window, Index* rows, std::uint32_t* places) const;
  void list_random(Index first, Index last, Index* rows) const;

  SamplingPlan plan_;
  Bits key_;
  const std::int64_t* given_;
  std::uint32_t* table_;
  std::vector<std::uint32_t> mixture_;
};

/// The rows of one window of an epoch, in the order of use.
std::vector<Index> list_rows(const SamplingPlan& plan, Bits seed, Index epoch, Index window,
                             std::uint32_t* table);

}  // namespace fastlr
