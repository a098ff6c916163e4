// What a drill is told before it breaks something (GET /api/v1/practice): on the ingest thread, where what is known
// stands; pauses come from the journal.
#include "agent/daemon/agent_standing.h"

#include <algorithm>
#include <filesystem>

#include "agent/daemon/agent_state_internal.h"
#include "agent/practice/fault.h"
#include "remediations/planning/objects.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

using practice::ModeStanding;
using practice::NodeStanding;
using practice::Standing;

constexpr const char* job_lost = "flink.job-lost";

// What is not lost by being old: how a guard would take it.
struct Known {
    const Knowledge& knowledge;
    WallTime now;

    [[nodiscard]] Fact fresh(const Subject& subject, const char* name) const {
        Fact fact = knowledge.fact({subject, name}, now);
        if (now - fact.observed_at > guard_facts_age_max) return {subject, name, std::nullopt, "", fact.observed_at};
        return fact;
    }
    [[nodiscard]] std::optional<bool> flag(const Subject& subject, const char* name) const {
        const Fact fact = fresh(subject, name);
        return fact.value ? std::optional(*fact.value != 0) : std::nullopt;
    }
};

std::string silenced_by(const ClusterSilences& silences, const std::vector<Subject>& subjects, WallTime now) {
    for (const Silence& one : silences.active) {
        if (one.until && *one.until <= now) continue;
        for (const Subject& subject : subjects)
            if (!subject.name.empty() && concerns(one, labels_of(subject, silences.also_called))) return spoken(one);
    }
    return "";
}

NodeStanding node_standing(const Known& known, const ClusterConfig& cluster, const NodeConfig& config,
                           const ClusterSilences& silences) {
    const Subject subject{cluster.name, "node", config.name};
    const NodeLink link = known.knowledge.link(cluster.name, config.name);
    NodeStanding node{.name = config.name, .role = config.role, .zone = config.zone, .spare = config.spare};
    node.up = known.flag(subject, "process_up");
    node.stopped = known.flag(subject, "process_stopped");
    if (const auto spare = known.flag(subject, "spare")) node.spare = *spare;
    node.broker = link.broker;
    node.worker = link.worker;
    node.taskmanager = link.taskmanager;
    const Subject broker{cluster.name, "broker", link.broker}, manager{cluster.name, "taskmanager", link.taskmanager};
    if (!link.broker.empty()) {
        const Fact needed = known.fresh(broker, "kafka_broker_needed_by");
        if (!needed.text.empty()) node.needed_by = needed.text;
        // On a page that may be read once a minute.
        node.logs_to_recover = known.knowledge.fact({broker, "kafka_broker_logs_to_recover"}, known.now).value;
    }
    if (!link.taskmanager.empty()) {
        node.slots = known.fresh(manager, "flink_taskmanager_slots").value;
        node.slots_free = known.fresh(manager, "flink_taskmanager_free_slots").value;
    }
    node.silenced = silenced_by(silences, {subject, broker, manager, {cluster.name, "worker", link.worker}}, known.now);
    return node;
}

void take_operations(Standing& standing, const OperationsUnderWay& all) {
    if (all.at.unix_ms != 0) standing.operations_at = all.at;
    for (const OperationUnderWay& one : all.operations)
        if (one.subject.cluster == standing.cluster && one.by != "medic")
            standing.operations.push_back({one.kind, one.subject.kind, one.subject.name, one.by});
}

// More incidents within the window, or since the calm that ends a storm, than single faults explain
// (agent/loop/storm.cc counts the same).
std::size_t storm_of(const StormLimits& limits, const std::vector<Incident>& incidents, const std::string& cluster,
                     WallTime now) {
    const auto lately = static_cast<std::size_t>(std::ranges::count_if(incidents, [&](const Incident& one) {
        return one.cluster == cluster && one.noticed_at.unix_ms != 0 &&
               now - one.noticed_at < limits.window + limits.calm;
    }));
    return lately > static_cast<std::size_t>(limits.incidents) ? lately : 0;
}

void take_acting(Standing& standing, const ActingAgents& acting) {
    standing.several_agents = true;
    const auto agent = acting.by_cluster.find(standing.cluster);
    if (agent == acting.by_cluster.end()) {
        standing.acting_problem = "its lease has not been asked for yet";
        return;
    }
    standing.acting_problem = agent->second.problem;
    if (!agent->second.ours) standing.acting_holder = agent->second.holder;
}

// Which of the objects it will be nobody knows yet: the strictest of what is said of each. Without one, what is said of
// any.
ModeStanding strictest_mode(const Policy& policy, PolicyQuestion question, const std::vector<std::string>& objects) {
    const auto said_of = [&](const std::string& object) {
        question.object = object;
        return decide(policy, question);
    };
    PolicyDecision strictest = said_of(objects.empty() ? "" : objects.front());
    std::string whose = objects.empty() ? "" : objects.front() + ": ";
    for (const std::string& object : objects) {
        PolicyDecision said = said_of(object);
        if (said.mode >= strictest.mode) continue;
        strictest = std::move(said);
        whose = object + ": ";
    }
    return {std::string(question.cause), std::string(question.remedy), std::string(to_string(strictest.mode)),
            whose + strictest.why};
}

}  // namespace

std::vector<ModeStanding> modes_of(const Catalogue& catalogue, const Policy& policy, const std::string& cluster,
                                   const std::vector<Subject>& jobs) {
    const Planner planner(remedies::all_remedies());
    std::vector<std::string> job_objects, causes{job_lost};
    for (const Subject& job : jobs) job_objects.push_back(policy_object(job));
    for (const practice::Fault& fault : practice::all_faults()) causes.emplace_back(fault.cause);
    std::vector<ModeStanding> all;
    for (const std::string& id : causes) {
        const Cause* cause = catalogue.find(id);
        if (cause == nullptr || cause->remedies.empty()) continue;
        const std::string& remedy = cause->remedies.front();
        const PolicyQuestion question{
            .remedy = remedy, .cause = id, .cluster = cluster, .object = "", .level = planner.level(remedy, id)};
        all.push_back(strictest_mode(policy, question, id == job_lost ? job_objects : std::vector<std::string>()));
    }
    return all;
}

Result<std::string> Agent::State::say_standing(const std::string& name, const std::vector<PauseRow>& pauses) const {
    if (!looked) return fail(ErrorCode::not_ready, "it has only just started and not looked at everything yet");
    const ClusterConfig* cluster = config.cluster(name);
    if (cluster == nullptr) return fail(ErrorCode::invalid, "cluster {} is not in the configuration", name);
    const WallTime at = now();
    practice::Standing standing{.cluster = name, .at = at};
    if (newest.at.unix_ms != 0) standing.reported_at = newest.at;
    standing.targets = newest.targets_total;
    standing.blind = newest.blind_targets.size();
    standing.tick_lateness_seconds = newest.tick_lateness_seconds;
    std::error_code error;
    const bool paused = std::filesystem::exists(pause_file, error);
    if (!error) standing.pause_file = paused;
    take_operations(standing, with_planned(knowledge->operations(at), newest));
    for (const PauseRow& one : pauses)
        if (one.cluster.empty() || one.cluster == name) standing.pauses.push_back({one.cluster, one.by, one.reason});
    {
        const std::lock_guard guard(shared_mutex);
        standing.storm_incidents = storm_of(options.policy.storm, shown, name, at);
        if (leases) take_acting(standing, acting);
        for (const Incident& one : shown)
            if (one.cluster == name && !one.ended())
                standing.incidents.push_back({one.id, one.diagnosis.cause, std::string(to_string(one.state))});
    }
    ClusterSilences silences;
    for (const ClusterSilences& one : knowledge->silences()) {
        if (one.cluster != name) continue;
        silences = one;
        const bool old = !silences.read_at || at - *silences.read_at > guard_silences_age_max;
        if (old) standing.silences_problem = silences.problem.empty() ? "not read yet" : silences.problem;
    }
    for (const NodeConfig& node : cluster->nodes)
        standing.nodes.push_back(node_standing({*knowledge, at}, *cluster, node, silences));
    standing.modes = modes_of(brain->catalogue(), options.policy, name, knowledge->topology().all(name, "job"));
    return practice::standing_document(standing);
}

Result<std::string> Agent::State::practice(const std::string& cluster) const {
    // The journal is read here, on the server's thread: on the ingest thread a long one would hold up every look.
    MEDIC_TRY(const auto reader, Journal::open_read_only(config.data_dir + "/journal.db"));
    const JournalState kept = reader->load(now());
    if (!kept.complete) return fail(ErrorCode::unavailable, "the journal can't be read in full: {}", kept.problem);
    return ask_ingest(*ingest, [this, cluster, pauses = kept.pauses] { return say_standing(cluster, pauses); });
}

}  // namespace medic
