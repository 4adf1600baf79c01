#include "fastlr/inference/cluster_scores.hpp"

#include <stdexcept>
#include <vector>

#include "fastlr/inference/fitted_panels.hpp"
#include "fastlr/threads.hpp"

namespace fastlr {
namespace {

/// Of the panels that are read before their scores are dealt to clusters. No bit depends on it.
constexpr Index shared_panels_budget = Index{1} << 20;  // doubles: 8 MiB
constexpr Index codes_ahead = 8;  // rows whose clusters' sums are asked for ahead of time

void check_codes(const std::int32_t* codes, Index n, Index n_clusters) {
  std::int32_t least = 0;
  std::int32_t largest = 0;
  for (Index r = 0; r < n; ++r) {
    least = std::min(least, codes[r]);
    largest = std::max(largest, codes[r]);
  }
  if (least < 0 || largest >= n_clusters)
    throw std::out_of_range("a code of a cluster is out of range");
}

/// Ask for the sums of a cluster, as many strips as one row touches.
[[gnu::always_inline]] inline void ask_for(const double* sums, Index n_strips) {
  for (Index s = 0; s < n_strips; ++s)
    prefetch<first_level>(reinterpret_cast<const std::byte*>(sums + s * strip_width));
}

/// sums of the row's cluster += u z
[[gnu::always_inline]] inline void add_row(const double* row, Index n_strips, const Lanes& u,
                                           double* sums) {
  for (Index s = 0; s < n_strips; ++s, row += strip_size, sums += strip_width) {
#pragma GCC unroll 8
    for (Index v = 0; v < strip_width; v += lanes)
      store(sums + v, multiply_add(load(row + v), u, load(sums + v)));
  }
}

/// One panel whose rows' u is known.
struct ScoredPanel {
  const double* panel;
  const PanelColumn& u;
  const std::int32_t* codes;
  Index n;
};

/// The rows of a panel whose clusters leave the rest `mine` when divided by n_shares.
void add_share(const ScoredPanel& scored, Index n_strips, Index mine, Index n_shares,
               double* scores) {
  const Index stride = n_strips * strip_width;
  std::array<std::int32_t, static_cast<std::size_t>(panel_rows)> rows;
  Index count = 0;
  for (Index r = 0; r < scored.n; ++r) {
    rows[static_cast<std::size_t>(count)] = static_cast<std::int32_t>(r);
    count += static_cast<std::uint32_t>(scored.codes[r]) % static_cast<std::uint32_t>(n_shares) ==
             static_cast<std::uint32_t>(mine);
  }
  const auto sums_of_row = [&](Index i) {
    return scores + scored.codes[rows[static_cast<std::size_t>(i)]] * stride;
  };
  for (Index i = 0; i < count; ++i) {
    ask_for(sums_of_row(std::min(i + codes_ahead, count - 1)), n_strips);
    const Index r = rows[static_cast<std::size_t>(i)];
    add_row(scored.panel + r * strip_width, n_strips, broadcast_from(scored.u.data() + r),
            sums_of_row(i));
  }
}

/// The same for all rows.
void add_all(const ScoredPanel& scored, Index n_strips, double* scores) {
  const Index stride = n_strips * strip_width;
  for (Index r = 0; r < scored.n; ++r) {
    const Index next = std::min(r + codes_ahead, scored.n - 1);
    ask_for(scores + scored.codes[next] * stride, n_strips);
    add_row(scored.panel + r * strip_width, n_strips, broadcast_from(scored.u.data() + r),
            scores + scored.codes[r] * stride);
  }
}

}  // namespace

Index cluster_stride(Index n_features) { return padded_variables(n_features); }

void cluster_scores(const FittedRows& fit, const std::int32_t* codes, Index n_clusters,
                    RowRange range, int n_threads, double* scores) {
  const FittedPanels panels(fit);
  const PanelLayout& layout = panels.layout();
  const Index n_rows = range.last - range.first;
  if (n_rows < 4 * panel_rows || forked_from_threads()) n_threads = 1;
  // One panel after another, or many of them by turns: first they are read, then every thread adds
  // the rows of its own clusters, in the same order.
  const Index at_once = n_threads == 1
                            ? 1
                            : std::clamp<Index>(shared_panels_budget / layout.panel_size(),
                                                n_threads, (n_rows + panel_rows - 1) / panel_rows);
  AlignedVector data = AlignedVector::Zero(at_once * layout.panel_size());
  std::vector<PanelColumn> u(static_cast<std::size_t>(at_once));
  std::vector<PanelFigures> figures(static_cast<std::size_t>(n_threads));
  const auto panel_at = [&](Index k) { return data.data() + k * layout.panel_size(); };
  const auto read = [&](Index first, Index n, Index k, Index worker) {
    PanelFigures& own = figures[static_cast<std::size_t>(worker)];
    PanelColumn& scores_of_rows = u[static_cast<std::size_t>(k)];
    check_codes(codes + first, n, n_clusters);
    panels.read(first, n, panel_at(k), own);
    for (Index r = 0; r < panel_rows; ++r) scores_of_rows[r] = own.weight[r] * own.residual[r];
  };
  for (Index start = range.first; start < range.last; start += at_once * panel_rows) {
    give_turn();
    const Index end = std::min(range.last, start + at_once * panel_rows);
    const Panels some{start, end, (end - start + panel_rows - 1) / panel_rows};
    const auto scored = [&](Index k) {
      return ScoredPanel{panel_at(k), u[static_cast<std::size_t>(k)], codes + some.first_row(k),
                         some.rows_in(k)};
    };
    if (n_threads == 1) {
      read(start, end - start, 0, 0);
      add_all(scored(0), layout.n_strips(), scores);
      continue;
    }
    for_each_task(some.count, n_threads, [&](Index k, Index worker) {
      read(some.first_row(k), some.rows_in(k), k, worker);
    });
    for_each_task(n_threads, n_threads, [&](Index share) {
      for (Index k = 0; k < some.count; ++k)
        add_share(scored(k), layout.n_strips(), share, n_threads, scores);
    });
  }
}

}  // namespace fastlr
