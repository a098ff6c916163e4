// What is running: the version and, where it was built from a clone, the revision. Its text is made at build time
// (cmake/version.cmake). Only for .cc files of agent/cli.
#pragma once

#include <string>

namespace medic::cli {

[[nodiscard]] std::string version_text();  // "medic 0.1.0 (revision 1a2b3c4d5e6f)"

}  // namespace medic::cli
