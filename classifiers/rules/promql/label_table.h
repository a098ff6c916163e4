// Label sets of an evaluation as small numbers: equal sets have equal ids, and what an operator does to a set
// ("by (job)", drop the name) is worked out once and looked up afterwards. Only for the PromQL engine, on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/base/labels.h"

namespace medic::promql {

using LabelsId = std::uint32_t;     // 0 is the empty set.
using LabelListId = std::uint32_t;  // A list of label names, as in by (…).

class LabelTable {
public:
    LabelTable();

    [[nodiscard]] LabelsId intern(const Labels& labels);
    [[nodiscard]] Labels labels(LabelsId id) const;
    [[nodiscard]] std::string_view get(LabelsId id, std::string_view name) const;  // "" when absent.
    [[nodiscard]] std::string_view metric_name(LabelsId id) const { return get(id, "__name__"); }

    [[nodiscard]] LabelListId list(std::vector<std::string> names);  // Sorted and unique inside.
    [[nodiscard]] LabelsId keep(LabelsId id, LabelListId list);
    [[nodiscard]] LabelsId drop(LabelsId id, LabelListId list);
    [[nodiscard]] LabelsId drop_name(LabelsId id) { return drop(id, name_list_); }
    [[nodiscard]] LabelsId with(LabelsId id, std::string_view name, std::string_view value);  // "" removes the label.

    [[nodiscard]] std::size_t size() const { return sets_.size(); }
    // Forgets all sets: every id given out before is void. Lists stay.
    void clear();

private:
    struct Pair {
        std::uint32_t name = 0, value = 0;  // Symbols.
        bool operator==(const Pair&) const = default;
    };
    struct Set {
        std::uint64_t hash = 0;
        std::uint32_t at = 0, count = 0;
    };
    enum class Action : std::uint8_t { keep, drop };

    std::uint32_t symbol(std::string_view text);
    LabelsId intern_pairs(std::span<const Pair> pairs);  // Sorted by the names' texts.
    LabelsId apply(LabelsId id, LabelListId list, Action action);
    [[nodiscard]] std::span<const Pair> pairs(LabelsId id) const {
        return std::span(pairs_).subspan(sets_[id].at, sets_[id].count);
    }

    std::vector<std::unique_ptr<std::string>> symbols_;
    std::unordered_map<std::string_view, std::uint32_t> symbol_ids_;
    std::vector<Pair> pairs_;
    std::vector<Set> sets_;
    std::vector<std::uint32_t> table_;  // Open addressing over hashes: set + 1.
    std::vector<std::vector<std::string>> lists_;
    std::unordered_map<std::uint64_t, LabelsId> applied_;  // (list, action, set) → set.
    LabelListId name_list_ = 0;
};

}  // namespace medic::promql
