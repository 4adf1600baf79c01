#include "bindings/arguments.hpp"

#include <bit>
#include <string>

namespace fastlr {
namespace {

struct Readable {
  char kind;
  Index size;
  DType native;
  DType swapped;
};

constexpr Readable readable[] = {
    {'f', 8, DType::f64, DType::swapped_f64},
    {'f', 4, DType::f32, DType::swapped_f32},
    {'f', 2, DType::f16, DType::swapped_f16},
    {'i', 8, DType::i64, DType::swapped_i64},
    {'i', 4, DType::i32, DType::swapped_i32},
    {'i', 2, DType::i16, DType::swapped_i16},
    {'i', 1, DType::i8, DType::i8},
    {'u', 8, DType::u64, DType::swapped_u64},
    {'u', 4, DType::u32, DType::swapped_u32},
    {'u', 2, DType::u16, DType::swapped_u16},
    {'u', 1, DType::u8, DType::u8},
    {'b', 1, DType::boolean, DType::boolean},
    {'f', sizeof(long double), DType::extended, DType::swapped_extended},
};

DType dtype_of(const py::array& array) {
  constexpr char other_order = std::endian::native == std::endian::little ? '>' : '<';
  const py::dtype dtype = array.dtype();
  for (const Readable& type : readable)
    if (type.kind == dtype.kind() && type.size == dtype.itemsize())
      return dtype.byteorder() == other_order ? type.swapped : type.native;
  throw py::type_error("kernels cannot read dtype " + std::string(py::str(dtype)));
}

void check_rows(Rows& rows, Index n_samples) {
  if (rows.columns.empty()) {
    rows.n_samples = n_samples;
  } else if (rows.n_samples != n_samples) {
    throw py::value_error("columns of " + std::to_string(rows.n_samples) + " and of " +
                          std::to_string(n_samples) + " rows cannot form one table");
  }
}

Indices indices_of(const py::handle& source) {
  const auto array = py::reinterpret_borrow<py::array>(source);
  const bool are_wide = array.itemsize() == 8;
  require(array.ndim() == 1 && array.dtype().kind() == 'i' && array.itemsize() >= 4 &&
              (array.size() == 0 || array.strides(0) == array.itemsize()),
          "indices are contiguous whole numbers of 32 or 64 bits");
  return {array.data(), are_wide};
}

const double* doubles_of(const py::handle& source) {
  require(py::isinstance<DoubleArray>(source), "sparse values are contiguous float64");
  return static_cast<const double*>(py::reinterpret_borrow<py::array>(source).data());
}

/// The columns of rows that are mostly zeros; the parts live as long as the Python object does.
void append_sparse_columns(const py::handle& source, Rows& rows) {
  const auto n_columns = source.attr("n_columns").cast<Index>();
  const py::tuple parts = source.attr("by_columns");
  const CompressedRows columns = compressed_of(parts, n_columns, 0);
  const Index size = columns.columns.are_wide ? 8 : 4;
  if (!rows.sparse) rows.sparse = std::make_shared<std::deque<SparseColumn>>();
  for (Index j = 0; j < n_columns; ++j) {
    const Index start = columns.start[j];
    const auto* numbers = static_cast<const std::byte*>(columns.columns.data);
    rows.sparse->push_back({columns.values + start,
                            {numbers + start * size, columns.columns.are_wide},
                            columns.start[j + 1] - start});
    rows.columns.push_back(
        {reinterpret_cast<const std::byte*>(&rows.sparse->back()), 0, DType::sparse});
  }
}

void append_coded(const CodedColumn& column, DType dtype, Rows& rows) {
  if (!rows.coded) rows.coded = std::make_shared<std::deque<CodedColumn>>();
  rows.coded->push_back(column);
  rows.columns.push_back({reinterpret_cast<const std::byte*>(&rows.coded->back()), 0, dtype});
}

/// Columns that are made of a category (fastlr.input.coded): codes (n,), and either the levels
/// whose indicators they are, or one column and the centres (n_levels,) of the groups.
void append_coded_columns(const py::handle& source, Rows& rows) {
  const auto kind = source.attr("kind").cast<std::string>();
  const auto codes = source.attr("codes").cast<py::array>();
  check_rows(rows, codes.size());
  CodedColumn coded;
  coded.codes = codes_of(codes);
  if (kind == "indicator") {
    coded.level = source.attr("level").cast<Index>();
    const Index end = coded.level + source.attr("n_columns").cast<Index>();
    for (; coded.level < end; ++coded.level) append_coded(coded, DType::indicator, rows);
    return;
  }
  Rows base;
  append_columns(source.attr("source"), base);
  require(base.n_columns() == 1 && base.n_samples == codes.size() && !base.sparse,
          "a column within groups is made of one column of as many rows");
  const auto centre = source.attr("centre").cast<py::array>();
  require(py::isinstance<py::array_t<double>>(centre) && centre.ndim() == 1 &&
              centre.strides(0) % Index{sizeof(double)} == 0,
          "centres are float64");
  coded.x = base.columns.front();
  coded.centre = static_cast<const double*>(centre.data());
  coded.centre_stride = centre.strides(0) / Index{sizeof(double)};
  if (base.coded) {  // an indicator, which lives as long as these rows
    append_coded(base.coded->front(), DType::indicator, rows);
    coded.x = rows.columns.back();
    rows.columns.pop_back();
  }
  append_coded(coded, kind == "within" ? DType::within : DType::remainder, rows);
}

}  // namespace

const std::int32_t* codes_of(const py::array& codes) {
  require(py::isinstance<py::array_t<std::int32_t, py::array::c_style>>(codes) && codes.ndim() == 1,
          "codes are contiguous whole numbers of 32 bits");
  return static_cast<const std::int32_t*>(codes.data());
}

void require(bool is_good, const char* what) {
  if (!is_good) throw py::value_error(what);
}

void check_size(const py::array& array, Index size, const char* name) {
  if (array.size() != size) throw py::value_error(std::string(name) + " has the wrong size");
}

Column column_of(const py::array& array) {
  if (array.ndim() != 1) throw py::value_error("expected a 1-D array");
  return {static_cast<const std::byte*>(array.data()), array.strides(0), dtype_of(array)};
}

void append_columns(const py::handle& source, Rows& rows) {
  if (py::isinstance<py::list>(source) || py::isinstance<py::tuple>(source)) {
    for (const py::handle member : source) append_columns(member, rows);
    return;
  }
  if (!py::isinstance<py::array>(source) && is_sparse(source)) {
    const bool is_first = rows.columns.empty();
    check_rows(rows, source.attr("n_samples").cast<Index>());
    append_sparse_columns(source, rows);
    if (is_first)
      rows.compressed = compressed_of(source.attr("by_rows"), rows.n_samples, rows.n_columns());
    return;
  }
  if (!py::isinstance<py::array>(source) && py::hasattr(source, "codes")) {
    append_coded_columns(source, rows);
    return;
  }
  if (!py::isinstance<py::array>(source))
    throw py::type_error("expected arrays or a list of arrays");
  const auto array = py::reinterpret_borrow<py::array>(source);
  if (array.ndim() == 1) {
    check_rows(rows, array.shape(0));
    rows.columns.push_back(column_of(array));
    return;
  }
  if (array.ndim() != 2) throw py::value_error("expected 1-D or 2-D arrays");
  check_rows(rows, array.shape(0));
  const auto* data = static_cast<const std::byte*>(array.data());
  const DType dtype = dtype_of(array);
  for (Index j = 0; j < array.shape(1); ++j)
    rows.columns.push_back({data + j * array.strides(1), array.strides(0), dtype});
}

CompressedRows compressed_of(const py::handle& parts, Index n_rows, Index n_columns) {
  const auto tuple = py::cast<py::tuple>(parts);
  require(tuple.size() == 3, "sparse rows have three parts");
  check_size(py::cast<py::array>(tuple[0]), n_rows + 1, "the starts of rows");
  const CompressedRows rows{n_rows, n_columns, doubles_of(tuple[2]), indices_of(tuple[1]),
                            indices_of(tuple[0])};
  const Index size = py::cast<py::array>(tuple[2]).size();
  require(rows.columns.are_wide == rows.start.are_wide,
          "the numbers of columns and starts are of one type");
  require(rows.start[0] >= 0 && rows.start[n_rows] <= size &&
              py::cast<py::array>(tuple[1]).size() == size,
          "the parts of sparse rows do not fit together");
  return rows;
}

bool is_sparse(const py::handle& source) { return py::hasattr(source, "by_rows"); }

Rows sparse_rows_of(const py::handle& source) {
  Rows rows;
  rows.n_samples = source.attr("n_samples").cast<Index>();
  rows.columns.resize(source.attr("n_columns").cast<std::size_t>(), {nullptr, 0, DType::sparse});
  rows.compressed = compressed_of(source.attr("by_rows"), rows.n_samples, rows.n_columns());
  return rows;
}

Rows rows_of(const py::handle& X, const py::handle& y) {
  Rows rows;
  append_columns(X, rows);
  if (!y.is_none()) append_columns(y, rows);
  return rows;
}

std::optional<Column> weight_of(const OptionalArray& sample_weight, const Rows& rows) {
  if (!sample_weight) return std::nullopt;
  check_size(*sample_weight, rows.n_samples, "sample_weight");
  return column_of(*sample_weight);
}

}  // namespace fastlr
