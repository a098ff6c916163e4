#include <algorithm>
#include <array>
#include <map>

#include "classifiers/analyzers/episode.h"
#include "classifiers/analyzers/node_faults/faults_internal.h"

namespace medic::analyzers::node_faults {
namespace {

constexpr std::size_t faults_max = 1'000;  // Of all nodes together; more say nothing that these don't.

struct Role {
    std::string_view role, kind, told_by;
};
constexpr Role roles[] = {{"taskmanager", "taskmanager", "flink_taskmanager_registered"},
                          {"connect-worker", "worker", "connect_worker_reachable"},
                          {"broker", "broker", "kafka_broker_reachable"}};

const Role& role_of_kind(std::string_view kind) { return *std::ranges::find(roles, kind, &Role::kind); }

std::string field(const Event& event, const std::string& name) {
    const auto found = event.fields.find(name);
    return found == event.fields.end() ? std::string() : found->second;
}

std::optional<Place> place_of(const Lookup& lookup, const std::string& cluster, std::string_view kind,
                              const std::string& name) {
    const Role& role = role_of_kind(kind);
    const auto node = lookup.node_of({cluster, std::string(kind), name});
    if (!node) return std::nullopt;
    const auto up = lookup.value("process_up", {{"cluster", cluster}, {"node", *node}});
    return Place{cluster,
                 std::string(role.role),
                 *node,
                 std::string(kind),
                 name,
                 role.told_by,
                 up ? std::optional(*up == 1) : std::nullopt};
}

std::string first_line(const std::string& text) {
    constexpr std::size_t line_max = 200;
    return text.substr(0, std::min(text.find('\n'), line_max));
}

// What a program does wrong by itself it does wherever it runs, and which process it hits first is chance: a mistake in
// its code, or memory that it has used up. No more threads to be had is the host's limit.
bool of_the_program(const ExceptionEvent& exception) {
    constexpr std::array mistakes = {"java.lang.NullPointerException",
                                     "java.lang.ClassCastException",
                                     "java.lang.ArithmeticException",
                                     "java.lang.NumberFormatException",
                                     "java.lang.IndexOutOfBoundsException",
                                     "java.lang.ArrayIndexOutOfBoundsException",
                                     "java.lang.StringIndexOutOfBoundsException",
                                     "java.lang.StackOverflowError"};
    constexpr std::array used_up = {"Java heap space", "GC overhead limit exceeded", "Metaspace",
                                    "irect buffer memory"};
    if (exception.type == "java.lang.OutOfMemoryError")
        return std::ranges::any_of(used_up, [&](const char* what) { return exception.message.contains(what); });
    return std::ranges::find(mistakes, exception.type) != mistakes.end();
}

// A task that failed on a task manager, or a job that the task manager could not set up.
std::optional<std::pair<Place, Fault>> of_job(const Lookup& lookup, const Event& event) {
    const std::string manager = field(event, "taskmanager");
    if (manager.empty()) return std::nullopt;
    if (const auto exception = read_exception(event); exception.noise || of_the_program(exception)) return std::nullopt;
    auto place = place_of(lookup, event.subject.cluster, "taskmanager", manager);
    if (!place) return std::nullopt;
    const std::string vertex = field(event, "vertex"), subtask = field(event, "subtask");
    return std::pair{*std::move(place), Fault{.at = event.at,
                                              .work = event.subject.name,
                                              .part = vertex.empty() ? field(event, "task") : vertex + "/" + subtask,
                                              .text = first_line(event.text),
                                              .ref = event.id,
                                              .job = true}};
}

// A connector's task that went to FAILED there. Connect keeps no history: what it shows is told at each look.
std::optional<std::pair<Place, Fault>> of_connector(const Lookup& lookup, const Event& event) {
    const std::string worker = field(event, "worker");
    if (worker.empty() || field(event, "to") != "FAILED") return std::nullopt;
    auto place = place_of(lookup, event.subject.cluster, "worker", worker);
    if (!place) return std::nullopt;
    const auto slash = event.subject.name.rfind('/');
    return std::pair{*std::move(place), Fault{.at = event.at,
                                              .work = event.subject.name.substr(0, slash),
                                              .part = event.subject.name.substr(slash + 1),
                                              .text = "task " + event.subject.name + " failed on it",
                                              .ref = event.id}};
}

// What a client has sent, or a peer that is away, is no fault of the broker that tells of it.
bool of_somebody_else(const std::string& text) {
    constexpr std::array said_of_others = {"network.Processor", "InvalidRequestException", "InvalidReceiveException"};
    // A follower's thread that fetches writes as well: only who speaks counts, not where its own disk failed.
    const std::string_view speaker = std::string_view(text).substr(0, text.find('\n'));
    return speaker.contains("FetcherThread") || speaker.contains("[ReplicaFetcher ") ||
           std::ranges::any_of(said_of_others, [&](const char* what) { return text.contains(what); });
}

// A broker that logs an error with its trace. Whoever else logs one has it in its tasks already.
std::optional<std::pair<Place, Fault>> of_broker(const Lookup& lookup, const Event& event) {
    if (event.subject.kind != "broker" || field(event, "level") != "ERROR") return std::nullopt;
    if (const auto exception = read_exception(event); exception.type.empty() || exception.noise) return std::nullopt;
    if (of_somebody_else(event.text)) return std::nullopt;
    auto place = place_of(lookup, event.subject.cluster, "broker", event.subject.name);
    if (!place) return std::nullopt;
    return std::pair{*std::move(place),
                     Fault{.at = event.at, .work = "", .part = "", .text = first_line(event.text), .ref = event.id}};
}

std::optional<std::pair<Place, Fault>> read(const Lookup& lookup, const Event& event) {
    if (event.kind == "exception" && event.subject.kind == "job") return of_job(lookup, event);
    if (event.kind == "state-change" && event.subject.kind == "connector-task") return of_connector(lookup, event);
    if (event.kind == "log") return of_broker(lookup, event);
    return std::nullopt;
}

// Who runs on the node now, as its cluster names it.
std::optional<Place> resident(const Lookup& lookup, const std::string& cluster, const std::string& node,
                              const Role& role) {
    for (const SeriesId series : lookup.select(role.told_by, {{"cluster", cluster}})) {
        const std::string name = lookup.label(series, role.kind);
        if (lookup.value(series) != 1.0) continue;
        auto place = place_of(lookup, cluster, role.kind, name);
        if (place && place->node == node) return place;
    }
    return std::nullopt;
}

// Its process began anew: its service manager, or whoever else, starts it again and again.
void restarts(const Lookup& lookup, std::vector<std::pair<Place, Fault>>& all) {
    for (const Role& role : roles)
        for (const SeriesId series : lookup.select("process_start_time_seconds", {{"role", role.role}})) {
            const auto samples = lookup.history(series, window);
            std::vector<WallTime> starts;
            for (std::size_t i = 1; i < samples.size(); ++i)
                if (samples[i].value != samples[i - 1].value) starts.push_back({samples[i].at_ms});
            if (starts.empty()) continue;
            const std::string cluster = lookup.label(series, "cluster"), node = lookup.label(series, "node");
            const auto place = resident(lookup, cluster, node, role);
            for (const WallTime at : starts)
                if (place && all.size() < faults_max)
                    all.emplace_back(*place, Fault{.at = at,
                                                   .work = "",
                                                   .part = "",
                                                   .text = "its process began anew",
                                                   .ref = "process_start_time_seconds",
                                                   .restart = true});
        }
}

// Who did one of the works. A job that fails again and again may never get as far as RUNNING on anybody: there it
// counts that the others were given their part of it as often, and did not fail.
std::set<std::string> doers(const Lookup& lookup, const Place& place, const std::set<std::string>& works) {
    std::set<std::string> names;
    const bool flink = place.kind == "taskmanager";
    for (const SeriesId series :
         lookup.select(flink ? "flink_subtask_state" : "connect_task_state", {{"cluster", place.cluster}})) {
        if (!works.contains(lookup.label(series, flink ? "job" : "connector"))) continue;
        const std::string state = lookup.label(series, "state");
        if (flink ? state == "FAILED" : state != "RUNNING") continue;
        const auto samples = lookup.history(series, window);
        if (std::ranges::any_of(samples, [](const Sample& one) { return one.value == 1; }))
            names.insert(lookup.label(series, place.kind));
    }
    return names;
}

}  // namespace

std::vector<std::pair<Place, Fault>> all_faults(const Lookup& lookup) {
    std::vector<std::pair<Place, Fault>> all;
    for (const Event* event : lookup.view().timeline.since(lookup.now().wall - window))
        if (auto fault = read(lookup, *event); fault && all.size() < faults_max) all.push_back(*std::move(fault));
    restarts(lookup, all);
    return all;
}

std::vector<std::string> peers_at_work(const Lookup& lookup, const Place& place, const std::set<std::string>& works) {
    const bool shares_all = works.size() == 1 && works.contains("");
    const std::set<std::string> doing = shares_all ? std::set<std::string>{} : doers(lookup, place, works);
    std::vector<std::string> peers;
    for (const SeriesId series : lookup.select(place.told_by, {{"cluster", place.cluster}})) {
        const std::string name = lookup.label(series, place.kind);
        if (name == place.name || lookup.value(series) != 1.0) continue;
        if (!shares_all && !doing.contains(name)) continue;
        if (lookup.node_of({place.cluster, place.kind, name}) != place.node) peers.push_back(name);
    }
    return peers;
}

}  // namespace medic::analyzers::node_faults
