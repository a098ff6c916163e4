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
// They sign an address: `https://…?…&sig=x`. Elsewhere people use the words for other things.
constexpr auto signatures = std::to_array<std::string_view>({"signature", "sig"});
// What may stand between a key and its value; of two that begin alike, the longer one first.
constexpr auto separators = std::to_array<std::string_view>({"==>", "=>", "==", ":=", "=", ":", "-->", "->"});
constexpr std::string_view hidden = "[hidden]";
constexpr std::string_view ends_of_urls = " \n\t\"'<>";
constexpr auto npos = std::string_view::npos;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() &&
           std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

bool alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool of_key(char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; }
bool in_gap(char c) { return c == ' ' || c == '"' || c == '\'' || c == '\\'; }

// How many texts a quote behind so many backslashes stands inside of: `"` in none, `\"` in one, `\\\"` in two.
std::size_t depth_of_quote(std::size_t backslashes) {
    std::size_t depth = 0;
    for (; backslashes % 2 == 1; backslashes /= 2) ++depth;
    return depth;
}

// A run of characters of a key, and where the value behind it begins; npos: none does.
struct Key {
    std::size_t start = 0, end = 0, value = npos;
    std::size_t value_end = npos;  // Known already, of an element's text.
    bool by_arrow = false;         // It stands behind `->`.
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
    void find_value(Key& key);
    [[nodiscard]] bool find_text(Key& key);
    [[nodiscard]] bool in_map(std::size_t at);
    [[nodiscard]] std::size_t end_of_value(std::size_t at, bool to_line_end);
    [[nodiscard]] std::size_t end_of_quoted(std::size_t quote, std::size_t backslashes);
    [[nodiscard]] std::size_t header_secret(std::size_t at);
    [[nodiscard]] std::size_t signature(std::size_t at) const;
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

// The position of the value's first character when `at` (just behind a secret word) is in a key that has one. Before an
// arrow the word is one by itself: `Tokenizer -> Sink` are two operators of a job.
std::size_t Redaction::value_after(std::size_t at) {
    if (!key_ || at < key_->start || at > key_->end) key_ = key_around(at);
    return key_->by_arrow && at < key_->end && alphanumeric(text_[at]) ? npos : key_->value;
}

Key Redaction::key_around(std::size_t at) {
    Key key{.start = at, .end = at};
    while (key.start > 0 && of_key(text_[key.start - 1])) --key.start;
    while (key.end < text_.size() && of_key(text_[key.end])) ++key.end;
    steps_ += key.end - key.start;
    find_value(key);
    return key;
}

// A key has a value when a separator follows, when it is an argument (`--password x`) or names an element.
void Redaction::find_value(Key& key) {
    const std::string_view name = text_.substr(key.start, key.end - key.start);
    if (std::ranges::any_of(no_keys, [&](std::string_view tail) { return name.ends_with(tail); })) return;
    if (find_text(key)) return;
    std::size_t at = key.end;
    if (name.starts_with("--") && at + 1 < text_.size() && text_[at] == ' ') {
        key.value = at + 1;
        return;
    }
    while (at < text_.size() && in_gap(text_[at])) ++at;
    steps_ += at - key.end;
    // `password-> x`: the key's run has taken the arrow's line.
    if (at == key.end && name.ends_with('-') && text_.substr(at, 1) == ">") --at;
    const auto found =
        std::ranges::find_if(separators, [&](std::string_view one) { return text_.substr(at).starts_with(one); });
    if (found == separators.end()) return;
    key.by_arrow = found->ends_with("->");
    if (key.by_arrow && !in_map(key.start)) return;
    const std::size_t behind = at + found->size();
    key.value = std::min(text_.find_first_not_of(' ', behind), text_.size());
    steps_ += key.value - behind;
}

// The text of <password>…</password>, with a prefix and attributes or without. What no tag closes is none, a usage
// names `<password>` too; only where the text may have been cut its line is hidden.
bool Redaction::find_text(Key& key) {
    std::size_t before = key.start;
    if (before > 0 && text_[before - 1] == ':')
        for (--before; before > 0 && of_key(text_[before - 1]);) --before;
    steps_ += key.start - before;
    if (before == 0 || text_[before - 1] != '<') return false;
    const std::size_t open = find_any("<>", key.end);
    if (open == text_.size() || text_[open] == '<' || text_[open - 1] == '/') return false;
    const std::size_t attribute = text_.find_first_not_of(" \n\t", key.end);
    steps_ += attribute - key.end;
    if (attribute != open && (attribute == key.end || !alphanumeric(text_[attribute]))) return false;
    const std::size_t value = open + 1;
    const std::size_t next = find_any("<", text_.substr(value).starts_with("<!") ? value + 1 : value);
    const bool cut =
        next + 1 >= text_.size() && value < next && !std::string_view(" \n\t,.;:)]}'\"`").contains(text_[value]);
    if (!cut && !text_.substr(next).starts_with("</")) return false;
    key.value = value;
    key.value_end = cut ? find_any("\n", value) : next;
    return true;
}

// Whether what begins at `at` may be a key of a map that is written with arrows: `Map(a -> 1, password -> x)`. In
// `Source: tokens -> decode token -> Sink` nothing is.
bool Redaction::in_map(std::size_t at) {
    const std::size_t key = at;
    while (at > 0 && in_gap(text_[at - 1])) --at;
    steps_ += key - at;
    const std::string_view before = text_.substr(0, at);
    return before.empty() || std::string_view("({[,;\n\t").contains(before.back()) ||
           (before.back() == ':' && !before.ends_with("Source:"));
}

std::size_t Redaction::end_of_value(std::size_t at, bool to_line_end) {
    if (text_.substr(at).starts_with(hidden)) return at + hidden.size();  // It was redacted before.
    std::size_t quote = at;
    while (quote < text_.size() && text_[quote] == '\\') ++quote;
    steps_ += quote - at;
    if (quote < text_.size() && (text_[quote] == '"' || text_[quote] == '\'')) return end_of_quoted(quote, quote - at);
    return find_any(to_line_end ? "\n" : " \n\t,;&)}]", at);
}

// Behind the quote that closes the one at `quote`. One deeper in texts is part of the value: `"ab\"cd"`.
std::size_t Redaction::end_of_quoted(std::size_t quote, std::size_t backslashes) {
    const std::size_t depth = depth_of_quote(backslashes);
    for (std::size_t from = quote + 1;;) {
        const std::size_t found = find_any(text_.substr(quote, 1), from);
        if (found == text_.size()) return found;
        std::size_t run = found;
        while (run > from && text_[run - 1] == '\\') --run;
        steps_ += found - run;
        if (depth_of_quote(found - run) <= depth) return found + 1;
        from = found + 1;
    }
}

// The value of `sig=x` and `signature=x` at `at`, a word of its own; npos: there is none.
std::size_t Redaction::signature(std::size_t at) const {
    constexpr std::string_view ampersand = "\\u0026";  // `&` as some write it in JSON.
    const std::string_view before = text_.substr(0, at);
    if (at > 0 && alphanumeric(before.back()) && !before.ends_with(ampersand)) return npos;
    for (const std::string_view word : signatures)
        if (starts_with_word(text_.substr(at), word) && text_.substr(at + word.size(), 1) == "=")
            return at + word.size() + 1;
    return npos;
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
        const bool of_element = value != npos && key_->value_end != npos;
        if (value == npos) value = header_secret(at);
        if (value == npos) value = signature(at);
        if (value == npos || value >= text_.size()) {
            out += text_[at++];
            continue;
        }
        const bool whole_line = word != secret_words.end() && (*word == "authorization" || *word == "jaas.config");
        out += text_.substr(at, value - at);
        out += hidden;
        at = std::max(value, of_element ? key_->value_end : end_of_value(value, whole_line));
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
