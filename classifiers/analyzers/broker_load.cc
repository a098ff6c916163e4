#include "classifiers/analyzers/broker_load.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace medic::analyzers {
namespace {

constexpr Duration span_min{60'000};           // Pages may be read every second: a few of these tell of a moment only.
constexpr Duration remembered{2 * 3'600'000};  // What the store keeps.
// One pool is idle for all of its time at most; a meter's rounding aside.
constexpr double more_than_one_pool = 1.05;

std::optional<double> page_value(const Lookup& lookup, SeriesId series) {
    const auto latest = lookup.view().series.latest(series, lookup.now().wall, page_fresh_within);
    return latest ? std::optional{latest->value} : std::nullopt;
}

void add(std::optional<double>& sum, std::optional<double> value) {
    if (value) sum = sum.value_or(0) + *value;
}

// Of its request handlers.
std::optional<double> busy_of(const Lookup& lookup, SeriesId series) {
    if (!page_value(lookup, series)) return std::nullopt;
    const auto idle = handlers_idle(lookup, series, load_window);
    return spans(idle, span_min) ? std::optional{1 - mean_of(idle)} : std::nullopt;
}

void add_disks(const Lookup& lookup, const std::string& cluster, BrokerLoad& load) {
    for (const auto series : lookup.select("kafka_log_dir_total_bytes", {{"cluster", cluster}, {"broker", load.id}})) {
        const auto total = lookup.value(series);
        const std::string log_dir = lookup.label(series, "log_dir");
        const auto usable = lookup.value("kafka_log_dir_usable_bytes",
                                         {{"cluster", cluster}, {"broker", load.id}, {"log_dir", log_dir}});
        if (!total || !usable) continue;
        add(load.disk_total, total);
        add(load.disk_used, *total - *usable);
    }
}

}  // namespace

std::optional<double> page_rate(const Lookup& lookup, SeriesId series) {
    if (!page_value(lookup, series)) return std::nullopt;
    const auto samples = lookup.history(series, load_window);
    if (!spans(samples, span_min)) return std::nullopt;
    for (std::size_t i = 1; i < samples.size(); ++i)
        if (samples[i].value < samples[i - 1].value) return std::nullopt;  // Restarted: its caches are cold.
    const double seconds = static_cast<double>(samples.back().at_ms - samples.front().at_ms) / 1000;
    return (samples.back().value - samples.front().value) / seconds;
}

// Of a broker that is a controller as well two pools share one meter (KIP-1207), which then goes up to 2; the
// controller's has next to nothing to do. That it shares is told by what the meter has said, not by who votes: newer
// releases tell each pool apart. One that was never seen above one pool counts as one: it is called idle, if anything.
std::vector<Sample> handlers_idle(const Lookup& lookup, SeriesId series, Duration window) {
    const auto all = lookup.history(series, remembered);
    const bool shared = std::ranges::any_of(all, [](const Sample& one) { return one.value > more_than_one_pool; });
    auto samples = lookup.history(series, window);
    for (Sample& one : samples) one.value = std::clamp(one.value - (shared ? 1.0 : 0.0), 0.0, 1.0);
    return samples;
}

std::vector<std::string> kafka_clusters(const Lookup& lookup) {
    std::set<std::string> names;
    for (const auto series : lookup.select("kafka_broker_up")) names.insert(lookup.label(series, "cluster"));
    return {names.begin(), names.end()};
}

std::map<std::string, BrokerLoad> broker_loads(const Lookup& lookup, const std::string& cluster) {
    std::map<std::string, BrokerLoad> loads;
    const auto each = [&](const char* name, const auto& take) {
        for (const auto series : lookup.select(name, {{"cluster", cluster}})) {
            const auto at = loads.find(lookup.label(series, "broker"));
            if (at != loads.end()) take(at->second, series);
        }
    };
    for (const auto series : lookup.select("kafka_broker_up", {{"cluster", cluster}})) {
        const auto up = lookup.value(series);
        if (!up) continue;
        BrokerLoad& load = loads[lookup.label(series, "broker")];
        load.id = lookup.label(series, "broker");
        load.up = *up == 1;
    }
    each("kafka_broker_bytes_in_total",
         [&](BrokerLoad& load, SeriesId series) { load.bytes_in = page_rate(lookup, series); });
    each("kafka_broker_bytes_out_total",
         [&](BrokerLoad& load, SeriesId series) { load.bytes_out = page_rate(lookup, series); });
    each("kafka_broker_replication_bytes_in_total",
         [&](BrokerLoad& load, SeriesId series) { load.replication_in = page_rate(lookup, series); });
    each("kafka_broker_request_handler_idle_ratio",
         [&](BrokerLoad& load, SeriesId series) { load.busy = busy_of(lookup, series); });
    each("kafka_broker_partitions", [&](BrokerLoad& load, SeriesId series) { load.partitions = lookup.value(series); });
    each("kafka_broker_leaders", [&](BrokerLoad& load, SeriesId series) { load.leaders = lookup.value(series); });
    each("kafka_broker_replicas_out_of_sync",
         [&](BrokerLoad& load, SeriesId series) { load.out_of_sync = lookup.value(series); });
    each("kafka_topic_bytes_in_total", [&](BrokerLoad& load, SeriesId series) {
        if (const auto rate = page_rate(lookup, series)) load.topics[lookup.label(series, "topic")] = *rate;
    });
    for (auto& [id, load] : loads) add_disks(lookup, cluster, load);
    return loads;
}

void each_partition(std::string_view assignment, const std::function<void(const PartitionPlace&)>& take) {
    PartitionPlace place;
    while (!assignment.empty()) {
        const auto end = assignment.find(';');
        const std::string_view one = assignment.substr(0, end);
        assignment.remove_prefix(end == std::string_view::npos ? assignment.size() : end + 1);
        const auto colon = one.find(':');
        if (colon == std::string_view::npos) return;
        place.partition = one.substr(0, colon);
        place.replicas.clear();
        for (std::string_view rest = one.substr(colon + 1); !rest.empty();) {
            const auto comma = rest.find(',');
            place.replicas.push_back(rest.substr(0, comma));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
        if (!place.replicas.empty()) take(place);
    }
}

std::string megabytes_per_second(double bytes) {
    if (bytes < 1e5) return std::to_string(std::lround(bytes / 1e3)) + " kB/s";
    const long tenths = std::lround(bytes / 1e5);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MB/s";
}

}  // namespace medic::analyzers
