// Which CPU levels this machine can run.
#pragma once

#include <string>
#include <vector>

namespace fastlr {

/// Best first; "generic" always is among them.
std::vector<std::string> supported_levels();

}  // namespace fastlr
