// connector-topic-absent: a topic that a connector's settings name was there, and Kafka lists it no more while it lists
// others: somebody deleted it, or took from us the right to see it. A task does not fail of that: its client asks for
// the topic again and again, and moves nothing. One that still moves records reads or writes other topics, and is no
// case. A topic that is away and made anew at once (auto.create.topics.enable) is listed again and not told.
#include <algorithm>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/kafka_answers.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::topic_absence {
namespace {

constexpr Duration look_back{10 * 60'000};
// Two looks of Kafka's usual interval (2 s).
constexpr Duration gone_floor{4'000};
// Pages are not looked at in the same moment as Kafka.
constexpr Duration scrape_skew{2'000};

struct Tasks {
    bool known = false, move = false;
};

// Between two looks since. What moved between the last look before and the first one since may have moved before.
bool moved_since(const std::vector<Sample>& samples, WallTime gone) {
    const auto pair = std::ranges::adjacent_find(samples, [&](const Sample& one, const Sample& next) {
        return WallTime{one.at_ms} > gone + scrape_skew && WallTime{next.at_ms} > gone + scrape_skew + gone_floor &&
               one.value != next.value;
    });
    return pair != samples.end();
}

Tasks since(const Lookup& lookup, const Subject& connector, WallTime gone) {
    Tasks tasks;
    for (const char* name : {"connect_task_records_total", "connect_task_polls_total"})
        for (const auto series : lookup.select(name, {{"cluster", connector.cluster}, {"connector", connector.name}})) {
            if (!lookup.motion(series, look_back)) continue;
            tasks.known = true;
            tasks.move = tasks.move || moved_since(lookup.history(series, look_back), gone);
        }
    return tasks;
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& connector, const Subject& topic, bool reads) {
    const auto gone = topic_gone_since(lookup, connector.cluster, topic.name, look_back);
    if (!gone || lookup.now().wall - *gone < gone_floor) return std::nullopt;
    const Tasks tasks = since(lookup, connector, *gone);
    if (tasks.move) return std::nullopt;
    return Finding{.id = "connector-topic-absent",
                   .subject = connector,
                   .since = *gone,
                   // Without sight of its tasks it may be our right to see the topic that is gone.
                   .weight = tasks.known ? 1.0 : 0.6,
                   .summary = "topic " + topic.name + ", which connector " + connector.name +
                              (reads ? " reads" : " writes") + ", does not exist any more",
                   .fields = {{"connector", connector.name}, {"topic", topic.name}},
                   .evidence = {{"metric", "kafka_partition_leader",
                                 "Kafka lists other topics, and topic " + topic.name + " no more", 0, *gone}}};
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    std::set<std::string> clusters;
    for (const auto series : lookup.select("connect_task_state")) clusters.insert(lookup.label(series, "cluster"));
    for (const std::string& cluster : clusters)
        for (const Subject& connector : view.topology.all(cluster, "connector"))
            for (const bool reads : {true, false})
                for (const Subject& topic : view.topology.from(connector, reads ? "reads" : "writes"))
                    if (auto finding = examine(lookup, connector, topic, reads)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"topic_absence",
            "Topics that connectors name and Kafka lists no more.",
            {"connector-topic-absent"},
            run,
            "connect_task_state and kafka_partition_leader"};
}

}  // namespace medic::analyzers::topic_absence
