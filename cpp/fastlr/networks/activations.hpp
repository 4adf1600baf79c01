// Activations of whole blocks of outputs: which one is asked once a block.
#pragma once

#include "fastlr/networks/layers.hpp"

namespace fastlr {

/// z[i] = f(z[i]) for i < n, and slope[i] = f'(z[i]) unless `slope` is nullptr.
template <class Scalar>
void activate(Activation activation, Index n, Scalar* z, Scalar* slope);

}  // namespace fastlr
