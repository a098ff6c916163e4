#include "classifiers/diagnosis/alternatives_internal.h"

namespace medic {
namespace {

// Behind the class of characters that opens at `at`: a bracket that comes first in it means itself.
std::size_t behind_class(std::string_view pattern, std::size_t at) {
    ++at;
    if (at < pattern.size() && pattern[at] == '^') ++at;
    if (at < pattern.size() && pattern[at] == ']') ++at;
    while (at < pattern.size() && pattern[at] != ']') {
        if (pattern[at] == '\\') {
            at += 2;
        } else if (pattern.substr(at).starts_with("[:")) {
            const auto end = pattern.find(":]", at + 2);
            at = end == std::string_view::npos ? at + 1 : end + 2;
        } else {
            ++at;
        }
    }
    return at + 1;
}

// "(?i)", "(?s-U)" at `at`: flags for the rest of the group. Empty for anything else.
std::string_view flags_at(std::string_view pattern, std::size_t at) {
    const auto rest = pattern.substr(at);
    if (!rest.starts_with("(?")) return {};
    const auto end = rest.find_first_not_of("imsU-", 2);
    return end == std::string_view::npos || end == 2 || rest[end] != ')' ? std::string_view{} : rest.substr(0, end + 1);
}

}  // namespace

std::vector<std::string> alternatives_of(std::string_view pattern) {
    if (pattern.find("\\Q") != std::string_view::npos) return {std::string{pattern}};
    std::vector<std::string> pieces;
    std::string flags;  // That reach the piece at hand.
    std::string flags_on;
    std::size_t begin = 0, depth = 0;
    for (std::size_t at = 0; at < pattern.size();) {
        const char c = pattern[at];
        if (c == '\\') {
            at += 2;
        } else if (c == '[') {
            at = behind_class(pattern, at);
        } else if (const auto set = flags_at(pattern, at); depth == 0 && !set.empty()) {
            flags_on += set;
            at += set.size();
        } else if (c == '|' && depth == 0) {
            pieces.push_back(flags + std::string{pattern.substr(begin, at - begin)});
            flags = flags_on;
            begin = ++at;
        } else {
            if (c == '(') ++depth;
            if (c == ')' && depth > 0) --depth;
            ++at;
        }
    }
    pieces.push_back(flags + std::string{pattern.substr(begin)});
    return pieces;
}

}  // namespace medic
