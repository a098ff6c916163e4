// hanging-transaction: transactions that nobody will ever end, by topic. The collector tells which ones hang; here is
// whom they hold up, and how far behind the end. A long transaction that its coordinator knows is none: it ends when
// its time is over.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::hanging_transaction {
namespace {

constexpr std::size_t told_max = 20;  // Of one topic, the oldest; the others are told when those are gone.
constexpr std::size_t groups_named_max = 5;

struct Transaction {
    std::string partition, identity;  // PARTITION/PRODUCER/EPOCH/START/COORDINATOR'S EPOCH
    double seconds = 0;
};

using ByTopic = std::map<Subject, std::vector<Transaction>>;

ByTopic hanging(const Lookup& lookup) {
    ByTopic found;
    for (const SeriesId series : lookup.select("kafka_partition_hanging_transaction_seconds")) {
        const auto seconds = lookup.value(series);
        if (!seconds) continue;
        Transaction one{.partition = lookup.label(series, "partition"), .identity = {}, .seconds = *seconds};
        for (const char* label : {"partition", "producer_id", "producer_epoch", "start_offset", "coordinator_epoch"})
            one.identity += (one.identity.empty() ? "" : "/") + lookup.label(series, label);
        found[{lookup.label(series, "cluster"), "topic", lookup.label(series, "topic")}].push_back(std::move(one));
    }
    for (auto& [topic, all] : found) {
        std::ranges::sort(all, [](const Transaction& a, const Transaction& b) {
            return a.seconds != b.seconds ? a.seconds > b.seconds : a.identity < b.identity;
        });
        all.resize(std::min(all.size(), told_max));
    }
    return found;
}

// Records between where readers of committed records must stop and the end of the partition's log.
std::optional<double> unreadable(const Lookup& lookup, const LabelValues& which) {
    const auto stable = lookup.value("kafka_partition_last_stable_offset", which);
    const auto end = lookup.value("kafka_partition_log_end_offset", which);
    return stable && end ? std::optional(*end - *stable) : std::nullopt;
}

// Groups that have come as far as they may.
void held_up(const Lookup& lookup, const LabelValues& which, std::set<std::string>& groups) {
    const auto stable = lookup.value("kafka_partition_last_stable_offset", which);
    for (const SeriesId series : lookup.select("kafka_group_committed_offset", which)) {
        const auto committed = lookup.value(series);
        if (stable && committed && *committed == *stable) groups.insert(lookup.label(series, "group"));
    }
}

std::string joined(const std::set<std::string>& all) {
    std::string text;
    std::size_t count = 0;
    for (const std::string& one : all)
        if (++count <= groups_named_max) text += (text.empty() ? "" : ", ") + one;
    return text;
}

Finding finding_of(const Lookup& lookup, const Subject& topic, const std::vector<Transaction>& all) {
    const WallTime now = lookup.now().wall;
    std::set<std::string> partitions, groups;
    std::string identities;
    double records = 0;
    for (const Transaction& one : all) {
        identities += (identities.empty() ? "" : ";") + one.identity;
        if (!partitions.insert(one.partition).second) continue;
        const LabelValues which{{"cluster", topic.cluster}, {"topic", topic.name}, {"partition", one.partition}};
        records += unreadable(lookup, which).value_or(0);
        held_up(lookup, which, groups);
    }
    const Duration age{std::llround(all.front().seconds) * 1'000};
    const std::string count = std::to_string(all.size()) + (all.size() == 1 ? " transaction" : " transactions"),
                      behind = std::to_string(std::llround(records));
    Finding finding{.id = "hanging-transaction",
                    .subject = topic,
                    .since = now - age,
                    .weight = 1,
                    .summary = count + " on " + topic.name + (all.size() == 1 ? " is" : " are") +
                               " open and known to no coordinator, silent for " + spoken(age) + ": " + behind +
                               " records are kept from readers of committed ones" +
                               (groups.empty() ? "" : " (" + joined(groups) + ")"),
                    .fields = {{"topic", topic.name}, {"transactions", identities}, {"records", behind}},
                    .evidence = {}};
    if (!groups.empty()) finding.fields["groups"] = joined(groups);
    finding.evidence = {
        {"metric", "kafka_partition_hanging_transaction_seconds",
         count + " hang on " + topic.name + ", the oldest silent for " + spoken(age), all.front().seconds, now},
        {"metric", "kafka_partition_last_stable_offset", behind + " records of " + topic.name + " lie behind it",
         records, now}};
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& [topic, all] : hanging(lookup)) found.push_back(finding_of(lookup, topic, all));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"hanging_transaction",
            "Transactions that nobody will ever end, and whom they hold up.",
            {"hanging-transaction"},
            run,
            "kafka_partitions_held_up"};
}

}  // namespace medic::analyzers::hanging_transaction
