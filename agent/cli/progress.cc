#include "agent/cli/progress.h"

#include <fmt/core.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "agent/base/plain_text.h"

namespace medic::cli {

void progress(const std::string& what) {
    static const bool terminal = isatty(STDERR_FILENO) != 0;
    if (!terminal) return;
    fmt::print(stderr, "\r\x1b[K{}", what.empty() ? "" : "looking at " + plain_line(what) + " …");
    std::fflush(stderr);
}

}  // namespace medic::cli
