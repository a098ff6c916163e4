#include "agent/cli/terminal.h"

#include <fmt/core.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "agent/base/plain_text.h"

namespace medic::cli {

namespace {

bool shows_colour(int descriptor) {
    const char *no = std::getenv("NO_COLOR"), *term = std::getenv("TERM");
    const bool dumb = term != nullptr && std::string_view(term) == "dumb";
    return isatty(descriptor) != 0 && !dumb && (no == nullptr || *no == '\0');
}

bool has_colour(Stream stream = Stream::output) {
    static const bool output = shows_colour(STDOUT_FILENO), errors = shows_colour(STDERR_FILENO);
    return stream == Stream::output ? output : errors;
}

constexpr std::string_view colour_end = "\x1b[0m";

std::string_view colour_of(Tone tone) {
    switch (tone) {
        case Tone::good: return "\x1b[32m";
        case Tone::bad: return "\x1b[31;1m";
        case Tone::warn: return "\x1b[33m";
        case Tone::faint: return "\x1b[2m";
        case Tone::strong: return "\x1b[1m";
        case Tone::plain: break;
    }
    return "";
}

// How many bytes of a colour of ours stand at the front.
std::size_t colour_bytes(std::string_view text) {
    for (const Tone tone : {Tone::good, Tone::bad, Tone::warn, Tone::faint, Tone::strong})
        if (text.starts_with(colour_of(tone))) return colour_of(tone).size();
    return text.starts_with(colour_end) ? colour_end.size() : 0;
}

}  // namespace

std::string paint(std::string_view text, Tone tone, Stream stream) {
    std::string plain = plain_text(text);
    if (!has_colour(stream) || tone == Tone::plain) return plain;
    return fmt::format("{}{}{}", colour_of(tone), plain, colour_end);
}

void print_text(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t colour = has_colour() ? colour_bytes(text) : 0;
        out += text.substr(0, colour);
        text.remove_prefix(colour);
        if (colour > 0) continue;
        const std::size_t end = std::min(text.find('\x1b', 1), text.size());
        out += plain_text(text.substr(0, end));
        text.remove_prefix(end);
    }
    // Not fmt::print(), which throws where not all of it can be written: an agent whose output goes to a full disk goes
    // on.
    (void)std::fwrite(out.data(), 1, out.size(), stdout);
}

void print_as(std::string_view output, std::string_view text) {
    if (output == "json" || output == "yaml")
        fmt::print("{}", text);
    else
        print_text(text);
}

std::string ago_text(double seconds) {
    if (seconds < 0) seconds = 0;
    if (seconds < 120) return fmt::format("{:.0f} s", seconds);
    if (seconds < 7'200) return fmt::format("{:.0f} min", seconds / 60);
    if (seconds < 172'800) return fmt::format("{:.0f} h", seconds / 3'600);
    return fmt::format("{:.0f} days", seconds / 86'400);
}

}  // namespace medic::cli
