// What each broker carries, as rates over the last minutes, and where partitions lie: for analyzers that weigh brokers
// against each other. A figure that no page told is not there; it is never 0. For analyzers only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers {

inline constexpr Duration load_window{10 * 60'000};
// Cruise Control's slow.broker.bytes.in.rate.detection.threshold (1024 KB/s): below, latencies and shares say little.
inline constexpr double traffic_matters = 1024 * 1000;

struct BrokerLoad {
    std::string id;
    bool up = false;
    std::optional<double> bytes_in, bytes_out, replication_in;  // Per second.
    std::optional<double> busy;                                 // Share of time of its request handlers, 0…1.
    std::optional<double> partitions, leaders, out_of_sync;     // Replicas; partitions; replicas.
    std::optional<double> disk_total, disk_used;                // Bytes, all log dirs.
    std::map<std::string, double> topics;                       // Bytes in per second.
};

// By id. Brokers that metadata has named.
[[nodiscard]] std::map<std::string, BrokerLoad> broker_loads(const Lookup& lookup, const std::string& cluster);
// Clusters with brokers.
[[nodiscard]] std::vector<std::string> kafka_clusters(const Lookup& lookup);
// What a counter from a page rises by, per second; nullopt when it is old, or was reset, or too few looks are known.
[[nodiscard]] std::optional<double> page_rate(const Lookup& lookup, SeriesId series);

// Share of time in which the broker's request handlers wait, 0…1, oldest look first: those within `window` before now.
[[nodiscard]] std::vector<Sample> handlers_idle(const Lookup& lookup, SeriesId series, Duration window);

struct PartitionPlace {
    std::string_view partition;
    std::vector<std::string_view> replicas;  // The preferred leader first.
};
// Of a topic's attribute "assignment"; stops at what it can't read.
void each_partition(std::string_view assignment, const std::function<void(const PartitionPlace&)>& take);

[[nodiscard]] std::string megabytes_per_second(double bytes);

}  // namespace medic::analyzers
