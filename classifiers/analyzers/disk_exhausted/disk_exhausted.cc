// disk-ran-full and disk-ran-full-of-others: a broker has taken a log dir offline, and when that was last measured
// there was no room left, or none by the time it went, as fast as it filled. A broker that can't append gives the whole
// dir up (KafkaStorageException), and from then on tells nothing of its size: the last measure is the reason, the
// failed dir and the partitions without a leader are what came of it. A dir with room that fails has a broken disk or
// wrong rights.
#include <algorithm>
#include <cmath>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::disk_exhausted {
namespace {

constexpr Duration look_back{60 * 60'000};
// Of what was before, only this tells how fast it filled.
constexpr Duration growth_window{60'000};
constexpr Duration growth_needs{5'000};
// A measure that was older than this when the dir failed says nothing of it.
constexpr Duration measured_before_max{60'000};
constexpr double full_ratio = 0.02;     // Less than this is left: as the symptom KafkaLogDirFull.
constexpr double own_share_min = 0.10;  // As disk_forecast's: below it no topic fills the disk.

// The last samples before a dir went, and how fast they grew.
struct Measure {
    Sample last;
    double per_second = 0;
};

std::optional<Measure> measure(const Lookup& lookup, SeriesId series, WallTime until) {
    auto samples = lookup.history(series, look_back);
    std::erase_if(samples, [&](const Sample& one) { return one.at_ms > until.unix_ms; });
    if (samples.empty()) return std::nullopt;
    Measure found{.last = samples.back()};
    const auto first = std::ranges::find_if(
        samples, [&](const Sample& one) { return found.last.at_ms - one.at_ms <= growth_window.count(); });
    const auto span = found.last.at_ms - first->at_ms;
    if (span >= growth_needs.count())
        found.per_second = (found.last.value - first->value) * 1000 / static_cast<double>(span);
    return found;
}

struct Owner {
    std::string topic;
    double bytes = 0, per_second = 0;
};

// By topic what it held there: the one that grew fastest first, where none grew the largest.
std::vector<Owner> owners(const Lookup& lookup, const LabelValues& dir, WallTime until) {
    std::map<std::string, Owner> by_topic;
    for (const auto series : lookup.select("kafka_replica_size_bytes", dir)) {
        const auto size = measure(lookup, series, until);
        if (!size) continue;
        Owner& one = by_topic[lookup.label(series, "topic")];
        one.topic = lookup.label(series, "topic");
        one.bytes += size->last.value;
        one.per_second += std::max(0.0, size->per_second);
    }
    std::vector<Owner> all;
    for (auto& [topic, one] : by_topic) all.push_back(one);
    std::ranges::sort(all, [](const Owner& a, const Owner& b) {
        return a.per_second != b.per_second ? a.per_second > b.per_second : a.bytes > b.bytes;
    });
    return all;
}

std::string megabytes(double bytes) { return std::to_string(static_cast<std::int64_t>(bytes / 1e6)) + " MB"; }

void say_whose(Finding& finding, const std::vector<Owner>& whose, double used) {
    double own = 0;
    for (const Owner& one : whose) own += one.bytes;
    if (whose.empty()) return;
    if (own < own_share_min * used) {
        finding.id = "disk-ran-full-of-others";
        finding.summary += "; Kafka's replicas held only " + megabytes(own) + " of it";
    } else {
        finding.fields["topic"] = whose.front().topic;
        finding.summary += "; topic " + whose.front().topic +
                           (whose.front().per_second > 0 ? " grew fastest there" : " is the largest there");
    }
    finding.evidence.push_back({"metric", "kafka_replica_size_bytes",
                                "all replicas there together held " + megabytes(own) + ", those of topic " +
                                    whose.front().topic + " " + megabytes(whose.front().bytes),
                                own, finding.since});
}

std::optional<Finding> examine(const Lookup& lookup, SeriesId online) {
    const auto state = lookup.sample(online);
    const auto since = lookup.first_told(online, look_back);  // Its broker may have been started again since.
    if (!state || !since || state->value != 0) return std::nullopt;
    const auto cluster = lookup.label(online, "cluster"), broker = lookup.label(online, "broker"),
               log_dir = lookup.label(online, "log_dir");
    const LabelValues dir{{"cluster", cluster}, {"broker", broker}, {"log_dir", log_dir}};
    std::optional<Measure> total, usable;
    for (const auto series : lookup.select("kafka_log_dir_total_bytes", dir)) total = measure(lookup, series, *since);
    for (const auto series : lookup.select("kafka_log_dir_usable_bytes", dir)) usable = measure(lookup, series, *since);
    if (!total || !usable || total->last.value <= 0) return std::nullopt;
    const Duration gap{since->unix_ms - usable->last.at_ms};
    if (gap > measured_before_max) return std::nullopt;
    const double left =
        usable->last.value + std::min(0.0, usable->per_second) * static_cast<double>(gap.count()) / 1000;
    if (left >= full_ratio * total->last.value) return std::nullopt;
    Finding finding{.id = "disk-ran-full",
                    .subject = {cluster, "log-dir", broker + ":" + log_dir},
                    .since = {usable->last.at_ms},
                    .weight = 1,
                    .summary = "log dir " + log_dir + " of broker " + broker + " ran full and was taken offline",
                    .fields = {{"broker", broker}, {"log_dir", log_dir}},
                    .evidence = {{"metric",
                                  "kafka_log_dir_usable_bytes",
                                  megabytes(usable->last.value) + " of " + megabytes(total->last.value) +
                                      " were left " + spoken(gap) + " before it went offline",
                                  usable->last.value,
                                  {usable->last.at_ms}},
                                 {"metric", "kafka_log_dir_online", "the broker has taken it offline", 0, *since}}};
    if (const auto node = lookup.node_of({cluster, "broker", broker})) finding.fields["node"] = *node;
    say_whose(finding, owners(lookup, dir, *since), total->last.value - usable->last.value);
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto series : lookup.select("kafka_log_dir_online"))
        if (auto finding = examine(lookup, series)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"disk_exhausted",
            "Log dirs that went offline because they were full.",
            {"disk-ran-full", "disk-ran-full-of-others"},
            run,
            "kafka_log_dir_online and kafka_log_dir_total_bytes and kafka_log_dir_usable_bytes"};
}

}  // namespace medic::analyzers::disk_exhausted
