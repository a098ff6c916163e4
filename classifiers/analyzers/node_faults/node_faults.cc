// node-many-faults: more faults of one node within a minute than are borne, while its siblings do the same work and
// have none. A fault is what somebody else tells of the node: a task that failed on it, a task manager that could not
// set a job up, an error in a broker's log, a process that began anew. A bad job, connector or record is no node's
// fault: it fails on the siblings too, or always at the same subtask.
#include <algorithm>
#include <map>
#include <set>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/node_faults/faults_internal.h"

namespace medic::analyzers::node_faults {
namespace {

// So many within the window are borne; one more, and it is the node.
constexpr std::size_t faults_borne = 5;
constexpr std::size_t evidence_max = 8;

// What runs on the node under its own name: a restarted process is not to blame for what its predecessor did.
std::optional<WallTime> began(const Lookup& lookup, const Place& place) {
    const LabelValues node{{"cluster", place.cluster}, {"node", place.node}};
    if (const auto start = lookup.value("process_start_time_seconds", node))
        return WallTime{static_cast<std::int64_t>(*start * 1000)};
    const auto up = lookup.select("process_up", node);
    const auto moved = up.size() == 1 ? lookup.motion(up.front(), window) : std::nullopt;
    return moved && moved->moved ? std::optional(moved->changed) : std::nullopt;
}

// It is there, as its cluster sees it: what is gone or signed off is another trouble.
bool serves(const Lookup& lookup, const Place& place) {
    return place.process_up.value_or(true) &&
           lookup.value(place.told_by, {{"cluster", place.cluster}, {place.kind, place.name}}) == 1.0;
}

std::map<Place, std::vector<Fault>> faults_by_place(const Lookup& lookup) {
    std::map<Place, std::vector<Fault>> all;
    for (auto& [place, fault] : all_faults(lookup)) all[place].push_back(std::move(fault));
    for (auto& [place, faults] : all) {
        const auto since = began(lookup, place);
        std::erase_if(faults, [&](const Fault& fault) { return !fault.restart && since && fault.at < *since; });
        std::ranges::stable_sort(faults, {}, &Fault::at);
    }
    return all;
}

// One record, one partition or one setting that always hits the same subtask follows the work, not the node.
bool of_one_subtask(const std::vector<Fault>& faults) {
    return std::ranges::all_of(faults, [&](const Fault& fault) {
        return !fault.part.empty() && fault.work == faults.front().work && fault.part == faults.front().part;
    });
}

// Others of its role that are in sight and do what fails here. nullopt: one of them fails, too.
std::optional<std::vector<std::string>> sound_siblings(const Lookup& lookup, const Place& place,
                                                       const std::map<Place, std::vector<Fault>>& all) {
    for (const auto& [other, faults] : all)
        if (other.cluster == place.cluster && other.role == place.role && other.node != place.node && !faults.empty())
            return std::nullopt;
    std::set<std::string> works;
    for (const Fault& fault : all.at(place)) works.insert(fault.work);
    return peers_at_work(lookup, place, works);
}

Finding finding_of(const Lookup& lookup, const Place& place, const std::vector<Fault>& faults,
                   const std::vector<std::string>& siblings) {
    const auto restarts = std::ranges::count_if(faults, &Fault::restart);
    Finding finding{.id = "node-many-faults",
                    .subject = {place.cluster, "node", place.node},
                    .since = faults.front().at,
                    .weight = 1,
                    .summary = "node " + place.node + " had " + std::to_string(faults.size()) +
                               " faults within a minute, and " + std::to_string(siblings.size()) +
                               (siblings.size() == 1 ? " other that does" : " others that do") +
                               " the same work had none",
                    .fields = {{"node", place.node},
                               {"role", place.role},
                               {"serves", "true"},
                               {place.kind, place.name},
                               {"faults", std::to_string(faults.size())},
                               {"restarts", std::to_string(restarts)}},
                    .evidence = {}};
    const auto of_job = std::ranges::find_if(faults, [](const Fault& fault) { return fault.job; });
    if (of_job != faults.end()) finding.fields["job"] = of_job->work;
    for (const Fault& fault : faults)
        if (finding.evidence.size() < evidence_max)
            finding.evidence.push_back({fault.restart ? "metric" : "event", fault.ref, fault.text, 0, fault.at});
    finding.evidence.push_back(
        {"topology", std::string(place.told_by),
         "without a fault meanwhile: " + siblings.front() + (siblings.size() > 1 ? " and others" : ""), 0,
         lookup.now().wall});
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    const auto all = faults_by_place(lookup);
    std::vector<Finding> found;
    for (const auto& [place, faults] : all) {
        if (faults.size() <= faults_borne || of_one_subtask(faults)) continue;
        if (!serves(lookup, place) || lookup.starved(place.cluster)) continue;
        const auto siblings = sound_siblings(lookup, place, all);
        if (siblings && !siblings->empty()) found.push_back(finding_of(lookup, place, faults, *siblings));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"node_faults",
            "Nodes with more faults within a minute than are borne, whose siblings have none at the same work.",
            {"node-many-faults"},
            run,
            "flink_taskmanager_registered or connect_worker_reachable or kafka_broker_reachable"};
}

}  // namespace medic::analyzers::node_faults
