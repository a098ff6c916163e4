// disk-filling and disk-nearly-full: how full each log dir is, whose topic fills it, and how long until it is full.
// disk-filled-by-others: its file system is nearly full, and Kafka's data are the least of it.
#include <algorithm>
#include <cmath>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::disk_forecast {
namespace {

constexpr double warn_ratio = 0.60,
                 act_ratio = 0.80;  // The levels at which operators are told, and at which it is late.
// Below `act_ratio`, yet so fast that waiting for it would be too late.
constexpr double hurry_ratio = 0.70;
constexpr double hurry_seconds = 120;
// Less than this share of what is used: no topic's retention or move would help. A file system that others share stands
// at its level for good; below `act_ratio` that is nobody's fault.
constexpr double own_share_min = 0.10;
constexpr Duration slope_window{5 * 60'000};
constexpr Duration slope_needs{10'000};

struct Growth {
    std::string topic;
    double bytes = 0;             // Now, on this log dir.
    double bytes_per_second = 0;  // Over the window; 0 when not known.
};

// Least squares over the samples; nullopt when they span too little.
std::optional<double> slope_per_second(const std::vector<Sample>& samples) {
    if (samples.size() < 3) return std::nullopt;
    const double first = static_cast<double>(samples.front().at_ms);
    if (Duration{samples.back().at_ms - samples.front().at_ms} < slope_needs) return std::nullopt;
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const auto& sample : samples) {
        const double t = (static_cast<double>(sample.at_ms) - first) / 1000;
        n += 1, x += t, y += sample.value, xx += t * t, xy += t * sample.value;
    }
    const double denominator = n * xx - x * x;
    if (denominator <= 0) return std::nullopt;
    return (n * xy - x * y) / denominator;
}

std::vector<Growth> topics(const Lookup& lookup, const LabelValues& dir) {
    std::map<std::string, Growth> by_topic;
    for (const auto series : lookup.select("kafka_replica_size_bytes", dir)) {
        const auto size = lookup.sample(series);
        if (!size) continue;
        auto& growth = by_topic[lookup.label(series, "topic")];
        growth.bytes += size->value;
        growth.bytes_per_second += slope_per_second(lookup.history(series, slope_window)).value_or(0);
    }
    std::vector<Growth> all;
    for (auto& [topic, growth] : by_topic) {
        growth.topic = topic;
        all.push_back(growth);
    }
    // The one that grows fastest is to blame; where none grows, the largest.
    std::ranges::sort(all, [](const Growth& a, const Growth& b) {
        const double grows_a = std::max(0.0, a.bytes_per_second), grows_b = std::max(0.0, b.bytes_per_second);
        return grows_a != grows_b ? grows_a > grows_b : a.bytes > b.bytes;
    });
    return all;
}

// nullopt: no replica's size is known, so nobody can say whose the data are.
std::optional<double> own_bytes(const std::vector<Growth>& grown) {
    if (grown.empty()) return std::nullopt;
    double sum = 0;
    for (const Growth& growth : grown) sum += growth.bytes;
    return sum;
}

std::string megabytes(double bytes) { return std::to_string(static_cast<std::int64_t>(bytes / 1e6)) + " MB"; }

std::string why(const Lookup& lookup, const LabelValues& dir, const Growth& growth) {
    for (const auto series : lookup.select("kafka_partition_reassigning", {dir.front(), {"topic", growth.topic}}))
        if (lookup.value(series).value_or(0) == 1) return "a reassignment moves replicas of " + growth.topic + " here";
    if (growth.bytes_per_second > 0) return "topic " + growth.topic + " is written faster than its retention removes";
    return "topic " + growth.topic + " is the largest";
}

// "1,2,3": where replicas could go.
std::string brokers_up(const Lookup& lookup, std::string_view cluster) {
    std::string ids;
    for (const auto series : lookup.select("kafka_broker_up", {{"cluster", cluster}}))
        if (lookup.value(series).value_or(0) == 1) ids += (ids.empty() ? "" : ",") + lookup.label(series, "broker");
    return ids;
}

void blame_others(Finding& finding, double own) {
    finding.summary += "; Kafka's replicas hold only " + megabytes(own) + " of it";
    finding.evidence.push_back({"metric", "kafka_replica_size_bytes",
                                "all replicas there together hold " + megabytes(own), own, finding.since});
}

void blame_topic(Finding& finding, const Growth& growth, const std::string& reason) {
    finding.fields["topic"] = growth.topic;
    finding.fields["bytes"] = std::to_string(static_cast<std::int64_t>(growth.bytes));
    finding.fields["reason"] = reason;
    finding.summary += "; " + reason;
    finding.evidence.push_back({"metric", "kafka_replica_size_bytes",
                                "topic " + growth.topic + " holds " + megabytes(growth.bytes) + " there and grows by " +
                                    std::to_string(std::lround(growth.bytes_per_second / 1e3)) + " kB/s",
                                growth.bytes_per_second, finding.since});
}

// The first look in the window above the warning level.
std::optional<WallTime> since_when(const Lookup& lookup, SeriesId usable_series, double total) {
    for (const auto& sample : lookup.history(usable_series, Duration{3'600'000}))
        if (1 - sample.value / total >= warn_ratio) return WallTime{sample.at_ms};
    return std::nullopt;
}

std::optional<Finding> examine(const Lookup& lookup, SeriesId total_series) {
    const auto cluster = lookup.label(total_series, "cluster"), broker = lookup.label(total_series, "broker"),
               log_dir = lookup.label(total_series, "log_dir");
    const LabelValues dir{{"cluster", cluster}, {"broker", broker}, {"log_dir", log_dir}};
    const auto total = lookup.sample(total_series);
    const auto usable_series = lookup.select("kafka_log_dir_usable_bytes", dir);
    if (!total || total->value <= 0 || usable_series.empty()) return std::nullopt;
    const auto usable = lookup.sample(usable_series.front());
    if (!usable) return std::nullopt;
    const double ratio = 1 - usable->value / total->value;
    if (ratio < warn_ratio) return std::nullopt;

    const auto shrinking = slope_per_second(lookup.history(usable_series.front(), slope_window));
    std::optional<double> until_full;
    if (shrinking && *shrinking < 0) until_full = usable->value / -*shrinking;
    const bool late = ratio >= act_ratio || (ratio >= hurry_ratio && until_full && *until_full < hurry_seconds);
    const auto grown = topics(lookup, dir);
    const auto own = own_bytes(grown);
    const bool foreign = own && *own < own_share_min * (total->value - usable->value);
    if (foreign && !late) return std::nullopt;
    Finding finding{.id = foreign ? "disk-filled-by-others"
                          : late  ? "disk-nearly-full"
                                  : "disk-filling",
                    .subject = {cluster, "log-dir", broker + ":" + log_dir},
                    .since = {usable->at_ms},
                    .weight = 1,
                    .summary = "",
                    .fields = {},
                    .evidence = {}};
    finding.fields = {{"broker", broker},
                      {"log_dir", log_dir},
                      {"total_bytes", std::to_string(static_cast<std::int64_t>(total->value))},
                      {"used_bytes", std::to_string(static_cast<std::int64_t>(total->value - usable->value))},
                      {"fill_ratio", std::to_string(ratio)},
                      {"brokers", brokers_up(lookup, cluster)}};
    if (const auto node = lookup.node_of({cluster, "broker", broker})) finding.fields["node"] = *node;
    if (until_full) finding.fields["until_full_seconds"] = std::to_string(static_cast<std::int64_t>(*until_full));
    if (shrinking) finding.fields["growth_bytes_per_second"] = std::to_string(static_cast<std::int64_t>(-*shrinking));
    finding.summary =
        "log dir " + log_dir + " of broker " + broker + " is " + std::to_string(std::lround(ratio * 100)) + " % full";
    if (until_full) finding.summary += ", full in " + spoken(Duration{static_cast<std::int64_t>(*until_full * 1000)});
    finding.evidence.push_back({"metric",
                                "kafka_log_dir_usable_bytes",
                                megabytes(usable->value) + " of " + megabytes(total->value) + " left",
                                usable->value,
                                {usable->at_ms}});
    if (foreign)
        blame_others(finding, *own);
    else if (!grown.empty())
        blame_topic(finding, grown.front(), why(lookup, dir, grown.front()));
    finding.since = since_when(lookup, usable_series.front(), total->value).value_or(finding.since);
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto series : lookup.select("kafka_log_dir_total_bytes"))
        if (auto finding = examine(lookup, series)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"disk_forecast",
            "How full each log dir is, by whom, and for how long it lasts.",
            {"disk-filling", "disk-nearly-full", "disk-filled-by-others"},
            run,
            "kafka_log_dir_total_bytes and kafka_log_dir_usable_bytes"};
}

}  // namespace medic::analyzers::disk_forecast
