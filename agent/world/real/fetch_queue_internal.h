// Requests that wait for their turn, without sockets. Hosts take turns and each has few requests under way, so that one
// with much to answer, or with no answer at all, holds up no other. Requests to suspects (hosts that failed lately) get
// a small share of all slots: however many hosts hang, the healthy ones are asked on time. What acts goes first and
// waits for no look. Only for HttpFetcher.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace medic {

enum class FetchClass : std::uint8_t { acting, healthy, suspect };

using FetchKey = std::pair<FetchClass, std::string>;  // A host within its class.

struct FetchLimits {
    std::size_t in_flight_max = 0;  // Of looks, suspects included.
    std::size_t acting_max = 0;
    std::size_t suspects_max = 0;
    std::size_t per_host_max = 0;
};

template <class Item>
class FetchQueue {
public:
    explicit FetchQueue(FetchLimits limits) : limits_(limits) {}

    void push(const FetchKey& key, Item item) {
        Lane& lane = lanes_[key];
        lane.waiting.push_back(std::move(item));
        ++waiting_;
        enter(key, lane);
    }
    // The next one that may start now; its key is given back to ended().
    std::optional<std::pair<FetchKey, Item>> take() {
        for (const FetchClass each : {FetchClass::acting, FetchClass::healthy, FetchClass::suspect}) {
            auto& ready = ready_[static_cast<std::size_t>(each)];
            if (ready.empty() || full(each)) continue;
            const FetchKey key = std::move(ready.front());
            ready.pop_front();
            Lane& lane = lanes_.at(key);
            lane.ready = false;
            Item item = std::move(lane.waiting.front());
            lane.waiting.pop_front();
            --waiting_;
            ++lane.active;
            ++active_[static_cast<std::size_t>(each)];
            enter(key, lane);
            return std::pair(key, std::move(item));
        }
        return std::nullopt;
    }
    void ended(const FetchKey& key) {
        const auto found = lanes_.find(key);
        if (found == lanes_.end()) return;
        --found->second.active;
        --active_[static_cast<std::size_t>(key.first)];
        if (found->second.waiting.empty() && found->second.active == 0)
            lanes_.erase(found);
        else
            enter(key, found->second);
    }
    [[nodiscard]] std::size_t waiting() const { return waiting_; }

private:
    struct Lane {
        std::deque<Item> waiting;
        std::size_t active = 0;
        bool ready = false;  // Its key is in ready_.
    };

    void enter(const FetchKey& key, Lane& lane) {
        if (lane.ready || lane.waiting.empty() || lane.active >= limits_.per_host_max) return;
        lane.ready = true;
        ready_[static_cast<std::size_t>(key.first)].push_back(key);
    }
    [[nodiscard]] bool full(FetchClass which) const {
        const auto active = [&](FetchClass each) { return active_[static_cast<std::size_t>(each)]; };
        if (which == FetchClass::acting) return active(FetchClass::acting) >= limits_.acting_max;
        if (which == FetchClass::suspect && active(FetchClass::suspect) >= limits_.suspects_max) return true;
        return active(FetchClass::healthy) + active(FetchClass::suspect) >= limits_.in_flight_max;
    }

    FetchLimits limits_;
    std::map<FetchKey, Lane> lanes_;
    std::array<std::deque<FetchKey>, 3> ready_;
    std::array<std::size_t, 3> active_ = {};
    std::size_t waiting_ = 0;
};

}  // namespace medic
