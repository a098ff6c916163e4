// Which keys were seen lately, within a bound: at least the newest `generation_max` are known, at most twice as many.
// For one thread.
#pragma once

#include <set>
#include <string>
#include <utility>

namespace medic {

class RecentKeys {
public:
    explicit RecentKeys(std::size_t generation_max) : generation_max_(generation_max) {}

    [[nodiscard]] bool contains(const std::string& key) const { return newer_.contains(key) || older_.contains(key); }
    void add(std::string key) {
        if (newer_.size() >= generation_max_) older_ = std::exchange(newer_, {});
        newer_.insert(std::move(key));
    }
    [[nodiscard]] std::size_t size() const { return newer_.size() + older_.size(); }

private:
    std::size_t generation_max_;
    std::set<std::string> newer_, older_;
};

}  // namespace medic
