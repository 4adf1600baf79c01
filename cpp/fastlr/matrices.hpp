// Eigen's maps and matrices by the names that all kernels use.
#pragma once

#include <Eigen/Core>
#include <type_traits>

#include "fastlr/rows.hpp"

namespace fastlr {

static_assert(std::is_same_v<Index, Eigen::Index>);

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMatrixMap = Eigen::Map<const RowMatrix>;
using Vector = Eigen::VectorXd;
using VectorMap = Eigen::Map<Eigen::VectorXd>;
using ConstVectorMap = Eigen::Map<const Eigen::VectorXd>;

/// Eight consecutive values of one variable, or eight neighbouring variables of one row.
using Eight = Eigen::Array<double, 8, 1>;

}  // namespace fastlr
