// Strings of labels, each kept once and counted: thousands of series share a few hundred names and values.
// Only for SeriesStore.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace medic::store_detail {

class Symbols {
public:
    std::uint32_t acquire(std::string_view text) {
        if (const auto found = ids_.find(text); found != ids_.end()) {
            ++entries_[found->second].uses;
            return found->second;
        }
        std::uint32_t id = 0;
        if (free_.empty()) {
            id = static_cast<std::uint32_t>(entries_.size());
            entries_.emplace_back();
        } else {
            id = free_.back();
            free_.pop_back();
        }
        entries_[id] = {std::string(text), 1};
        ids_.emplace(entries_[id].text, id);  // A deque's elements stay where they are, so the view does too.
        bytes_ += text.size() > 15 ? text.size() + 1 : 0;
        return id;
    }

    void release(std::uint32_t id) {
        Entry& entry = entries_[id];
        if (--entry.uses > 0) return;
        bytes_ -= entry.text.size() > 15 ? entry.text.size() + 1 : 0;
        ids_.erase(entry.text);
        entry.text = {};
        free_.push_back(id);
    }

    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view text) const {
        const auto found = ids_.find(text);
        return found == ids_.end() ? std::nullopt : std::optional(found->second);
    }
    [[nodiscard]] const std::string& text(std::uint32_t id) const { return entries_[id].text; }
    [[nodiscard]] std::size_t bytes() const { return bytes_ + entries_.size() * (sizeof(Entry) + 48); }

private:
    struct Entry {
        std::string text;
        std::uint32_t uses = 0;
    };
    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<std::string_view, std::uint32_t> ids_;
    std::size_t bytes_ = 0;
};

}  // namespace medic::store_detail
