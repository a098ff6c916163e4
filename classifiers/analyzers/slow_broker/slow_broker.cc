// broker-slow: a broker that works, and takes far longer for what it does than it used to or than its peers, by the
// byte, too: a failing disk, a throttled volume, a starved host. One that merely carries more is slow by its load and
// told by broker_skew; a cluster whose brokers are all slow has another trouble. Cruise Control's two-sided test.
#include <algorithm>
#include <array>
#include <cmath>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::slow_broker {
namespace {

// Cruise Control's SlowBrokerFinder: margins over the 90th percentile of its own past and the median of its peers, and
// slow.broker.log.flush.time.threshold.ms = 1000.
constexpr double history_margin = 3.0, history_percentile = 0.9, peer_margin = 3.0, slow_seconds_min = 1.0;
// It judges five rounds of five minutes; a percentile of the last five minutes, seen five times in a row, is as steady.
constexpr Duration now_window{5 * 60'000};
constexpr std::size_t looks_needed = 4, past_needed = 15;
// As long as so many looks take at one a minute, less a moment: pages may be read every second.
constexpr Duration span_needed{170'000}, past_span_needed{820'000};
constexpr Duration past_window{2 * 3'600'000};
// Its own slow.broker.self.healing.unfixable.ratio is a tenth; in a cluster of three, one is a third.
constexpr double slow_share_max = 0.34;

struct Measure {
    std::string_view series;
    std::string_view what;
    bool rare = false;  // Hours may pass between two of them.
};
// What the disk costs comes first: the whole time of a request holds what followers cost, too.
constexpr std::array<Measure, 3> measures{{{"kafka_broker_log_flush_seconds", "flushes of its logs take", true},
                                           {"kafka_broker_produce_local_seconds", "writing what is produced takes"},
                                           {"kafka_broker_produce_seconds", "produce requests take"}}};

struct Seen {
    std::string broker;
    double now = 0;              // Median of the last minutes.
    std::optional<double> past;  // The percentile of what was before; nullopt: too little is known.
    bool stands = false;         // It may be of long ago: as a peer it serves, but nobody is accused with it.
    double per_byte = 0;
    WallTime since;
};

// Kafka's percentiles change with the next request only: what happened once stands for as long as nothing does.
bool stands(const std::vector<Sample>& samples) {
    return std::ranges::all_of(samples, [&](const Sample& one) { return one.value == samples.front().value; });
}

std::vector<double> values_of(const std::vector<Sample>& samples) {
    std::vector<double> values;
    for (const Sample& one : samples) values.push_back(one.value);
    return values;
}

std::optional<Seen> look_at(const Lookup& lookup, SeriesId series, const BrokerLoad& load, const Measure& measure) {
    if (!load.bytes_in || *load.bytes_in < traffic_matters) return std::nullopt;
    if (!lookup.view().series.latest(series, lookup.now().wall, page_fresh_within)) return std::nullopt;
    const WallTime recent = lookup.now().wall - now_window;
    std::vector<Sample> last, before;
    Seen seen{.broker = load.id, .now = 0, .past = {}, .per_byte = 0, .since = lookup.now().wall};
    for (const auto& sample : lookup.history(series, past_window))
        (WallTime{sample.at_ms} > recent ? last : before).push_back(sample);
    if (last.size() < looks_needed || !spans(last, span_needed)) return std::nullopt;
    seen.stands = measure.rare && stands(last);
    seen.now = median_of(values_of(last));
    if (before.size() >= past_needed && spans(before, past_span_needed)) {
        auto past = values_of(before);
        std::ranges::sort(past);
        seen.past = past[static_cast<std::size_t>(history_percentile * static_cast<double>(past.size() - 1))];
    }
    seen.per_byte = seen.now / (*load.bytes_in + load.replication_in.value_or(0));
    seen.since = recent;
    return seen;
}

bool is_slow(const Seen& one, const std::vector<Seen>& all) {
    if (one.now < slow_seconds_min || one.stands) return false;
    std::vector<double> peers, peers_per_byte;
    for (const Seen& other : all)
        if (other.broker != one.broker) peers.push_back(other.now), peers_per_byte.push_back(other.per_byte);
    const bool over_past = one.past && one.now > history_margin * *one.past;
    const bool over_peers = peers.size() >= 2 && one.now > peer_margin * median_of(peers);
    // By the byte, against peers alone: its own load of the past is not kept with each figure.
    const bool by_byte = peers.size() >= 2 && one.per_byte > peer_margin * median_of(peers_per_byte);
    return (over_past || over_peers) && by_byte;
}

std::string milliseconds(double seconds) { return std::to_string(std::lround(seconds * 1000)) + " ms"; }

// Who could lead in its place, and how busy that would keep them together: what its clients' bytes cost the others now.
// Left out where no page tells what the others carry.
void add_heirs(Finding& finding, const std::map<std::string, BrokerLoad>& loads, const BrokerLoad& slow) {
    std::string peers, busy;
    double bytes = 0, cost = 0;
    for (const auto& [id, load] : loads) {
        if (id == slow.id || !load.up || !load.busy || !load.bytes_in) continue;
        peers += (peers.empty() ? "" : ",") + id;
        busy += (busy.empty() ? "" : ",") + std::to_string(std::lround(100 * *load.busy));
        bytes += *load.bytes_in;
        cost += *load.busy;
    }
    if (peers.empty() || bytes <= 0) return;
    finding.fields["peers"] = peers;
    finding.fields["peers_busy_percent"] = busy;
    finding.fields["moved_busy_percent"] = std::to_string(std::lround(100 * cost / bytes * *slow.bytes_in));
}

Finding tell(const Lookup& lookup, const std::string& cluster, const Seen& slow, const std::vector<Seen>& all,
             const Measure& measure, const BrokerLoad& load) {
    std::vector<double> peers;
    for (const Seen& other : all)
        if (other.broker != slow.broker) peers.push_back(other.now);
    const std::string text =
        std::string(measure.what) + " " + milliseconds(slow.now) + ", on its peers " + milliseconds(median_of(peers));
    Finding finding{.id = "broker-slow",
                    .subject = {cluster, "broker", slow.broker},
                    .since = slow.since,
                    .weight = 1,
                    .summary = "broker " + slow.broker + " is slow: " + text,
                    .fields = {{"broker", slow.broker},
                               {"seconds", std::to_string(slow.now)},
                               {"measure", std::string(measure.series)}},
                    .evidence = {{"metric", std::string(measure.series), text, slow.now, lookup.now().wall}}};
    if (slow.past)
        finding.evidence.push_back({"metric", std::string(measure.series),
                                    "nine tenths of its own figures before were below " + milliseconds(*slow.past),
                                    *slow.past, lookup.now().wall});
    finding.evidence.push_back({"metric", "kafka_broker_bytes_in_total",
                                "it takes in " + megabytes_per_second(*load.bytes_in) + ": its load is not the reason",
                                *load.bytes_in, lookup.now().wall});
    if (load.out_of_sync.value_or(0) > 0)
        finding.evidence.push_back(
            {"metric", "kafka_broker_replicas_out_of_sync",
             std::to_string(std::lround(*load.out_of_sync)) + " of its replicas have fallen out of sync",
             *load.out_of_sync, lookup.now().wall});
    if (const auto node = lookup.node_of(finding.subject)) finding.fields["node"] = *node;
    return finding;
}

std::vector<Finding> examine(const Lookup& lookup, const std::string& cluster) {
    const auto loads = broker_loads(lookup, cluster);
    for (const Measure& measure : measures) {
        std::vector<Seen> all;
        for (const auto series : lookup.select(measure.series, {{"cluster", cluster}})) {
            const auto load = loads.find(lookup.label(series, "broker"));
            if (load == loads.end() || !load->second.up) continue;
            // Nobody waits for one that leads nothing, and its percentiles are those of what it once did.
            if (load->second.leaders == 0.0) continue;
            if (auto seen = look_at(lookup, series, load->second, measure)) all.push_back(*std::move(seen));
        }
        std::vector<Finding> found;
        for (const Seen& one : all)
            if (is_slow(one, all)) found.push_back(tell(lookup, cluster, one, all, measure, loads.at(one.broker)));
        if (found.empty()) continue;
        if (static_cast<double>(found.size()) > slow_share_max * static_cast<double>(all.size())) return {};
        for (Finding& finding : found) {
            add_heirs(finding, loads, loads.at(finding.subject.name));
            finding.fields["others_slow"] = std::to_string(found.size() - 1);
        }
        return found;
    }
    return {};
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const std::string& cluster : kafka_clusters(lookup)) {
        if (lookup.starved(cluster)) continue;
        for (auto& finding : examine(lookup, cluster)) found.push_back(std::move(finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"slow_broker",
            "Brokers that work, and far slower than they did or than their peers do under the same load.",
            {"broker-slow"},
            run,
            "kafka_broker_up and kafka_broker_bytes_in_total and (kafka_broker_log_flush_seconds or "
            "kafka_broker_produce_local_seconds or kafka_broker_produce_seconds)",
            Duration{60'000}};
}

}  // namespace medic::analyzers::slow_broker
