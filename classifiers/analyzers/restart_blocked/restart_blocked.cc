// restart-blocked: a job that wants to restart (or to be cancelled) and cannot, because one task ignores its
// cancellation on a task manager that is alive. A dead or frozen task manager is another story (taskmanager_silence).
#include <algorithm>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/episode.h"
#include "classifiers/analyzers/kafka_answers.h"

namespace medic::analyzers::restart_blocked {
namespace {

constexpr Duration look_back{2 * 3'600'000};
// Well-behaved tasks end in milliseconds; eight seconds leaves room for a last flush. (Flink itself warns after 30 s
// and kills its own process after 180 s: task.cancellation.interval and .timeout.)
constexpr Duration floor{8'000};
// While a broker is away a Kafka source that ends waits for its group's coordinator: KafkaPartitionSplitReader.close()
// is consumer.close(), which takes up to 30 s (Kafka's default) to leave.
constexpr Duration floor_without_brokers{35'000};
// Where a person has cancelled the job nothing waits for it to run again: Flink's own end of it is left to come first.
constexpr Duration cancelled_floor{200'000};
// The process must have moved this recently, or the job manager heard of it, to count as alive.
constexpr double heartbeat_alive_seconds = 15;

struct Blocker {
    std::string taskmanager, vertex, subtask;
    WallTime since;
    std::vector<Evidence> alive;
};

// Evidence that the task manager lives; empty: not known, or dead.
std::vector<Evidence> lives(const Lookup& lookup, const std::string& cluster, const std::string& manager) {
    const LabelValues labels{{"cluster", cluster}, {"taskmanager", manager}};
    if (lookup.value("flink_taskmanager_registered", labels).value_or(1) == 0) return {};
    std::vector<Evidence> said;
    if (const auto age = lookup.value("flink_taskmanager_heartbeat_age_seconds", labels)) {
        if (*age > heartbeat_alive_seconds) return {};
        said.push_back({"metric", "flink_taskmanager_heartbeat_age_seconds", "its task manager still sends heartbeats",
                        *age, lookup.now().wall});
    }
    if (const auto node = lookup.node_of({cluster, "taskmanager", manager})) {
        const auto up = lookup.value("process_up", {{"cluster", cluster}, {"node", *node}});
        if (up && *up == 0) return {};
        if (up) said.push_back({"metric", "process_up", "its process on " + *node + " exists", 1, lookup.now().wall});
    }
    return said;
}

// How long a task may take to end. Where nobody watches Kafka nothing is known to hold it up.
Duration floor_of(const Lookup& lookup, const std::string& cluster, WallTime since) {
    const LabelValues here{{"cluster", cluster}};
    if (lookup.select("kafka_broker_up", here).empty() && lookup.select("kafka_broker_reachable", here).empty())
        return floor;
    const auto answered = brokers_answered(lookup, cluster, look_back);
    return answered && answered->from <= since ? floor : floor_without_brokers;
}

std::optional<Blocker> blocker(const Lookup& lookup, const std::string& cluster, const std::string& job) {
    std::optional<Blocker> worst;
    for (const auto series :
         lookup.select("flink_subtask_state", {{"cluster", cluster}, {"job", job}, {"state", "CANCELING"}})) {
        if (lookup.value(series).value_or(0) != 1) continue;
        const auto since = lookup.since(series, look_back);
        const auto manager = lookup.label(series, "taskmanager");
        if (!since || manager.empty() || lookup.now().wall - *since < floor_of(lookup, cluster, *since)) continue;
        if (worst && worst->since <= *since) continue;
        if (auto alive = lives(lookup, cluster, manager); !alive.empty())
            worst = Blocker{manager, lookup.label(series, "vertex"), lookup.label(series, "subtask"), *since,
                            std::move(alive)};
    }
    return worst;
}

void add_first_failure(const Lookup& lookup, Finding& finding) {
    for (const auto& episode : episodes(lookup, look_back)) {
        if (episode.subject != finding.subject) continue;
        const auto& first = episode.exceptions[episode.first];
        finding.fields["first_exception"] = first.type;
        finding.fields["first_message"] = first.message.substr(0, 500);
        finding.since = std::min(finding.since, first.event->at);
        finding.evidence.push_back({"trace", first.event->id,
                                    "the episode began with " + first.type + ": " + first.message.substr(0, 300), 0,
                                    first.event->at});
    }
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    std::vector<Subject> seen;
    for (const auto series : lookup.select("flink_job_state")) {
        if (lookup.value(series).value_or(0) != 1) continue;
        const auto state = lookup.label(series, "state");
        if (state != "RESTARTING" && state != "FAILING" && state != "CANCELLING") continue;
        const Subject job{lookup.label(series, "cluster"), "job", lookup.label(series, "job")};
        const auto since = lookup.since(series, look_back);
        const Duration waited_for = state == "CANCELLING" ? cancelled_floor : floor;
        if (!since || now.wall - *since < waited_for || std::ranges::find(seen, job) != seen.end()) continue;
        const auto held = blocker(lookup, job.cluster, job.name);
        if (!held || lookup.starved(job.cluster)) continue;
        seen.push_back(job);
        Finding finding{.id = "restart-blocked",
                        .subject = job,
                        .since = *since,
                        .weight = 1,
                        .summary = "",
                        .fields = {},
                        .evidence = {}};
        finding.summary = "job " + job.name + " is " + state + " because " + held->vertex + " (" + held->subtask +
                          ") on " + held->taskmanager + " has ignored its cancellation for " +
                          spoken(now.wall - held->since);
        finding.fields = {{"job", job.name},
                          {"taskmanager", held->taskmanager},
                          {"vertex", held->vertex},
                          {"subtask", held->subtask},
                          {"state", state}};
        if (const auto node = lookup.node_of({job.cluster, "taskmanager", held->taskmanager}))
            finding.fields["node"] = *node;
        if (const auto id = view.topology.attribute(job, "id")) finding.fields["job_id"] = *id;
        std::string spares;
        for (const auto& spare : lookup.spares(job.cluster, "taskmanager"))
            spares += (spares.empty() ? "" : ",") + spare;
        if (!spares.empty()) finding.fields["spares"] = spares;
        finding.evidence.push_back(
            {"metric", "flink_job_state", "the job is " + state + " since " + spoken(now.wall - *since), 1, *since});
        finding.evidence.push_back({"metric", "flink_subtask_state",
                                    held->vertex + " is CANCELING since " + spoken(now.wall - held->since), 1,
                                    held->since});
        finding.evidence.insert(finding.evidence.end(), held->alive.begin(), held->alive.end());
        add_first_failure(lookup, finding);
        found.push_back(std::move(finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"restart_blocked",
            "Restarts that a task blocks by ignoring its cancellation.",
            {"restart-blocked"},
            run,
            "flink_job_state and flink_subtask_state"};
}

}  // namespace medic::analyzers::restart_blocked
