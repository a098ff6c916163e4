// The events of the fleet-monitoring workload: what devices of many servers report, and how they look in Kafka.
// Used by the load generator (writes them), the example job (reads them) and the checker (knows the right output).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace medic::engine::workload {

// One report of one device. On the wire: fields joined by '|', in this order; about 60 bytes.
struct Event {
    std::uint64_t sequence = 0;  // 0, 1, 2, … per generator run; unique.
    std::int64_t at_ms = 0;      // Event time.
    std::string server;          // s-017
    std::string device;          // d-3
    std::string storage;         // nvme-1 … ; "" on records of a device that doesn't know (legal, rare)
    std::string version;         // Software version.
    std::string region;          // eu, us, ap
    bool fault = false;
};

struct EventMix {
    std::uint64_t seed = 1;
    std::uint32_t servers = 50;
    std::uint32_t fault_per_thousand = 200;
    std::uint32_t out_of_order_per_thousand = 100;  // Up to out_of_order_max_ms behind.
    std::int64_t out_of_order_max_ms = 5'000;
    std::uint32_t late_per_thousand = 1;  // Ten minutes behind: late for every window that is still open.
    std::uint32_t without_storage_per_thousand = 2;
};

constexpr std::int64_t window_ms = 60'000;              // The job counts per one-minute window …
constexpr std::uint32_t faults_before_replacement = 5;  // … and asks for a new node above this many.
constexpr std::int64_t late_by_ms = 600'000;

// The event number `sequence`, whose nominal event time is `now_ms`. Pure: same arguments, same event.
[[nodiscard]] Event make_event(const EventMix& mix, std::uint64_t sequence, std::int64_t now_ms);
// Sent on purpose far behind: the job must count it as late and leave it out of every window.
[[nodiscard]] bool is_late_on_purpose(const EventMix& mix, std::uint64_t sequence);

[[nodiscard]] std::string encode(const Event& event);
[[nodiscard]] Result<Event> decode(std::string_view text);

}  // namespace medic::engine::workload
