#include "classifiers/diagnosis/trace/prefix.h"

#include <cctype>

namespace medic::trace {
namespace {

constexpr std::size_t name_bytes_max = 80;   // Of a container or pod.
constexpr std::size_t stamp_bytes_max = 48;  // Of a time stamp.
constexpr std::size_t level_reach = 96;      // A layout's level stands near the line's start.
constexpr char escape = '\x1b';

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; }

std::string_view without_quoting(std::string_view line) {
    while (line.starts_with("> ") || line.starts_with(">\t") || line.starts_with(">>")) line.remove_prefix(1);
    return line;
}

// "connect-1  | " of docker compose.
std::string_view without_container(std::string_view line) {
    std::size_t at = 0;
    while (at < line.size() && at < name_bytes_max && is_word(line[at])) ++at;
    if (at == 0 || at >= line.size() || line[at] != ' ') return line;
    while (at < line.size() && line[at] == ' ') ++at;
    if (at + 1 >= line.size() || line[at] != '|' || line[at + 1] != ' ') return line;
    return line.substr(at + 2);
}

// "[pod/kafka-0/kafka] " of kubectl logs --prefix.
std::string_view without_pod(std::string_view line) {
    if (!line.starts_with("[pod/")) return line;
    const auto close = line.find("] ");
    return close == std::string_view::npos || close > 2 * name_bytes_max ? line : line.substr(close + 2);
}

bool begins_part_of_trace(std::string_view text) {
    return text.starts_with("at ") || text.starts_with("Caused by: ") || text.starts_with("Suppressed: ") ||
           text.starts_with("... ");
}

// "2024-05-01T10:00:00Z stderr F " and the like, but only where a trace's own line follows: a log line keeps its stamp.
std::string_view without_stamp(std::string_view line) {
    if (line.empty() || !is_digit(line.front())) return line;
    std::size_t at = 0;
    while (at < line.size() && at < stamp_bytes_max) {
        const auto rest = line.substr(at);
        if (begins_part_of_trace(rest)) return rest;
        const char c = line[at];
        if (is_digit(c) || c == 'T' || c == 'Z' || c == ':' || c == '.' || c == ',' || c == '+' || c == '-' ||
            c == '/' || c == ' ' || c == '\t') {
            ++at;
        } else if (rest.starts_with("stderr F") || rest.starts_with("stdout F")) {
            at += 8;
        } else {
            return line;
        }
    }
    return line;
}

}  // namespace

std::string_view without_collector_prefix(std::string_view line) {
    if (line.empty() || line.front() == ' ' || line.front() == '\t') return line;
    return without_stamp(without_pod(without_container(without_quoting(line))));
}

std::optional<std::string> without_terminal_escapes(std::string_view text) {
    if (text.find(escape) == std::string_view::npos) return std::nullopt;
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != escape) {
            out += text[at];
            continue;
        }
        if (at + 1 >= text.size() || text[at + 1] != '[') continue;
        // Control sequence: parameters, then one letter ends it; anything else is no sequence and stays.
        std::size_t end = at + 2;
        while (end < text.size() && (is_digit(text[end]) || text[end] == ';' || text[end] == '?')) ++end;
        if (end < text.size() && is_letter(text[end])) at = end;
    }
    return out;
}

bool is_aside(std::string_view line) {
    const auto head = line.substr(0, level_reach);
    for (const std::string_view level : {"ERROR", "FATAL", "SEVERE"})
        if (head.find(level) != std::string_view::npos) return false;
    for (const std::string_view level : {"INFO", "DEBUG", "TRACE", "WARN"})
        if (const auto at = head.find(level); at != std::string_view::npos) {
            const auto after = at + level.size();
            const bool begins = at == 0 || !is_word(head[at - 1]);
            if (begins && (after >= head.size() || !is_word(head[after]) || level == "WARN")) return true;
        }
    return false;
}

}  // namespace medic::trace
