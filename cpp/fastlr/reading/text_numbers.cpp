// Eight digits at a time (Lemire, "Number parsing at a gigabyte per second", 2021), and the nearest
// double of w 10^q by one or two products of 64 bits with a power of five (Eisel and Lemire). What
// is written in another way, or out of the reach of the table, is left to std::from_chars.
#include "fastlr/reading/text_numbers.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>

namespace fastlr {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t every_byte = 0x0101010101010101;
constexpr std::ptrdiff_t bytes_ahead = 64;  // that may be read beyond a field
constexpr std::ptrdiff_t most_digits = 19;  // that 64 bits hold, whatever they are
constexpr int least_power = -27;            // of those whose powers of five are known
constexpr int largest_power = 55;

struct Power {
  std::uint64_t high;
  std::uint64_t low;
};

/// The first 128 bits of 5^q: exact for q >= 0, the next larger number for q < 0.
constexpr std::array<Power, largest_power - least_power + 1> powers_of_five() {
  std::array<Power, largest_power - least_power + 1> powers{};
  for (int q = least_power; q <= largest_power; ++q) {
    Wide power = 1;
    for (int k = 0; k < (q < 0 ? -q : q); ++k) power *= 5;
    Wide bits = power;
    if (q < 0) {  // 2^b / 5^-q + 1, digit by digit
      int width = 0;
      while ((Wide(1) << width) < power) ++width;
      bits = 0;
      Wide rest = 0;
      for (int b = width + 127; b >= 0; --b) {
        rest = (rest << 1) | (b == width + 127 ? 1 : 0);
        bits <<= 1;
        if (rest >= power) {
          rest -= power;
          bits |= 1;
        }
      }
      ++bits;
    }
    while ((bits >> 127) == 0) bits <<= 1;
    powers[static_cast<std::size_t>(q - least_power)] = {static_cast<std::uint64_t>(bits >> 64),
                                                         static_cast<std::uint64_t>(bits)};
  }
  return powers;
}

constexpr auto fives = powers_of_five();
constexpr std::array<std::uint64_t, 8> tens = {1,      10,      100,       1000,
                                               10'000, 100'000, 1'000'000, 10'000'000};

std::uint64_t eight_bytes(const char* p) {
  std::uint64_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap64(bytes);
  return bytes;
}

/// The number that eight digits (as numbers, the first in the lowest byte) are.
std::uint64_t of_eight_digits(std::uint64_t digits) {
  digits = (digits * 10) + (digits >> 8);  // pairs, in every other byte
  constexpr std::uint64_t mask = 0x000000FF000000FF;
  constexpr std::uint64_t hundreds = 0x000F424000000064;  // 100 + (1000000 << 32)
  constexpr std::uint64_t ones = 0x0000271000000001;      // 1 + (10000 << 32)
  return (((digits & mask) * hundreds) + (((digits >> 16) & mask) * ones)) >> 32;
}

/// Appends the digits from p on to w, which wraps round beyond 64 bits; gives where they end.
const char* take_digits(const char* p, std::uint64_t& w) {
  while (true) {  // until the text ends, after which nothing is a digit
    const std::uint64_t digits = eight_bytes(p) ^ (0x30 * every_byte);
    const std::uint64_t others = ((digits + 0x76 * every_byte) | digits) & (0x80 * every_byte);
    if (others != 0) {
      const int n = std::countr_zero(others) >> 3;
      w = w * tens[static_cast<std::size_t>(n)] + of_eight_digits(digits << (56 - 8 * n) << 8);
      return p + n;
    }
    w = w * 100'000'000 + of_eight_digits(digits);
    p += 8;
  }
}

/// The bits of the double nearest to w 10^q, w > 0; false where only more digits of 5^q tell.
bool nearest(std::uint64_t w, std::int64_t q, std::uint64_t& bits) {
  if (q < least_power || q > largest_power) return false;
  const Power five = fives[static_cast<std::size_t>(q - least_power)];
  const int zeros = std::countl_zero(w);
  w <<= zeros;
  Wide product = Wide(w) * five.high;
  auto high = static_cast<std::uint64_t>(product >> 64);
  auto low = static_cast<std::uint64_t>(product);
  if ((high & 0x1FF) == 0x1FF) {  // what comes after the 55 bits that count may carry over
    const auto more = static_cast<std::uint64_t>((Wide(w) * five.low) >> 64);
    low += more;
    if (low < more) ++high;
  }
  if (low == ~std::uint64_t{0}) return false;
  const int upper = static_cast<int>(high >> 63);
  std::uint64_t mantissa = high >> (upper + 9);
  // floor(q log2(10)), and the bias of exponents
  const std::int64_t exponent = (((152170 + 65536) * q) >> 16) + 63 + upper - zeros + 1023;
  // Halfway between two doubles, to the even one: only so can a product be exact.
  if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && (mantissa << (upper + 9)) == high)
    mantissa &= ~std::uint64_t{1};
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  // A mantissa that is rounded up to 2^53 carries into the exponent by itself.
  bits = (static_cast<std::uint64_t>(exponent - 1) << 52) + mantissa;  // with its leading bit
  return true;
}

/// The number that begins at p; gives where it ends, null if it is written in another way.
const char* take_number(const char* p, double& value) {
  const bool is_negative = *p == '-';
  p += is_negative;
  const char* const first = p;
  std::uint64_t w = 0;
  p = take_digits(p, w);
  std::ptrdiff_t n_digits = p - first;
  std::int64_t q = 0;
  if (*p == '.') {
    const char* const fraction = p + 1;
    p = take_digits(fraction, w);
    q = fraction - p;
    n_digits -= q;
  }
  if (n_digits > most_digits)  // zeros that lead are none
    for (const char* zero = first; *zero == '0' || *zero == '.'; ++zero) n_digits -= *zero == '0';
  if (n_digits < 1 || n_digits > most_digits) return nullptr;
  if (*p == 'e' || *p == 'E') {
    const bool is_small = p[1] == '-';
    const char* const start = p + 1 + (is_small || p[1] == '+');
    std::uint64_t power = 0;
    p = take_digits(start, power);
    if (p == start || p - start > 4) return nullptr;
    q += is_small ? -static_cast<std::int64_t>(power) : static_cast<std::int64_t>(power);
  }
  std::uint64_t bits = 0;
  if (w != 0 && !nearest(w, q, bits)) return nullptr;
  value = std::bit_cast<double>(bits | (static_cast<std::uint64_t>(is_negative) << 63));
  return p;
}

std::string_view trimmed(std::string_view field) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!field.empty() && is_blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_blank(field.back())) field.remove_suffix(1);
  return field;
}

/// A field's number, or NaN for one of the words; false if it is neither.
bool read_field(std::string_view field, const std::vector<std::string>& missing, double& value) {
  const char* first = field.data();
  const char* last = first + field.size();
  const auto [end, error] = std::from_chars(first, last, value);
  if (end == last && error == std::errc() && !field.empty()) {
    const char c = field.back();  // not the words that are numbers to from_chars
    if (c == '.' || (c >= '0' && c <= '9')) return true;
  }
  const std::string_view word = trimmed(field);
  if (std::find(missing.begin(), missing.end(), word) != missing.end()) {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  return word.size() != field.size() && read_field(word, missing, value);
}

/// What `parse_rows` is asked for, and how far it has come.
struct Parsing {
  char delimiter;
  const std::vector<Index>& place;
  const std::vector<std::string>& missing;
  Index capacity;
  double* columns;
  Index n_rows = 0;

  /// Where the field that begins at p ends; null if it holds a quote.
  const char* end_of_field(const char* p, const char* last) const {
    for (; p != last && *p != delimiter && *p != '\n' && *p != '\r'; ++p)
      if (*p == '"') return nullptr;
    return p;
  }

  /// Parses whole lines, after which `bytes_ahead` more can be read; false where they are not plain.
  bool parse(const char* p, const char* last) {
    const std::size_t n_fields = place.size();
    while (p != last) {
      if (*p == '\n' || (*p == '\r' && (p + 1 == last || p[1] == '\n'))) {
        ++p;
        continue;
      }
      if (n_rows == capacity) return false;
      for (std::size_t j = 0; j < n_fields; ++j) {
        const bool is_last = j + 1 == n_fields;
        const char* const start = p;
        const auto ends = [&](const char* at) {
          return is_last ? at == last || *at == '\n' || *at == '\r' : *at == delimiter;
        };
        if (place[j] < 0) {
          p = end_of_field(start, last);
        } else {
          double& value = columns[place[j] * capacity + n_rows];
          p = take_number(start, value);
          if (p == nullptr || !ends(p)) {
            p = end_of_field(start, last);
            if (p == nullptr) return false;
            const std::string_view field(start, static_cast<std::size_t>(p - start));
            if (!read_field(field, missing, value)) return false;
          }
        }
        if (p == nullptr || !ends(p) || (p == last && !is_last)) return false;
        if (is_last && p != last && *p == '\r') ++p;
        if (is_last && p != last && *p != '\n') return false;
        if (p != last) ++p;
      }
      ++n_rows;
    }
    return true;
  }
};

}  // namespace

Index count_rows(std::string_view text) {
  constexpr std::ptrdiff_t width = 32;
  constexpr int most = 255;  // that a byte counts
  const char* p = text.data();
  const char* const last = p + text.size();
  Index total = 0;
  while (last - p >= width) {
    std::array<unsigned char, width> found{};
    for (int k = 0; k < most && last - p >= width; ++k, p += width)
      for (std::size_t i = 0; i < width; ++i) {
        found[i] = static_cast<unsigned char>(found[i] + (p[i] == '\n'));
      }
    for (const unsigned char n : found) total += n;
  }
  return total + std::count(p, last, '\n');
}

Index parse_rows(std::string_view text, char delimiter, const std::vector<Index>& place,
                 const std::vector<std::string>& missing, Index capacity, double* columns) {
  const auto is_part_of_numbers = [](char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
  };
  if (place.empty() || is_part_of_numbers(delimiter)) return not_plain;
  Parsing parsing{delimiter, place, missing, capacity, columns};
  // The last lines are parsed where something may be read behind them.
  std::size_t cut = 0;
  if (text.size() > bytes_ahead) {
    const std::size_t newline = text.rfind('\n', text.size() - bytes_ahead);
    cut = newline == std::string_view::npos ? 0 : newline + 1;
  }
  if (!parsing.parse(text.data(), text.data() + cut)) return not_plain;
  const std::size_t n_left = text.size() - cut;
  std::vector<char> end(n_left + bytes_ahead, '\0');
  std::copy_n(text.data() + cut, n_left, end.data());
  const bool is_plain = parsing.parse(end.data(), end.data() + n_left);
  return is_plain ? parsing.n_rows : not_plain;
}

}  // namespace fastlr
