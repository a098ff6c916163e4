#include "classifiers/analyzers/kafka_answers.h"

#include <algorithm>
#include <set>

namespace medic::analyzers {
namespace {

// Kafka's default: request.timeout.ms = 30 s. A client may hold on to a request to a broker that went for so long.
constexpr Duration clients_recover{30'000};
// Metadata lists a broker until its session ends (Kafka's default: broker.session.timeout.ms = 9 s).
constexpr Duration metadata_lags{10'000};

// Since when the newest value has stood, and when it was last seen; nullopt: not fresh.
std::optional<Motion> newest_of(const Lookup& lookup, SeriesId series, Duration window) {
    if (!lookup.sample(series)) return std::nullopt;
    const auto samples = lookup.history(series, window);
    if (samples.empty()) return std::nullopt;
    return motion_of(samples);
}

std::optional<AllAnswered> answered(const Lookup& lookup, std::string_view cluster, std::string_view broker,
                                    Duration window) {
    const LabelValues who{{"cluster", cluster}, {"broker", broker}};
    std::optional<Motion> listed, answers;
    for (const auto series : lookup.select("kafka_broker_up", who)) listed = newest_of(lookup, series, window);
    for (const auto series : lookup.select("kafka_broker_reachable", who)) answers = newest_of(lookup, series, window);
    if (listed && listed->value == 0) return AllAnswered{listed->changed + clients_recover, listed->newest};
    const auto& told = answers ? answers : listed;
    if (!told || told->value != 1) return std::nullopt;
    return AllAnswered{told->moved ? told->changed + clients_recover : told->oldest,
                       answers ? told->newest : told->newest - metadata_lags};
}

}  // namespace

std::optional<AllAnswered> brokers_answered(const Lookup& lookup, std::string_view cluster, Duration window) {
    std::optional<AllAnswered> all;
    std::set<std::string> brokers;
    for (const std::string_view name : {"kafka_broker_up", "kafka_broker_reachable"})
        for (const auto series : lookup.select(name, {{"cluster", cluster}}))
            brokers.insert(lookup.label(series, "broker"));
    for (const std::string& broker : brokers) {
        const auto one = answered(lookup, cluster, broker, window);
        if (!one) return std::nullopt;
        if (!all) all = one;
        all = AllAnswered{std::max(all->from, one->from), std::min(all->until, one->until)};
    }
    return all;
}

std::optional<WallTime> topic_gone_since(const Lookup& lookup, std::string_view cluster, const std::string& topic,
                                         Duration window) {
    std::optional<WallTime> own, others;
    for (const auto series : lookup.select("kafka_partition_leader", {{"cluster", cluster}})) {
        const auto samples = lookup.history(series, window);
        if (samples.empty()) continue;
        auto& newest = lookup.label(series, "topic") == topic ? own : others;
        newest = std::max(newest.value_or(WallTime{0}), WallTime{samples.back().at_ms});
    }
    if (!own || !others || lookup.now().wall - *others > lookup.view().fresh_within || *own >= *others)
        return std::nullopt;
    return own;
}

}  // namespace medic::analyzers
