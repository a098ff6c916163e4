// noisy-client: on a busy broker one client (or user) produces more than all others together. Brokers tell bytes by
// client only where some quota for clients is set, and by its id or its user as that quota goes; a default quota that
// nobody reaches is enough. Where it isn't told nothing is found: which topic is at fault is then told by broker_skew.
#include <algorithm>
#include <cmath>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/broker_load.h"

namespace medic::analyzers::noisy_client {
namespace {

// Kafka's documentation: request handlers should be idle for more than 0.3 of their time.
constexpr double busy_from = 0.7;
// Of all that the broker takes in: as much as all others together, and twice what the next one does. The same load from
// many clients is growth, not one that is noisy.
constexpr double share_from = 0.5, times_the_next = 2.0;
// For a minute all looks must say so, or two, where pages are read less often: a burst that is over by then is nobody's
// trouble, and the idle ratio, a mean over a minute itself, comes near to what it is now.
constexpr Duration looked_at{60'000}, span_min{45'000};
constexpr std::size_t looks_needed = 2;

// Brokers tell either, as their quotas go; a client-id of one user is another thing, and not read.
struct Kind {
    const char *label, *series;
};
constexpr Kind kinds[] = {{"client", "kafka_client_produce_bytes_per_second"},
                          {"user", "kafka_user_produce_bytes_per_second"}};

// The least and the newest of the last looks.
struct Busy {
    double least = 0, now = 0;
};

struct Producer {
    const char* kind = "";
    std::string name;
    double rate = 0;
};

// What one broker does and for whom, in the last minute or so.
struct Load {
    std::string cluster, broker;
    Busy busy;
    double bytes_in = 0;
    std::vector<Producer> producers;  // Those that write, most first.
};

// Oldest first, from the look that held when the minute began; none where too few are known, or over too short a time.
std::vector<Sample> recent(const Lookup& lookup, std::vector<Sample> samples) {
    if (samples.size() < looks_needed) return {};
    const WallTime newest{samples.back().at_ms};
    const std::int64_t from = std::min(lookup.now().wall - looked_at, newest - span_min).unix_ms;
    const auto within = std::ranges::find_if(samples, [&](const Sample& one) { return one.at_ms > from; });
    const auto first = within == samples.begin() ? within : within - 1;
    samples.erase(samples.begin(), std::min(first, samples.end() - looks_needed));
    if (Duration{samples.back().at_ms - samples.front().at_ms} < span_min) return {};
    return samples;
}

std::vector<Sample> recent(const Lookup& lookup, SeriesId series) {
    return recent(lookup, lookup.history(series, page_fresh_within));
}

// Of the one series that the labels pick out.
std::optional<Busy> busy_of(const Lookup& lookup, const LabelValues& which) {
    const auto series = lookup.select("kafka_broker_request_handler_idle_ratio", which);
    if (series.size() != 1) return std::nullopt;
    const auto idle = recent(lookup, handlers_idle(lookup, series.front(), page_fresh_within));
    if (idle.empty()) return std::nullopt;
    return Busy{1 - std::ranges::max(idle, {}, &Sample::value).value, 1 - idle.back().value};
}

std::optional<double> rate(const Lookup& lookup, std::string_view name, const LabelValues& which) {
    const auto series = lookup.select(name, which);
    if (series.size() != 1) return std::nullopt;
    const auto samples = recent(lookup, series.front());
    if (samples.empty() || !std::ranges::is_sorted(samples, {}, &Sample::value)) return std::nullopt;
    const double seconds = static_cast<double>(samples.back().at_ms - samples.front().at_ms) / 1'000;
    return seconds > 0 ? std::optional{(samples.back().value - samples.front().value) / seconds} : std::nullopt;
}

std::optional<Load> load_of(const Lookup& lookup, const std::string& cluster, const std::string& broker) {
    const LabelValues which{{"cluster", cluster}, {"broker", broker}};
    const auto busy = busy_of(lookup, which);
    const auto bytes_in = rate(lookup, "kafka_broker_bytes_in_total", which);
    if (!busy || !bytes_in) return std::nullopt;
    Load load{.cluster = cluster, .broker = broker, .busy = *busy, .bytes_in = *bytes_in, .producers = {}};
    for (const Kind& kind : kinds)
        for (const SeriesId series : lookup.select(kind.series, which)) {
            const auto samples = recent(lookup, series);
            if (samples.empty() || samples.back().value <= 0) continue;  // Told for an hour after its last request.
            load.producers.push_back({kind.label, lookup.label(series, kind.label), mean_of(samples)});
        }
    std::ranges::sort(load.producers, std::greater{}, &Producer::rate);
    double told = 0;
    for (const Producer& one : load.producers) told += one.rate;
    load.bytes_in = std::max(load.bytes_in, told);  // Requests are a little more than the records in them.
    return load;
}

bool noisy(const Load& load) {
    if (load.busy.least < busy_from || load.bytes_in < traffic_matters || load.producers.size() < 2) return false;
    const double most = load.producers[0].rate;
    return most > share_from * load.bytes_in && most >= times_the_next * load.producers[1].rate;
}

Finding finding_of(const Lookup& lookup, const Load& load) {
    const Producer& most = load.producers.front();
    const WallTime now = lookup.now().wall;
    const std::string busy = "the request handlers of broker " + load.broker + " are busy " +
                             percent_of(load.busy.now) + " of the time",
                      mine = std::string(most.kind) + " " + most.name + " produces " + megabytes_per_second(most.rate) +
                             " of " + megabytes_per_second(load.bytes_in) + " to it, the next of " +
                             std::to_string(load.producers.size() - 1) + " others " +
                             megabytes_per_second(load.producers[1].rate);
    const auto whole = [](double value) { return std::to_string(std::lround(value)); };
    std::size_t brokers = 0;
    for (const Kind& kind : kinds)
        if (std::string_view(kind.label) == most.kind)
            brokers = lookup.select(kind.series, {{"cluster", load.cluster}, {kind.label, most.name}}).size();
    return {.id = "noisy-client",
            .subject = {load.cluster, most.kind, most.name},
            .since = now - looked_at,
            .weight = 1,
            .summary = busy + ": " + mine,
            .fields = {{most.kind, most.name},
                       {"broker", load.broker},
                       {"busy_percent", whole(100 * load.busy.now)},
                       {"bytes_per_second", whole(most.rate)},
                       {"broker_bytes_per_second", whole(load.bytes_in)},
                       {"producers", std::to_string(load.producers.size())},
                       {"brokers", std::to_string(brokers)}},
            .evidence = {
                {"metric", "kafka_broker_request_handler_idle_ratio", busy, load.busy.now, now},
                {"metric", std::string("kafka_") + most.kind + "_produce_bytes_per_second", mine, most.rate, now}}};
}

// Of one that is noisy on several brokers, the busiest is told.
std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::map<Subject, Load> worst;
    for (const std::string& cluster : kafka_clusters(lookup))
        for (const auto series : lookup.select("kafka_broker_up", {{"cluster", cluster}})) {
            auto load = load_of(lookup, cluster, lookup.label(series, "broker"));
            if (!load || !noisy(*load)) continue;
            const Producer& most = load->producers.front();
            Load& known = worst[{cluster, most.kind, most.name}];
            if (load->busy.now > known.busy.now) known = *std::move(load);
        }
    std::vector<Finding> found;
    for (const auto& [subject, load] : worst) found.push_back(finding_of(lookup, load));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"noisy_client",
            "A client or user that produces more than all others together to a busy broker.",
            {"noisy-client"},
            run,
            "kafka_broker_up and kafka_broker_bytes_in_total and kafka_broker_request_handler_idle_ratio and "
            "(kafka_client_produce_bytes_per_second or kafka_user_produce_bytes_per_second)"};
}

}  // namespace medic::analyzers::noisy_client
