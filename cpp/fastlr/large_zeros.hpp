// Room for numbers that are gone through many times in strips, which lie many pages apart: on small
// pages the processor would look up where a page lies as often as it reads from it.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "fastlr/matrices.hpp"

namespace fastlr {

constexpr std::size_t huge_page = std::size_t{1} << 21;

/// Asks for huge pages under numbers that nobody has written to yet, as far as they fill any; where the
/// system refuses, the pages are small ones. What the pages are changes no bit.
inline void prefer_huge_pages(double* data, Index size) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t first = (address + huge_page - 1) / huge_page * huge_page;
  const std::uintptr_t last =
      (address + static_cast<std::size_t>(size) * sizeof(double)) / huge_page * huge_page;
  if (first < last)
    static_cast<void>(madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));
#else
  static_cast<void>(data);
  static_cast<void>(size);
#endif
}

/// So many zeros, on huge pages where they fill one and the system has them; what the pages are
/// changes no bit. They begin with a page, or with a cache line if they are few.
class LargeZeros {
 public:
  explicit LargeZeros(Index size) {
    auto bytes = static_cast<std::size_t>(size) * sizeof(double);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= huge_page) {
      bytes = (bytes + huge_page - 1) / huge_page * huge_page;
      const std::size_t reserved = bytes + huge_page;  // wherever it begins
      void* const start =
          mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (start == MAP_FAILED) throw std::bad_alloc();
      const auto unaligned = reinterpret_cast<std::uintptr_t>(start) % huge_page;
      pages_ = {start, Unmap{reserved}};
      data_ = reinterpret_cast<double*>(static_cast<std::byte*>(start) +
                                        (unaligned > 0 ? huge_page - unaligned : 0));
      prefer_huge_pages(data_, static_cast<Index>(bytes / sizeof(double)));
      return;
    }
#endif
    values_.setZero(size);
    data_ = values_.data();
  }

  double* data() { return data_; }
  const double* data() const { return data_; }

 private:
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  struct Unmap {
    std::size_t size;
    void operator()(void* start) const { munmap(start, size); }
  };
  std::unique_ptr<void, Unmap> pages_{nullptr, Unmap{0}};
#endif
  Eigen::VectorXd values_;
  double* data_ = nullptr;
};

}  // namespace fastlr
