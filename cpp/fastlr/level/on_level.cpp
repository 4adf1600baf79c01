// Level libraries are loaded here; which one a thread is on.
#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "fastlr/level/cpu_levels.hpp"
#include "fastlr/level/level.hpp"
#include "fastlr/turns.hpp"

namespace fastlr {
namespace {

const Level*& in_use() {
  static thread_local const Level* level = nullptr;
  return level;
}

std::string loading_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error";
}

}  // namespace

void give_turn() { Turns::give(); }

const Level& load_level(const char* path) {
  static bool has_used_threads = false;
  const std::string absolute = std::filesystem::absolute(path).string();
  void* library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(loading_error());
  const auto level_of = reinterpret_cast<LevelOf>(dlsym(library, "fastlr_level"));
  const auto join = reinterpret_cast<Join>(dlsym(library, "fastlr_join"));
  if (level_of == nullptr || join == nullptr) throw std::runtime_error(loading_error());
  const Level& level = *level_of();
  if (std::string_view(level.build) != FASTLR_BUILD)
    throw std::runtime_error(absolute + " comes of another build of fastlr");
  join({&Turns::give, &has_used_threads});
  return level;
}

std::string library_of(const std::string& folder, const std::string& level) {
  return (std::filesystem::path(folder) / ("level_" + level + ".so")).string();
}

std::vector<std::string> installed_levels(const std::string& folder) {
  std::vector<std::string> levels;
  for (const std::string& level : supported_levels())
    if (std::filesystem::exists(library_of(folder, level))) levels.push_back(level);
  return levels;
}

std::string best_library(const std::string& folder) {
  const std::vector<std::string> levels = installed_levels(folder);
  if (levels.empty())
    throw std::runtime_error("no level library in " + folder + " runs on this machine");
  return library_of(folder, levels.front());
}

const Level& level_in_use() {
  if (in_use() == nullptr) throw std::logic_error("no CPU level is in use: see OnLevel");
  return *in_use();
}

OnLevel::OnLevel(const Level& level) : before_(std::exchange(in_use(), &level)) {}
OnLevel::~OnLevel() { in_use() = before_; }

}  // namespace fastlr
