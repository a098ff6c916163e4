// A program of the system, run to its end. Used by the live platform and its report.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"

namespace medic::live {

// argv[0] is an absolute path; what it prints is appended to DATA/logs/tools.log. Errors: unavailable: it is missing
// (with `package`, that of Debian which has it), failed, or did not end within twenty seconds.
[[nodiscard]] Status run_tool(const std::string& data_dir, std::vector<std::string> argv, const std::string& package);

}  // namespace medic::live
