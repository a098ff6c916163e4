// jobmanager-lost, worker-lost: the process of a job manager or Connect worker is gone, and its API does not answer.
// jobmanager-frozen, worker-frozen, broker-frozen: the process is there, uses no CPU, and its API does not answer.
// Always two vantage points. A long garbage collection burns CPU, a slow machine starves all: neither is frozen. Lost
// brokers are broker_silence's, task managers taskmanager_silence's.
#include <algorithm>
#include <array>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"
#include "classifiers/analyzers/sink_tasks.h"

namespace medic::analyzers::service_silence {
namespace {

constexpr Duration look_back{10 * 60'000};
// A supervisor starts a process again within seconds, and who never saw it run need not hurry.
constexpr Duration gone_floor{5'000};
constexpr Duration never_seen_floor{15'000};
// SIGSTOP and CONT within 6 s, a snapshot of the virtual machine: no fault.
constexpr Duration frozen_floor{8'000};

struct Kind {
    std::string_view role, name, api, label, lost, frozen, words;
};
constexpr std::array kinds{
    Kind{"jobmanager", "cluster", "flink_jobmanager_reachable", "", "jobmanager-lost", "jobmanager-frozen",
         "job manager"},
    Kind{"connect-worker", "worker", "connect_worker_reachable", "worker", "worker-lost", "worker-frozen",
         "Connect worker"},
    Kind{"broker", "broker", "kafka_broker_reachable", "broker", "", "broker-frozen", "broker"},
};

// One process with the API that it serves.
struct Service {
    const Kind& kind;
    std::string cluster, node, name;  // `name`: as its API calls it.
    SeriesId up, api;
    std::string flink{};  // Which one's API it is, where a cluster has several.

    [[nodiscard]] Finding finding(std::string_view id, WallTime since, std::string what) const {
        const Subject subject =
            kind.label.empty() ? Subject{cluster, "node", node} : Subject{cluster, std::string{kind.name}, name};
        Finding made{.id = std::string{id},
                     .subject = subject,
                     .since = since,
                     .weight = 1,
                     .summary = std::string{kind.words} + " " + (kind.label.empty() ? node : name) + " " + what,
                     .fields = {{"node", node}},
                     .evidence = {}};
        if (!kind.label.empty()) made.fields[std::string{kind.label}] = name;
        if (!flink.empty()) made.fields["flink"] = flink;
        return made;
    }
};

// The APIs that may be the job manager's own. Of a cluster with several Flinks: the one that is called like its node,
// or else those that are silent.
std::vector<SeriesId> own_flinks(const Lookup& lookup, const std::string& node, std::vector<SeriesId> apis) {
    const auto elsewhere = [&](SeriesId api) {
        const std::string address = lookup.label(api, "flink");
        return address.substr(0, address.rfind(':')) != node;
    };
    const auto answers = [&](SeriesId api) { return lookup.value(api) != 0; };
    if (apis.size() > 1 && !std::ranges::all_of(apis, elsewhere)) std::erase_if(apis, elsewhere);
    if (apis.size() > 1) std::erase_if(apis, answers);
    return apis;
}

// nullopt: its API was never asked, or answers.
std::optional<Service> job_manager(const Lookup& lookup, const Kind& kind, SeriesId up) {
    const auto cluster = lookup.label(up, "cluster"), node = lookup.label(up, "node");
    const auto apis = own_flinks(lookup, node, lookup.select(kind.api, {{"cluster", cluster}}));
    if (apis.empty()) return std::nullopt;
    // Where several are silent each may be its own: it is not said which, and all must answer again.
    return Service{kind, cluster, node, node, up, apis.front(), apis.size() > 1 ? "" : lookup.label(apis[0], "flink")};
}

std::vector<Service> services(const Lookup& lookup, const Kind& kind) {
    std::vector<Service> found;
    for (const auto up : lookup.select("process_up", {{"role", kind.role}})) {
        if (kind.label.empty()) {
            if (auto manager = job_manager(lookup, kind, up)) found.push_back(*std::move(manager));
            continue;
        }
        const auto cluster = lookup.label(up, "cluster"), node = lookup.label(up, "node");
        std::vector<Service> here;
        for (const auto api : lookup.select(kind.api, {{"cluster", cluster}})) {
            const auto name = lookup.label(api, kind.label);
            if (lookup.node_of({cluster, std::string{kind.name}, name}) == node)
                here.push_back({kind, cluster, node, name, up, api});
        }
        // Of two that claim the same process nobody knows which one's answer is missing.
        if (here.size() == 1) found.push_back(here.front());
    }
    return found;
}

// Since when the API has not answered; nullopt: it does, or nobody asked lately.
std::optional<Evidence> does_not_answer(const Lookup& lookup, const Service& service) {
    const auto motion = lookup.motion(service.api, look_back);
    if (!motion || motion->value != 0) return std::nullopt;
    return Evidence{"metric", std::string{service.kind.api}, "its API does not answer", 0, motion->changed};
}

std::optional<Finding> lost(const Lookup& lookup, const Service& service, const Evidence& silent) {
    if (service.kind.lost.empty()) return std::nullopt;
    const auto motion = lookup.motion(service.up, look_back);
    if (!motion || motion->value != 0) return std::nullopt;
    if (motion->standing < (motion->moved ? gone_floor : never_seen_floor)) return std::nullopt;
    // A cold standby has no process until it is needed.
    if (lookup.view().topology.attribute({service.cluster, "node", service.node}, "spare") == "true")
        return std::nullopt;
    auto finding = service.finding(service.kind.lost, motion->changed, "is gone: no process on " + service.node);
    finding.evidence = {
        {"metric", "process_up", "the process of node " + service.node + " does not exist", 0, motion->changed},
        silent};
    return finding;
}

// A third vantage point: its controller misses it, too. Then it does not matter how long it has stood before.
std::optional<Evidence> cluster_has_given_up(const Lookup& lookup, const Service& service) {
    if (service.kind.role != "broker") return std::nullopt;
    const auto listed = lookup.value("kafka_broker_up", {{"cluster", service.cluster}, {"broker", service.name}});
    if (listed != 0) return std::nullopt;
    return Evidence{"metric", "kafka_broker_up", "the cluster's metadata no longer lists it", 0, lookup.now().wall};
}

std::optional<Finding> frozen(const Lookup& lookup, const Service& service, const Evidence& silent) {
    const LabelValues node{{"cluster", service.cluster}, {"node", service.node}};
    if (lookup.value(service.up).value_or(0) != 1) return std::nullopt;
    const auto ticks = lookup.cpu_motion(node, look_back);
    if (!ticks || ticks->standing < frozen_floor || lookup.starved(service.cluster)) return std::nullopt;
    const auto given_up = cluster_has_given_up(lookup, service);
    if (!given_up && !unusual(*ticks, frozen_floor)) return std::nullopt;
    auto finding =
        service.finding(service.kind.frozen, ticks->changed, "is alive but silent for " + spoken(ticks->standing));
    finding.evidence = {uses_no_cpu(service.node, *ticks), silent};
    if (given_up) finding.evidence.push_back(*given_up);
    if (auto stopped = stopped_by_signal(lookup, node, ticks->newest)) finding.evidence.push_back(*std::move(stopped));
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& kind : kinds)
        for (const auto& service : services(lookup, kind)) {
            const auto silent = does_not_answer(lookup, service);
            if (!silent) continue;
            auto finding = lost(lookup, service, *silent);
            if (!finding) finding = frozen(lookup, service, *silent);
            if (!finding) continue;
            if (service.kind.role == "connect-worker")
                finding->fields["sink_tasks"] = sink_tasks_of(lookup, service.cluster, service.name);
            found.push_back(*std::move(finding));
        }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"service_silence",
            "Job managers, Connect workers and brokers whose process is gone or stands while their API is silent.",
            {"jobmanager-lost", "jobmanager-frozen", "worker-lost", "worker-frozen", "broker-frozen"},
            run,
            "process_up and (flink_jobmanager_reachable or connect_worker_reachable or kafka_broker_reachable)"};
}

}  // namespace medic::analyzers::service_silence
