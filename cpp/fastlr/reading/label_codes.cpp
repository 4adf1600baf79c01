#include "fastlr/reading/label_codes.hpp"

#include <algorithm>
#include <cstring>

namespace fastlr {
namespace {

constexpr Index word_size = 8;

std::uint64_t word_at(const std::byte* bytes, Index size) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, static_cast<std::size_t>(size));
  return word;
}

std::uint64_t mixed(std::uint64_t word) {
  word *= 0x9e3779b97f4a7c15U;  // 2^64 over the golden ratio
  return word ^ (word >> 32);
}

std::uint64_t hash_of(const std::byte* label, Index width) {
  std::uint64_t hash = 0;
  Index k = 0;
  for (; k + word_size <= width; k += word_size) hash = mixed(hash ^ word_at(label + k, word_size));
  if (k < width) hash = mixed(hash ^ word_at(label + k, width - k));
  return mixed(hash);
}

bool are_equal(const std::byte* a, const std::byte* b, Index width) {
  Index k = 0;
  for (; k + word_size <= width; k += word_size)
    if (word_at(a + k, word_size) != word_at(b + k, word_size)) return false;
  return std::memcmp(a + k, b + k, static_cast<std::size_t>(width - k)) == 0;
}

/// Distinct labels by their hashes: a table of places, at most half of which are taken.
class LabelTable {
 public:
  explicit LabelTable(Index width) : width_(width), places_(1024, nothing) {}

  /// The number of a label that row `row` has.
  std::int32_t number_of(const std::byte* label, Index row) {
    const std::uint64_t hash = hash_of(label, width_);
    std::size_t at = hash & (places_.size() - 1);
    while (places_[at] != nothing) {  // ends: places are free
      const std::int32_t number = places_[at];
      if (hashes_[static_cast<std::size_t>(number)] == hash &&
          are_equal(label, labels_.data() + number * width_, width_))
        return number;
      at = (at + 1) & (places_.size() - 1);
    }
    const auto number = static_cast<std::int32_t>(first_rows_.size());
    places_[at] = number;
    hashes_.push_back(hash);
    first_rows_.push_back(row);
    labels_.insert(labels_.end(), label, label + width_);
    if (2 * first_rows_.size() > places_.size()) widen();
    return number;
  }

  std::vector<Index> first_rows() && { return std::move(first_rows_); }

 private:
  static constexpr std::int32_t nothing = -1;

  void widen() {
    places_.assign(4 * places_.size(), nothing);
    for (std::size_t number = 0; number < hashes_.size(); ++number) {
      std::size_t at = hashes_[number] & (places_.size() - 1);
      while (places_[at] != nothing) at = (at + 1) & (places_.size() - 1);
      places_[at] = static_cast<std::int32_t>(number);
    }
  }

  Index width_;
  std::vector<std::int32_t> places_;  // a power of two of them
  std::vector<std::uint64_t> hashes_;
  std::vector<std::byte> labels_;  // side by side, so that they stay in a cache
  std::vector<Index> first_rows_;
};

}  // namespace

std::vector<Index> number_labels(const std::byte* labels, Index n, Index width,
                                 std::int32_t* codes) {
  LabelTable table(width);
  for (Index i = 0; i < n; ++i) codes[i] = table.number_of(labels + i * width, i);
  return std::move(table).first_rows();
}

}  // namespace fastlr
