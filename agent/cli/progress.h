// One line on the terminal of what is under way; nothing at all in a pipe or a log.
#pragma once

#include <string>

namespace medic::cli {

// "": takes the line away.
void progress(const std::string& what);

}  // namespace medic::cli
