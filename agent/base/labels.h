// A series' identity as Prometheus has it: a name and sorted label pairs.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace medic {

using LabelPair = std::pair<std::string, std::string>;

// Sorted by label name, no doubled names, no empty values. `__name__` holds the metric's name.
class Labels {
public:
    Labels() = default;
    Labels(std::string_view name, std::vector<LabelPair> pairs);  // Sorts; the last of doubled names wins.

    [[nodiscard]] std::string_view name() const { return get("__name__"); }
    [[nodiscard]] std::string_view get(std::string_view label) const;  // "" when absent.
    [[nodiscard]] const std::vector<LabelPair>& pairs() const { return pairs_; }
    [[nodiscard]] std::string to_string() const;  // name{a="b",…} with Prometheus's escapes.

    auto operator<=>(const Labels&) const = default;

private:
    std::vector<LabelPair> pairs_;
};

}  // namespace medic
