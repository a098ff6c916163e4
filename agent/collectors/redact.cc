#include "agent/collectors/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace medic {
namespace {

constexpr std::array<std::string_view, 7> secret_words = {"password",      "passwd",      "secret", "credential",
                                                          "authorization", "jaas.config", "token"};
constexpr std::string_view hidden = "[hidden]";

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool of_key(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-'; }

// The position of the value's first character when `at` (just behind a secret word) is followed by `=` or `:`; npos
// otherwise.
std::size_t value_after(std::string_view text, std::size_t at) {
    while (at < text.size() && of_key(text[at])) ++at;
    while (at < text.size() && (text[at] == '"' || text[at] == '\'' || text[at] == ' ')) ++at;
    if (at >= text.size() || (text[at] != '=' && text[at] != ':')) return std::string_view::npos;
    ++at;
    while (at < text.size() && text[at] == ' ') ++at;
    return at;
}

std::size_t end_of_value(std::string_view text, std::size_t at, bool to_line_end) {
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
        const auto close = text.find(text[at], at + 1);
        return close == std::string_view::npos ? text.size() : close + 1;
    }
    const auto stop = text.find_first_of(to_line_end ? "\n" : " \n\t,;&)}]", at);
    return stop == std::string_view::npos ? text.size() : stop;
}

void hide_url_passwords(std::string& text) {
    std::size_t at = 0;
    while ((at = text.find("://", at)) != std::string::npos) {
        at += 3;
        const auto end = text.find_first_of("/ \n\t\"'", at);
        const auto sign = text.rfind('@', end == std::string::npos ? text.size() : end);
        if (sign == std::string::npos || sign < at) continue;
        const auto colon = text.find(':', at);
        if (colon < sign) text.replace(colon + 1, sign - colon - 1, hidden);
    }
}

}  // namespace

std::string redact(std::string_view text, std::size_t bytes_max) {
    text = text.substr(0, bytes_max);
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto word = std::ranges::find_if(
            secret_words, [&](std::string_view w) { return starts_with_word(text.substr(at), w); });
        const std::size_t value =
            word == secret_words.end() ? std::string_view::npos : value_after(text, at + word->size());
        if (value == std::string_view::npos || value >= text.size()) {
            out += text[at++];
            continue;
        }
        const bool whole_line = *word == "authorization" || *word == "jaas.config";
        out += text.substr(at, value - at);
        out += hidden;
        at = std::max(value, end_of_value(text, value, whole_line));
    }
    hide_url_passwords(out);
    return out;
}

}  // namespace medic
