#include "agent/base/connector_settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include <fmt/format.h>

#include "agent/base/secret_words.h"

namespace medic {
namespace {

constexpr std::size_t value_bytes_max = 2'048;  // A longer one is a document (a schema, a key file), not a setting.
// Beside the words of every secret: of names, and of values that carry settings of their own (jdbc:…?pwd=x, a JAAS
// line, a signed address).
constexpr auto more_secret_words =
    std::to_array<std::string_view>({"jaas", "user.info", "userinfo", "bearer ", "connection.string", "signature",
                                     "sig=", "keyfile", "license", "-----begin"});
constexpr std::size_t random_min = 20;  // Characters in a row: what people write is shorter, or has only letters.

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool has_secret_word(std::string_view text) {
    const std::string low = lower(text);
    const auto stands_in = [&](std::string_view word) { return low.find(word) != std::string::npos; };
    return std::ranges::any_of(secret_words, stands_in) || std::ranges::any_of(more_secret_words, stands_in);
}

// "${provider:path:key}" and nothing else.
bool only_refers(std::string_view value) {
    return value.size() > 3 && value.starts_with("${") && value.find('}') == value.size() - 1 &&
           value.find(':') != std::string_view::npos;
}

// A run of small and capital letters and digits, as tokens are.
bool looks_random(std::string_view value) {
    std::size_t run = 0;
    bool small = false, capital = false, digit = false;
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) == 0 && c != '+' && c != '_' && c != '=') {
            run = 0;
            small = capital = digit = false;
            continue;
        }
        small = small || std::islower(byte) != 0;
        capital = capital || std::isupper(byte) != 0;
        digit = digit || std::isdigit(byte) != 0;
        if (++run >= random_min && small && capital && digit) return true;
    }
    return false;
}

// FNV-1a, 64 bits: fixed by its definition, where std::hash may change with a library.
void mix(std::uint64_t& hash, std::string_view text) {
    constexpr std::uint64_t prime = 1'099'511'628'211ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * prime;
    hash = (hash ^ 0xffU) * prime;  // No byte of UTF-8: the end of a text.
}

}  // namespace

bool may_be_kept(std::string_view name, std::string_view value) {
    if (value.size() > value_bytes_max) return false;
    if (only_refers(value)) return true;
    const std::string low = lower(name);
    // A name that ends so holds a key; "key.converter" and "key.fields" do not.
    if (has_secret_word(name) || low == "key" || low.ends_with(".key") || low.ends_with("_key")) return false;
    // "@": a login before a host, with a scheme or, as Oracle's driver takes it, without one.
    return !has_secret_word(value) && value.find('@') == std::string_view::npos && !looks_random(value);
}

ConnectorSettings without_secrets(const std::map<std::string, std::string>& configuration) {
    ConnectorSettings settings;
    for (const auto& [name, value] : configuration) {
        if (may_be_kept(name, value))
            settings.kept.emplace(name, value);
        else
            settings.withheld.insert(name);
    }
    return settings;
}

std::string hash_of(const ConnectorSettings& settings) {
    std::uint64_t hash = 14'695'981'039'346'656'037ULL;
    for (const auto& [name, value] : settings.kept) {
        mix(hash, name);
        mix(hash, value);
    }
    mix(hash, "withheld");
    for (const auto& name : settings.withheld) mix(hash, name);
    return fmt::format("{:016x}", hash);
}

}  // namespace medic
