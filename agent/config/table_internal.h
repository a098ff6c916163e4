// The table of all keys of medic.yaml: the loader takes types, defaults and ranges from it, the reference page is
// printed from it. Only for .cc files of agent/config.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/base/yaml.h"

namespace medic::config_table {

enum class Type : std::uint8_t {
    text,
    path,
    url,
    listen_address,
    integer,
    duration,
    boolean,
    texts,
    choice,
    selector,
    section,
    sections,
    named
};

struct Key {
    std::string_view section;  // "", "api", "clusters.NAME", "clusters.NAME.nodes[]", …
    std::string_view name;     // "*" in sections whose keys are the user's own.
    Type type = Type::text;
    std::string_view fallback;  // As it would be written; "" = none.
    bool required = false;
    double min = 0, max = 0;   // Integers, and durations in milliseconds; both 0: no range.
    std::string_view choices;  // "a|b|c"
    std::string_view meaning;
};

[[nodiscard]] std::span<const Key> all();

// One map of the file read against the table. The first error is kept; getters after it give defaults.
class Section {
public:
    // Refuses unknown keys (naming the nearest) and missing required ones.
    Section(YamlNode node, std::string_view section, Status& status);

    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] YamlNode node(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name);
    [[nodiscard]] std::int64_t integer(std::string_view name);
    [[nodiscard]] Duration duration(std::string_view name);
    [[nodiscard]] bool boolean(std::string_view name);
    [[nodiscard]] std::vector<std::string> texts(std::string_view name);
    [[nodiscard]] std::vector<YamlNode> sections(std::string_view name);  // Of a list of maps.

    void refuse(const YamlNode& at, std::string_view message);

private:
    [[nodiscard]] const Key& key(std::string_view name) const;
    template <class T>
    T take(Result<T> value, T fallback);

    YamlNode node_;
    std::string_view section_;
    Status& status_;
};

}  // namespace medic::config_table
