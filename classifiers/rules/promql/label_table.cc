#include "classifiers/rules/promql/label_table.h"

#include <algorithm>

#include <xxhash.h>

namespace medic::promql {

LabelTable::LabelTable() {
    name_list_ = list({"__name__", "__type__", "__unit__"});  // What says which metric, of which kind, a value is.
    clear();
}

void LabelTable::clear() {
    symbols_.clear();
    symbol_ids_.clear();
    pairs_.clear();
    sets_.clear();
    table_.assign(256, 0);
    applied_.clear();
    (void)intern_pairs({});  // The empty set gets id 0.
}

std::uint32_t LabelTable::symbol(std::string_view text) {
    if (const auto found = symbol_ids_.find(text); found != symbol_ids_.end()) return found->second;
    const auto id = static_cast<std::uint32_t>(symbols_.size());
    symbols_.push_back(std::make_unique<std::string>(text));
    symbol_ids_.emplace(*symbols_.back(), id);
    return id;
}

LabelsId LabelTable::intern_pairs(std::span<const Pair> pairs) {
    const std::uint64_t hash = XXH3_64bits(pairs.data(), pairs.size_bytes());
    std::size_t at = hash & (table_.size() - 1);
    for (; table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
        const LabelsId id = table_[at] - 1;
        if (sets_[id].hash == hash && std::ranges::equal(this->pairs(id), pairs)) return id;
    }
    const auto id = static_cast<LabelsId>(sets_.size());
    sets_.push_back({hash, static_cast<std::uint32_t>(pairs_.size()), static_cast<std::uint32_t>(pairs.size())});
    pairs_.insert(pairs_.end(), pairs.begin(), pairs.end());
    table_[at] = id + 1;
    if (sets_.size() * 2 > table_.size()) {
        table_.assign(table_.size() * 2, 0);
        for (LabelsId each = 0; each < sets_.size(); ++each) {
            std::size_t slot = sets_[each].hash & (table_.size() - 1);
            while (table_[slot] != 0) slot = (slot + 1) & (table_.size() - 1);
            table_[slot] = each + 1;
        }
    }
    return id;
}

LabelsId LabelTable::intern(const Labels& labels) {
    std::vector<Pair> result;
    result.reserve(labels.pairs().size());
    for (const auto& [name, value] : labels.pairs()) result.push_back({symbol(name), symbol(value)});
    return intern_pairs(result);
}

Labels LabelTable::labels(LabelsId id) const {
    std::vector<LabelPair> result;
    for (const auto& pair : pairs(id)) result.emplace_back(*symbols_[pair.name], *symbols_[pair.value]);
    return Labels({}, std::move(result));
}

std::string_view LabelTable::get(LabelsId id, std::string_view name) const {
    for (const auto& pair : pairs(id))
        if (*symbols_[pair.name] == name) return *symbols_[pair.value];
    return {};
}

LabelListId LabelTable::list(std::vector<std::string> names) {
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    const auto found = std::ranges::find(lists_, names);
    if (found != lists_.end()) return static_cast<LabelListId>(found - lists_.begin());
    lists_.push_back(std::move(names));
    return static_cast<LabelListId>(lists_.size() - 1);
}

LabelsId LabelTable::apply(LabelsId id, LabelListId list, Action action) {
    const std::uint64_t key =
        (static_cast<std::uint64_t>(list) << 33) | (static_cast<std::uint64_t>(action) << 32) | id;
    if (const auto found = applied_.find(key); found != applied_.end()) return found->second;
    std::vector<Pair> result;
    for (const auto& pair : pairs(id)) {
        const bool listed = std::ranges::binary_search(lists_[list], *symbols_[pair.name]);
        if (listed == (action == Action::keep)) result.push_back(pair);
    }
    const LabelsId made = intern_pairs(result);
    applied_.emplace(key, made);
    return made;
}

LabelsId LabelTable::keep(LabelsId id, LabelListId list) { return apply(id, list, Action::keep); }
LabelsId LabelTable::drop(LabelsId id, LabelListId list) { return apply(id, list, Action::drop); }

LabelsId LabelTable::with(LabelsId id, std::string_view name, std::string_view value) {
    std::vector<Pair> result(pairs(id).begin(), pairs(id).end());
    const auto at = std::ranges::lower_bound(result, name, {},
                                             [&](const Pair& pair) { return std::string_view(*symbols_[pair.name]); });
    const bool present = at != result.end() && *symbols_[at->name] == name;
    if (value.empty()) {
        if (present) result.erase(at);
    } else if (present) {
        at->value = symbol(value);
    } else {
        const Pair pair{symbol(name), symbol(value)};
        result.insert(at, pair);
    }
    return intern_pairs(result);
}

}  // namespace medic::promql
