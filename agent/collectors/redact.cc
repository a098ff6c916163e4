#include "agent/collectors/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/base/secret_words.h"

namespace medic {
namespace {

constexpr auto schemes_of_headers = std::to_array<std::string_view>({"bearer ", "basic "});
constexpr std::size_t header_secret_min = 8;  // "basic auth" is a word of people, not a secret.
constexpr std::size_t lone_user_min = 16;     // token@host; shorter ones are names: akka.tcp://flink@host.
// `TopicAuthorizationException: …` and `TokenFilter.java:12` are names with a secret's word in them.
constexpr auto no_keys = std::to_array<std::string_view>({"Exception", "Error", ".java", ".scala", ".kt"});
constexpr std::string_view hidden = "[hidden]";

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool of_key(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-'; }

// The position of the value's first character when `at` (just behind a secret word) is followed by `=` or `:`, or when
// the word ends an argument (`--password x`); npos otherwise.
std::size_t value_after(std::string_view text, std::size_t at) {
    std::size_t start = at;
    while (start > 0 && of_key(text[start - 1])) --start;
    while (at < text.size() && of_key(text[at])) ++at;
    const std::string_view key = text.substr(start, at - start);
    if (std::ranges::any_of(no_keys, [&](std::string_view tail) { return key.ends_with(tail); }))
        return std::string_view::npos;
    if (text.substr(start, 2) == "--" && at + 1 < text.size() && text[at] == ' ') return at + 1;
    while (at < text.size() && (text[at] == '"' || text[at] == '\'' || text[at] == ' ')) ++at;
    if (at >= text.size() || (text[at] != '=' && text[at] != ':')) return std::string_view::npos;
    ++at;
    while (at < text.size() && text[at] == ' ') ++at;
    return at;
}

std::size_t end_of_value(std::string_view text, std::size_t at, bool to_line_end) {
    if (text.substr(at).starts_with(hidden)) return at + hidden.size();  // It was redacted before.
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
        const auto close = text.find(text[at], at + 1);
        return close == std::string_view::npos ? text.size() : close + 1;
    }
    const auto stop = text.find_first_of(to_line_end ? "\n" : " \n\t,;&)}]", at);
    return stop == std::string_view::npos ? text.size() : stop;
}

// The secret of `Bearer x` and `Basic x` at `at`: its position; npos: there is none.
std::size_t header_secret(std::string_view text, std::size_t at) {
    for (const std::string_view scheme : schemes_of_headers) {
        if (!starts_with_word(text.substr(at), scheme)) continue;
        const std::size_t value = at + scheme.size();
        const auto end = std::min(text.find_first_of(" \n\t\"',;", value), text.size());
        const std::string_view secret = text.substr(value, end - value);
        const bool coded = std::ranges::any_of(
            secret, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '='; });
        if (secret.size() >= header_secret_min && coded) return value;
    }
    return std::string_view::npos;
}

void hide_url_passwords(std::string& text) {
    std::size_t at = 0;
    while ((at = text.find("://", at)) != std::string::npos) {
        at += 3;
        // A password may hold a slash; a path may hold an @ of its own, which then is hidden too.
        const auto end = std::min(text.find_first_of(" \n\t\"'<>", at), text.size());
        const auto sign = text.substr(at, end - at).rfind('@');
        if (sign == std::string::npos) continue;
        const auto colon = text.find(':', at);
        const auto slash = text.find('/', at);
        const bool is_port =
            colon < slash && slash < at + sign && text.find_first_not_of("0123456789", colon + 1) == slash;
        if (is_port) continue;
        if (colon < at + sign && colon < slash)
            text.replace(colon + 1, at + sign - colon - 1, hidden);
        else if (sign >= lone_user_min && slash > at + sign)
            text.replace(at, sign, hidden);
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
        std::size_t value = word == secret_words.end() ? std::string_view::npos : value_after(text, at + word->size());
        if (value == std::string_view::npos) value = header_secret(text, at);
        if (value == std::string_view::npos || value >= text.size()) {
            out += text[at++];
            continue;
        }
        const bool whole_line = word != secret_words.end() && (*word == "authorization" || *word == "jaas.config");
        out += text.substr(at, value - at);
        out += hidden;
        at = std::max(value, end_of_value(text, value, whole_line));
    }
    hide_url_passwords(out);
    return out;
}

}  // namespace medic
