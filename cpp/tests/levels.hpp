// Checks that run on every CPU level that is built and that this machine can run.
#pragma once

#include <initializer_list>
#include <iostream>
#include <string>

#include "check.hpp"
#include "fastlr/level/level.hpp"

namespace fastlr {

/// What `main` returns of a program whose only argument is the folder of the level libraries.
inline int on_every_level(int n_arguments, char** arguments,
                          std::initializer_list<void (*)()> checks) {
  if (n_arguments != 2) {
    std::cerr << "pass the folder of the level libraries\n";
    return 2;
  }
  int n_levels = 0;
  for (const std::string& name : installed_levels(arguments[1])) {
    const OnLevel use(load_level(library_of(arguments[1], name).c_str()));
    for (const auto run : checks) run();
    std::cout << name << ": " << n_failures() << " failures so far\n";
    ++n_levels;
  }
  CHECK(n_levels > 0);
  return n_failures() == 0 ? 0 : 1;
}

}  // namespace fastlr
