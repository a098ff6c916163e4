#include "agent/base/labels.h"

#include <algorithm>

namespace medic {

Labels::Labels(std::string_view name, std::vector<LabelPair> pairs) : pairs_(std::move(pairs)) {
    if (!name.empty()) pairs_.emplace_back("__name__", name);
    std::ranges::stable_sort(pairs_, {}, &LabelPair::first);
    std::vector<LabelPair> unique;
    unique.reserve(pairs_.size());
    for (auto& pair : pairs_) {
        if (!unique.empty() && unique.back().first == pair.first)
            unique.back() = std::move(pair);
        else
            unique.push_back(std::move(pair));
    }
    std::erase_if(unique, [](const LabelPair& pair) { return pair.second.empty(); });
    pairs_ = std::move(unique);
}

std::string_view Labels::get(std::string_view label) const {
    const auto found =
        std::ranges::lower_bound(pairs_, label, {}, [](const LabelPair& pair) { return std::string_view(pair.first); });
    return found != pairs_.end() && found->first == label ? std::string_view(found->second) : std::string_view();
}

std::string Labels::to_string() const {
    std::string text(name());
    text += '{';
    bool first = true;
    for (const auto& [label, value] : pairs_) {
        if (label == "__name__") continue;
        if (!first) text += ',';
        first = false;
        text += label + "=\"";
        for (const char c : value) {
            if (c == '\\' || c == '"') text += '\\';
            if (c == '\n')
                text += "\\n";
            else
                text += c;
        }
        text += '"';
    }
    return text + '}';
}

}  // namespace medic
