#include "agent/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace medic::cli {

std::string paint(std::string_view text, Tone tone) {
    static const bool colour = [] {
        const char* no = std::getenv("NO_COLOR");
        return isatty(STDOUT_FILENO) != 0 && (no == nullptr || *no == '\0');
    }();
    if (!colour || tone == Tone::plain) return std::string(text);
    const char* code = "";
    switch (tone) {
        case Tone::good: code = "32"; break;
        case Tone::bad: code = "31;1"; break;
        case Tone::warn: code = "33"; break;
        case Tone::faint: code = "2"; break;
        case Tone::strong: code = "1"; break;
        case Tone::plain: break;
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string ago_text(double seconds) {
    if (seconds < 0) seconds = 0;
    if (seconds < 120) return fmt::format("{:.0f} s", seconds);
    if (seconds < 7'200) return fmt::format("{:.0f} min", seconds / 60);
    if (seconds < 172'800) return fmt::format("{:.0f} h", seconds / 3'600);
    return fmt::format("{:.0f} days", seconds / 86'400);
}

}  // namespace medic::cli
