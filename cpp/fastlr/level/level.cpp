// Fills the table of the level that this unit is compiled for.
#include "fastlr/level/level.hpp"

#include <omp.h>

#include "fastlr/turns.hpp"

#define FASTLR_STRING_OF(x) #x
#define FASTLR_STRING(x) FASTLR_STRING_OF(x)

namespace fastlr {
namespace {

void (*ask_for_turn)() = nullptr;

Level table() {
  Level level;
  level.build = FASTLR_BUILD;
  level.name = FASTLR_STRING(FASTLR_LEVEL);
  level.compiler = __VERSION__;
  level.eigen = FASTLR_STRING(EIGEN_WORLD_VERSION) "." FASTLR_STRING(
      EIGEN_MAJOR_VERSION) "." FASTLR_STRING(EIGEN_MINOR_VERSION);
  level.openmp = _OPENMP;
#define FASTLR_FUNCTION(entry, function) level.entry = &fastlr::function;
  FASTLR_LEVEL_FUNCTIONS(FASTLR_FUNCTION)
#undef FASTLR_FUNCTION
  return level;
}

}  // namespace

void give_turn() {
  if (ask_for_turn != nullptr) ask_for_turn();
}

}  // namespace fastlr

extern "C" __attribute__((visibility("default"))) const fastlr::Level* fastlr_level() {
  static const fastlr::Level level = fastlr::table();
  return &level;
}

extern "C" __attribute__((visibility("default"))) void fastlr_join(const fastlr::Process& process) {
  fastlr::ask_for_turn = process.give_turn;
  fastlr::watch_for_fork(*process.has_used_threads);
}
