// What the guards are told about a step: everything that they may look at, as it is known now.
#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "agent/loop/state_internal.h"
#include "remediations/guards/plan_policy.h"
#include "remediations/planning/deployment.h"

namespace medic {
namespace {

// The node's own process is what the incident is about, not something that runs on it, and nobody misses it: one that
// serves on, however badly, is missed.
bool is_patient(const Diagnosis& diagnosis, const std::string& node) {
    if (const auto serves = diagnosis.facts.find("serves"); serves != diagnosis.facts.end() && serves->second == "true")
        return false;
    constexpr std::array processes{"node", "taskmanager", "jobmanager", "worker", "broker"};
    if (std::ranges::find(processes, diagnosis.subject.kind) == processes.end()) return false;
    const auto named = diagnosis.facts.find("node");
    return diagnosis.subject.name == node || (named != diagnosis.facts.end() && named->second == node);
}

// One that only saves time may have been left out: it proves nothing of those after it.
std::size_t steps_done(const Incident& incident) {
    const auto& steps = incident.steps();
    return static_cast<std::size_t>(std::count_if(steps.begin(),
                                                  steps.begin() + static_cast<std::ptrdiff_t>(incident.step),
                                                  [](const Step& step) { return !step.optional; }));
}

bool moves_replicas(const Step& step) {
    const auto* alter = std::get_if<AlterReassignments>(&step.operation);
    return alter != nullptr && std::ranges::any_of(alter->moves, [](const PartitionMove& move) {
               return !move.replicas.empty();  // Empty: a move is cancelled, which is over at once.
           });
}

// Replicas move by themselves, for as long as half an hour. What is done for a job or a connector meanwhile neither
// hinders them nor hides their effect; and what has begun meanwhile comes to its end before the next of them are moved,
// so that no two plans wait for each other.
bool lets_pass(const Incident& mover, const Incident& other) {
    const std::string& remedy = other.plan->remedy;
    if (!remedy.starts_with("flink.") && !remedy.starts_with("connect.")) return false;
    if (mover.may_still_come || !mover.plan || std::ranges::none_of(mover.steps(), moves_replicas)) return false;
    if (mover.state == IncidentState::verifying) return moves_replicas(mover.current());
    return other.begun &&
           (mover.state == IncidentState::waiting_guard || mover.state == IncidentState::waiting_approval);
}

}  // namespace

// One that backs off has given the cluster away, perhaps to what it needs, and has it again when it next acts.
bool holds_cluster(const Incident& incident) {
    return (incident.begun && !incident.yielded) || incident.may_still_come;
}

// The step with what only this incident knows filled in.
Step Loop::State::prepared(const Incident& incident) const {
    Step step = incident.current();
    const Fact* id = book.fresh({step.job, "id"}, now, guard_facts_age_max);
    const auto fill = [&](std::string& job_id) {
        if (job_id.empty() && id != nullptr) job_id = id->text;
    };
    if (auto* stop = std::get_if<StopJobWithSavepoint>(&step.operation)) fill(stop->job_id);
    if (auto* cancel = std::get_if<CancelJob>(&step.operation)) fill(cancel->job_id);
    if (!step.restore_from_own_savepoint) return step;
    auto& start = std::get<StartDeployment>(step.operation);
    start.restore_from = own_savepoint(incident, step.job);
    return step;
}

// Where the job was ended: as the request was answered, else as it was seen afterwards. What was known before the
// request is an older savepoint of the same run, which is told until the new one is: from there the state would be set
// back. "": not known.
std::string Loop::State::own_savepoint(const Incident& incident, const Subject& job) const {
    if (!incident.savepoint.empty()) return incident.savepoint;
    const Fact* path = book.fresh({job, "savepoint_path"}, now, guard_facts_age_max);
    const bool newer = path != nullptr &&
                       std::ranges::find(incident.savepoints_before, path->text) == incident.savepoints_before.end();
    return newer ? path->text : std::string();
}

std::vector<std::string> Loop::State::others_acting(const Incident& incident) const {
    std::vector<std::string> others;
    for (const auto& [number, other] : open)
        if (other.id != incident.id && other.cluster == incident.cluster && holds_cluster(other) &&
            !lets_pass(other, incident))
            others.push_back(other.id);
    return others;
}

std::vector<std::string> Loop::State::clusters_with_cause_of(const Incident& incident) const {
    std::set<std::string> clusters;
    const auto look = [&](const Incident& other) {
        if (other.cluster == incident.cluster) return;
        const std::string& cause = incident.diagnosis.cause;
        // Also what it was taken for first: the shared dependency has failed all the same.
        if (other.diagnosis.cause != cause &&
            std::ranges::find(other.causes_before, cause) == other.causes_before.end())
            return;
        if (other.detected_at.unix_ms != 0 && std::chrono::abs(now - other.detected_at) <= same_cause_window)
            clusters.insert(other.cluster);
    };
    for (const auto& [number, other] : open) look(other);
    for (const auto& other : ended) look(other);
    return {clusters.begin(), clusters.end()};
}

GuardQuestion Loop::State::question_about(const Incident& incident, const Step& step) const {
    GuardQuestion question;
    question.step = step;
    // Found ended before we had ended it: that was a person.
    question.step.after_own_stop = step.after_own_stop && incident.stopped_job == step.job;
    question.key = fmt::format("{}/{}", incident.action_id(), incident.attempt);
    question.incident = incident.id;
    question.cluster = incident.cluster;
    question.diagnosed = incident.diagnosis.subject;
    question.attempt = incident.attempt;
    question.plan_begun = incident.begun;
    question.steps_done = steps_done(incident);
    question.cause_reported_at = incident.last_reported_at;
    question.undo = incident.undoing;
    question.needs_approval = incident.plan->needs_approval;
    question.now = now;
    question.policy =
        decide_step(options.policy, {*incident.plan, incident.diagnosis, planner.level(step.remedy, step.cause)}, step);
    question.journal_writable = journal_writable;
    question.history_complete = history_complete;
    const Duration window = std::max(question.policy.limits.budget_window, question.policy.limits.cooldown);
    for (const auto& past : history)
        if (past.cluster == incident.cluster && now - past.at < window) question.history.push_back(past);
    question.not_before = incident.not_before;
    question.others_acting = others_acting(incident);
    const Fact* pause_file = book.fresh(pause_file_key(), now, guard_facts_age_max);
    if (pause_file != nullptr && pause_file->value) question.pause_file = *pause_file->value != 0;
    question.pauses = pauses;
    // What takes back may rest on nothing but that its effect can be seen: it is not sent blindly either.
    question.facts = read_facts(step.precondition.empty() ? step.done : step.precondition, book);
    question.precondition = all_hold(step.precondition, book, context()).why;
    if (!step.job.kind.empty()) {
        const Fact* state = book.latest({step.job, "flink_job_state"});
        if (state != nullptr) question.job_state = *state;
    }
    if (operations.at.unix_ms != 0) question.operations_seen_at = operations.at;
    for (const auto& operation : operations.operations)
        if (operation.subject.cluster == incident.cluster && operation.by != "medic" &&
            !is_own_work(incident, operation))
            question.operations.push_back(operation);
    if (options.several_agents) {
        const auto agent = acting_agents.find(incident.cluster);
        question.acting_agent = agent != acting_agents.end()
                                    ? agent->second
                                    : ActingAgent{.problem = "its lease has not been asked for yet"};
    }
    question.clusters_with_this_cause = clusters_with_cause_of(incident);
    question.managed = managed_by_others(incident);
    question.storm = storm_in(incident.cluster);
    question.unproven = unproven_in(incident.cluster);
    if (const auto* start = std::get_if<StartNode>(&step.operation))
        if (const Cordon* cordon = cordon_of(incident.cluster, start->node)) question.cordon = *cordon;
    question.takes_away = taken_by(incident, step);
    ask_silences(incident, question);
    question.sight = sight;
    question.clock = clock;
    if (!incident.approved_by.empty())
        question.approval = Approval{incident.action_id(), incident.approved_by, {}, incident.approved_at};
    if (const auto* start = std::get_if<StartDeployment>(&step.operation))
        question.version_quarantined = quarantined.contains({incident.cluster, start->job, start->version}) &&
                                       !accepted_doubts(incident.diagnosis).contains("quarantine");
    return question;
}

// Whoever silences the patient or what the step changes is at work there.
void Loop::State::ask_silences(const Incident& incident, GuardQuestion& question) const {
    const auto mine = std::ranges::find(operations.silences, incident.cluster, &ClusterSilences::cluster);
    if (mine == operations.silences.end()) return;
    question.silences_configured = true;
    question.silences_read_at = mine->read_at;
    question.silences_problem = mine->problem;
    for (const Silence& one : mine->active) {
        if (one.until && *one.until <= now) continue;
        const auto concerned = [&](const Subject& subject) {
            return !subject.kind.empty() && concerns(one, labels_of(subject, mine->also_called));
        };
        if (concerned(incident.diagnosis.subject) || concerned(question.step.subject) || concerned(question.step.job))
            question.silenced.push_back({spoken(one), one.until});
    }
}

// A plan that may not be ended is not begun: all that is still to come of it counts.
std::vector<ManagedChange> Loop::State::managed_by_others(const Incident& incident) const {
    const auto to_come = std::span(incident.steps()).subspan(incident.step);
    const auto cluster = std::ranges::find(options.clusters, incident.cluster, &ClusterInfo::name);
    if (cluster == options.clusters.end()) return managed_changes(to_come, {{.object = "*"}});  // By whom, nobody says.
    return managed_changes(to_come, cluster->managed);
}

// The broker that runs on `node`, as the topology has it; "" = not known.
std::string Loop::State::broker_on(const Incident& incident, const std::string& node) const {
    const Fact* broker = book.latest({{incident.cluster, "node", node}, "broker"});
    return broker == nullptr ? std::string() : broker->text;
}

// What must be looked up before `node` is taken out of service.
std::vector<FactKey> Loop::State::facts_before_taking(const Incident& incident, const std::string& node) const {
    std::vector<FactKey> keys;
    for (const NodeInfo* one : role_of(incident, node)) {
        // Whether it works, and whether it would be missed: another plan may have put it to work, or back into the
        // pool.
        for (const char* fact : {"process_up", "spare"}) keys.push_back({{incident.cluster, "node", one->name}, fact});
        if (one->name != node || one->role != "broker") continue;
        keys.push_back({{incident.cluster, "node", node}, "broker"});
        if (const std::string broker = broker_on(incident, node); !broker.empty())
            for (const char* fact : {"kafka_broker_needed_by", "kafka_broker_logs_to_recover"})
                keys.push_back({{incident.cluster, "broker", broker}, fact});
    }
    return keys;
}

// The nodes of the cluster of the role that `node` has.
std::vector<const NodeInfo*> Loop::State::role_of(const Incident& incident, const std::string& node) const {
    const auto cluster = std::ranges::find(options.clusters, incident.cluster, &ClusterInfo::name);
    if (cluster == options.clusters.end()) return {};
    const auto found = std::ranges::find(cluster->nodes, node, &NodeInfo::name);
    if (found == cluster->nodes.end()) return {};
    std::vector<const NodeInfo*> all;
    for (const NodeInfo& one : cluster->nodes)
        if (one.role == found->role) all.push_back(&one);
    return all;
}

void Loop::State::add_broker(const Incident& incident, TakenAway& taking) const {
    taking.broker = broker_on(incident, taking.node);
    if (taking.broker.empty()) return;
    const Subject broker{incident.cluster, "broker", taking.broker};
    const Fact* needed = book.fresh({broker, "kafka_broker_needed_by"}, now, guard_facts_age_max);
    if (needed != nullptr && !needed->text.empty()) taking.needed_by = needed->text;
    const Fact* logs = book.latest({broker, "kafka_broker_logs_to_recover"});  // On a page that is read once a minute.
    if (logs != nullptr) taking.logs_to_recover = logs->value;
}

std::optional<TakenAway> Loop::State::taken_by(const Incident& incident, const Step& step) const {
    const std::string* node = taken_node(step.operation);
    if (node == nullptr) return std::nullopt;
    TakenAway taking{.node = *node, .patient = is_patient(incident.diagnosis, *node)};
    for (const NodeInfo* one : role_of(incident, *node)) {
        taking.role = one->role;
        const Subject subject{incident.cluster, "node", one->name};
        RoleNode& known = taking.nodes.emplace_back(
            RoleNode{.name = one->name, .zone = one->zone, .spare = is_spare(incident.cluster, *one)});
        bool by_request = false;
        for (const auto& past : history) {
            if (!past.took_node || past.not_done || past.target != subject) continue;
            known.taken_at = past.at;
            by_request = past.incident == incident.id && !incident.requested_by.empty();
        }
        const Fact* up = book.fresh({subject, "process_up"}, now, guard_facts_age_max);
        const bool since = up != nullptr && (!known.taken_at || up->observed_at > *known.taken_at);
        if (since && up->value) known.up = *up->value != 0;
        known.brought_back = by_request && known.up == true;
    }
    if (taking.role == "broker") add_broker(incident, taking);
    return taking;
}

}  // namespace medic
