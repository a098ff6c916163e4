// YAML for files that people write: configuration, policy, rules. Every value knows its file:line:column, so that an
// error says where and what was expected. Not a general YAML library: aliases, tags, doubled keys, several documents,
// deep nesting and huge files are refused. Used by config, rules and diagnosis; yaml-cpp stays behind this header.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

struct YamlLimits {
    std::size_t bytes_max = 4 * 1024 * 1024;
    std::size_t depth_max = 32;
    std::size_t nodes_max = 200'000;
};

// A value, cheap to copy; children stay valid as long as any node of the document lives.
class YamlNode {
public:
    enum class Kind : std::uint8_t { missing, null, scalar, list, map };

    YamlNode() = default;

    [[nodiscard]] Kind kind() const;
    [[nodiscard]] explicit operator bool() const { return kind() != Kind::missing; }
    [[nodiscard]] bool is_map() const { return kind() == Kind::map; }
    [[nodiscard]] bool is_list() const { return kind() == Kind::list; }
    [[nodiscard]] bool is_scalar() const { return kind() == Kind::scalar; }

    // The value under `key`, or a missing node (whose where() is this map's, for "key X is missing" messages).
    [[nodiscard]] YamlNode get(std::string_view key) const;
    [[nodiscard]] std::vector<YamlNode> items() const;                            // Of a list; empty otherwise.
    [[nodiscard]] std::vector<std::pair<std::string, YamlNode>> entries() const;  // Of a map, in the file's order.
    [[nodiscard]] YamlNode key_node(std::string_view key) const;                  // The key itself, for its where().

    [[nodiscard]] std::string text() const;  // A scalar as written; "" otherwise.
    [[nodiscard]] bool quoted() const;       // Written in quotes or as a block: never a number, bool or null.

    // Typed getters: the error says where, what was expected and what was found.
    [[nodiscard]] Result<std::string> as_string() const;
    [[nodiscard]] Result<std::int64_t> as_int() const;
    [[nodiscard]] Result<double> as_double() const;
    [[nodiscard]] Result<bool> as_bool() const;                         // true or false.
    [[nodiscard]] Result<Duration> as_duration() const;                 // 500ms, 15s, 1h30m, 2d, 1w, 1y.
    [[nodiscard]] Result<std::vector<std::string>> as_strings() const;  // A list of scalars, or one scalar.

    // As above for an optional key of a map: `fallback` when the key is missing.
    [[nodiscard]] Result<std::string> string_or(std::string_view key, std::string_view fallback) const;
    [[nodiscard]] Result<std::int64_t> int_or(std::string_view key, std::int64_t fallback) const;
    [[nodiscard]] Result<double> double_or(std::string_view key, double fallback) const;
    [[nodiscard]] Result<bool> bool_or(std::string_view key, bool fallback) const;
    [[nodiscard]] Result<Duration> duration_or(std::string_view key, Duration fallback) const;

    [[nodiscard]] std::string where() const;  // file:line:column, from 1.
    [[nodiscard]] int line() const;           // From 1; 0 when not known.
    [[nodiscard]] int column() const;         // From 1.

    // An error that begins with where().
    [[nodiscard]] std::unexpected<Error> error(std::string_view message) const;
    // Refuses every key that is not in the list and names the nearest one that is.
    [[nodiscard]] Status expect_keys(std::initializer_list<std::string_view> known) const;
    [[nodiscard]] Status expect_map(std::string_view what) const;
    [[nodiscard]] Status expect_list(std::string_view what) const;

    struct Document;

private:
    friend Result<YamlNode> load_yaml(std::string_view text, std::string_view name, const YamlLimits& limits);
    YamlNode(std::shared_ptr<const Document> document, std::uint32_t index)
        : document_(std::move(document)), index_(index) {}
    template <class T, class Parse>
    [[nodiscard]] Result<T> parse_scalar(std::string_view expected, Parse parse) const;

    std::shared_ptr<const Document> document_;
    std::uint32_t index_ = 0;
    bool missing_ = false;
};

// `name` is what where() shows: the path as the person gave it. An empty document is an empty map.
[[nodiscard]] Result<YamlNode> load_yaml(std::string_view text, std::string_view name, const YamlLimits& limits = {});
[[nodiscard]] Result<YamlNode> load_yaml_file(const std::string& path, const YamlLimits& limits = {});

// Prometheus's durations: 1y2w3d4h5m6s7ms, each unit at most once and in this order; "0" is 0.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// The shortest such form: 90s → "1m30s".
[[nodiscard]] std::string format_duration(Duration duration);

// The known word with the smallest edit distance, or "" when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);
[[nodiscard]] inline std::string_view nearest(std::string_view word, std::initializer_list<std::string_view> known) {
    return nearest(word, std::span(known.begin(), known.size()));
}

}  // namespace medic
