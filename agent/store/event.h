// What happened, as opposed to what was measured: exceptions, state changes, deployments, alerts, operations under way.
// Collectors write events, diagnosis and the API read them. The first failure of an episode is never dropped.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/subject.h"
#include "agent/base/time.h"

namespace medic {

struct Event {
    WallTime at;
    Subject subject;
    // exception | state-change | deployment | config-change | restart | node-lost | node-joined | rebalance |
    // reassignment | savepoint | checkpoint-failed | alert | log | clean-stop | maintenance | thread-dump | operator
    std::string kind;                           // … | checkpoint-parts
    std::string text;                           // Stack trace, new state, … (bounded, redacted by the collector).
    std::map<std::string, std::string> fields;  // e.g. taskmanager, vertex, task, from, to, version.
    std::string id;                             // Stable identity at its source; the same id is stored once.
};

// One cluster's noise must not push out another's past: each has its share, and of all that has to go, log lines go
// first and exceptions last, the oldest of each first.
struct TimelineOptions {
    std::size_t events_max = 20'000;
    std::size_t events_per_cluster_max = 20'000;
    std::size_t text_bytes_max = 64 * 1024;    // Of one event.
    std::size_t bytes_max = 24 * 1024 * 1024;  // Of all events' texts and fields.
};

class Timeline {
public:
    explicit Timeline(TimelineOptions options = {}) : options_(options) {}

    // Returns false when an event with this id is already known.
    bool record(Event event);
    [[nodiscard]] std::vector<const Event*> since(WallTime from) const;
    [[nodiscard]] std::vector<const Event*> about(const Subject& subject, WallTime from) const;
    [[nodiscard]] std::size_t size() const { return events_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    // Drops one event of the cluster ("": of any).
    void drop_one(const std::string& cluster);

    TimelineOptions options_;
    std::deque<Event> events_;  // Ordered by `at`.
    std::map<std::string, WallTime, std::less<>> ids_;
    std::map<std::string, std::size_t> by_cluster_;
    std::size_t logs_ = 0, bytes_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace medic
