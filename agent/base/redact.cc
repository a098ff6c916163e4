#include "agent/base/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "agent/base/redact_internal.h"
#include "agent/base/secret_words.h"

namespace medic {
namespace {

constexpr auto schemes_of_headers = std::to_array<std::string_view>({"bearer ", "basic "});
constexpr std::size_t header_secret_min = 8;  // "basic auth" is a word of people, not a secret.
constexpr std::size_t lone_user_min = 16;     // token@host; shorter ones are names: akka.tcp://flink@host.
// `TopicAuthorizationException: …` and `TokenFilter.java:12` are names with a secret's word in them.
constexpr auto no_keys = std::to_array<std::string_view>({"Exception", "Error", ".java", ".scala", ".kt"});
constexpr std::string_view hidden = "[hidden]";
constexpr std::string_view ends_of_urls = " \n\t\"'<>";
constexpr auto npos = std::string_view::npos;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool of_key(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-'; }

// A run of characters of a key, and where the value behind it begins; npos: none does.
struct Key {
    std::size_t start = 0, end = 0, value = npos;
};

// Walks over the text once: what was found out about a key or a URL holds for every secret word in it.
class Redaction {
public:
    Redaction(std::string_view text, std::size_t& steps) : text_(text), steps_(steps) {}

    [[nodiscard]] std::string without_values();
    [[nodiscard]] std::string without_url_passwords();

private:
    [[nodiscard]] std::size_t value_after(std::size_t at);
    [[nodiscard]] Key key_around(std::size_t at);
    [[nodiscard]] std::size_t value_of(const Key& key);
    [[nodiscard]] std::size_t end_of_value(std::size_t at, bool to_line_end);
    [[nodiscard]] std::size_t header_secret(std::size_t at);
    // The first of these characters from `at` on; the end of the text when there is none.
    [[nodiscard]] std::size_t find_any(std::string_view characters, std::size_t at);

    std::string_view text_;
    std::size_t& steps_;
    std::optional<Key> key_;  // The last one that was walked over.
};

std::size_t Redaction::find_any(std::string_view characters, std::size_t at) {
    const auto found = std::min(text_.find_first_of(characters, at), text_.size());
    steps_ += found - std::min(at, found);
    return found;
}

// The position of the value's first character when `at` (just behind a secret word) is in a key that has one.
std::size_t Redaction::value_after(std::size_t at) {
    if (!key_ || at < key_->start || at > key_->end) key_ = key_around(at);
    return key_->value;
}

Key Redaction::key_around(std::size_t at) {
    Key key{.start = at, .end = at};
    while (key.start > 0 && of_key(text_[key.start - 1])) --key.start;
    while (key.end < text_.size() && of_key(text_[key.end])) ++key.end;
    steps_ += key.end - key.start;
    key.value = value_of(key);
    return key;
}

// A key has a value when it is followed by `=` or `:`, or is an argument (`--password x`).
std::size_t Redaction::value_of(const Key& key) {
    const std::string_view name = text_.substr(key.start, key.end - key.start);
    if (std::ranges::any_of(no_keys, [&](std::string_view tail) { return name.ends_with(tail); })) return npos;
    std::size_t at = key.end;
    if (text_.substr(key.start, 2) == "--" && at + 1 < text_.size() && text_[at] == ' ') return at + 1;
    while (at < text_.size() && (text_[at] == '"' || text_[at] == '\'' || text_[at] == ' ')) ++at;
    const bool has_one = at < text_.size() && (text_[at] == '=' || text_[at] == ':');
    if (has_one) at = std::min(text_.find_first_not_of(' ', at + 1), text_.size());
    steps_ += at - key.end;
    return has_one ? at : npos;
}

std::size_t Redaction::end_of_value(std::size_t at, bool to_line_end) {
    if (text_.substr(at).starts_with(hidden)) return at + hidden.size();  // It was redacted before.
    if (text_[at] == '"' || text_[at] == '\'') return std::min(find_any(text_.substr(at, 1), at + 1) + 1, text_.size());
    return find_any(to_line_end ? "\n" : " \n\t,;&)}]", at);
}

// The secret of `Bearer x` and `Basic x` at `at`: its position; npos: there is none.
std::size_t Redaction::header_secret(std::size_t at) {
    for (const std::string_view scheme : schemes_of_headers) {
        if (!starts_with_word(text_.substr(at), scheme)) continue;
        const std::size_t value = at + scheme.size();
        const std::string_view secret = text_.substr(value, find_any(" \n\t\"',;", value) - value);
        const bool coded = std::ranges::any_of(
            secret, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '='; });
        if (secret.size() >= header_secret_min && coded) return value;
    }
    return npos;
}

std::string Redaction::without_values() {
    std::string out;
    out.reserve(text_.size());
    for (std::size_t at = 0; at < text_.size();) {
        ++steps_;
        const auto word = std::ranges::find_if(
            secret_words, [&](std::string_view w) { return starts_with_word(text_.substr(at), w); });
        std::size_t value = word == secret_words.end() ? npos : value_after(at + word->size());
        if (value == npos) value = header_secret(at);
        if (value == npos || value >= text_.size()) {
            out += text_[at++];
            continue;
        }
        const bool whole_line = word != secret_words.end() && (*word == "authorization" || *word == "jaas.config");
        out += text_.substr(at, value - at);
        out += hidden;
        at = std::max(value, end_of_value(value, whole_line));
    }
    return out;
}

std::string Redaction::without_url_passwords() {
    std::string out;
    std::size_t copied = 0, at = 0, end = 0, sign = npos;  // `end` and the last @ are those of the URL at `at`.
    const auto hide = [&](std::size_t from, std::size_t to) {
        out += text_.substr(copied, from - copied);
        out += hidden;
        copied = to;
    };
    for (std::size_t found = 0; (found = text_.find("://", at)) != npos;) {
        steps_ += found + 3 - at;
        at = found + 3;
        if (at > end) {
            // A password may hold a slash; a path may hold an @ of its own, which then is hidden too.
            end = find_any(ends_of_urls, at);
            sign = text_.substr(at, end - at).rfind('@');
            if (sign != npos) sign += at;
            steps_ += end - at;
        }
        if (sign == npos || sign < at) {
            at = end;
            continue;
        }
        const std::string_view url = text_.substr(0, end);
        const auto colon = url.find(':', at), slash = url.find('/', at);
        steps_ += std::min(colon, end) - at + std::min(slash, end) - at;
        const bool is_port = colon < slash && slash < sign && url.find_first_not_of("0123456789", colon + 1) == slash;
        if (is_port || (colon < sign && colon > slash)) continue;
        if (colon < sign)
            hide(colon + 1, sign);
        else if (sign - at >= lone_user_min && slash > sign)
            hide(at, sign);
        else
            continue;
        at = end;  // Nothing behind the last @ names a user.
    }
    out += text_.substr(copied);
    return out;
}

// The first of the text. Where that ends in the middle of what may be a secret, it no longer looks like one
// (`x://user:pass` without its @): such a half is left out.
std::string_view beginning(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    text = text.substr(0, bytes_max);
    const auto word = text.find_last_of(ends_of_urls) + 1;  // npos + 1: the whole text is one word.
    if (const auto url = text.find("://", word); url != npos) return text.substr(0, url + 3);
    for (const std::string_view scheme : schemes_of_headers)
        if (word >= scheme.size() && starts_with_word(text.substr(word - scheme.size()), scheme))
            return text.substr(0, word);
    return text;
}

}  // namespace

namespace redact_internal {

std::string redact(std::string_view text, std::size_t bytes_max, std::size_t& steps) {
    const std::string out = Redaction(beginning(text, bytes_max), steps).without_values();
    return Redaction(out, steps).without_url_passwords();
}

}  // namespace redact_internal

std::string redact(std::string_view text, std::size_t bytes_max) {
    std::size_t steps = 0;
    return redact_internal::redact(text, bytes_max, steps);
}

}  // namespace medic
