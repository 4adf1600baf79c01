// The binding that reads text: apart from the others, which know arrays alone.
#pragma once

#include "bindings/level_module.hpp"

namespace fastlr {

void bind_text(LevelModule& m);

}  // namespace fastlr
