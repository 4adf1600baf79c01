// Results of the ladder's steps as tuples of arrays.
#pragma once

#include <pybind11/eigen.h>

#include <utility>

#include "bindings/rows.hpp"
#include "fastlr/ladder.hpp"
#include "fastlr/normal_equations.hpp"
#include "fastlr/refinement.hpp"

namespace fastlr {

/// In the order of fastlr.ladder's _Frame; uses the solution up.
inline py::tuple tuple_of(Solution& s) {
  return py::make_tuple(name(s.status), s.rank, s.condition_number, std::move(s.scale),
                        std::move(s.mean), std::move(s.root), std::move(s.coef),
                        std::move(s.intercept), std::move(s.rss), std::move(s.tss),
                        std::move(s.length), std::move(s.null_space), contraction_of(s));
}

/// In the order of fastlr.ladder's Climb, from coef on; uses the fit up.
inline py::tuple tuple_of(FinishedFit& f) {
  return py::make_tuple(std::move(f.coef), std::move(f.intercept), std::move(f.rss),
                        std::move(f.tss), std::move(f.bse), std::move(f.bse_intercept),
                        std::move(f.residual_sd));
}

}  // namespace fastlr
