// What the kernels of descents take from Python, whatever they fit.
#pragma once

#include <optional>
#include <string>

#include "bindings/arguments.hpp"
#include "fastlr/descent/descent.hpp"

namespace fastlr {

using CounterArray = py::array_t<std::int64_t, py::array::c_style>;
using TableArray = py::array_t<std::uint32_t, py::array::c_style>;

/// Every key must be known, so that a misspelt one is never silently ignored. Arrays are not
/// copied: the caller's dictionary keeps them.
DescentSettings settings_of(const py::dict& source, Index n_penalised);

/// The arrays that a call goes on from and adds to.
struct DescentArrays {
  DescentState state{};
  DescentHistory history{};
  const double* rates = nullptr;
  Index n_epochs = 0;
};

DescentArrays arrays_of(Index n_parameters, Index n_penalised, DoubleArray& vectors,
                        DoubleArray& numbers, CounterArray& counters, const DoubleArray& rates,
                        DoubleArray& history, std::optional<DoubleArray>& path);

/// Centres and factors, each padded to whole eights; nothing where descent sees the features as they
/// are.
Standardisation standardisation_of(const std::optional<DoubleArray>& standard, Index n_features);

SamplingPlan sampling_plan(const std::string& sampling, Index n_samples, Index n_features,
                           Index batch_size, Index n_given);

/// A ValueError unless rows are given exactly where the plan wants them.
void check_given(const SamplingPlan& plan, const std::optional<CounterArray>& given,
                 const std::optional<CounterArray>& given_sizes);

/// Epochs done, and how they ended.
py::tuple result_of(const EpochsDone& progress);

}  // namespace fastlr
