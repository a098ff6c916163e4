// From a diagnosis to a plan: which remedy, with which facts, and what follows when none is left.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"
#include "remediations/guards/plan_policy.h"

namespace medic {
namespace {

// The states that prove the plan's success: of the job, of the task. Not its means: a node that it has started may well
// be stopped again, and storage that it has grown may stay small, when a person has mended things in another way.
std::vector<Condition> states_hoped_for(const Plan& plan) {
    std::vector<Condition> result;
    for (const auto& step : plan.steps) {
        if (step.after_heal) break;
        result.clear();
        std::ranges::copy_if(step.expectation.all, std::back_inserter(result),
                             [](const Condition& one) { return one.is == Condition::Is::text_in; });
    }
    return result;
}

}  // namespace

// As it was seen lately, else as it was left, else as it is configured.
bool Loop::State::is_spare(const std::string& cluster, const NodeInfo& node) const {
    const Fact* seen = book.fresh({{cluster, "node", node.name}, "spare"}, now, guard_facts_age_max);
    if (seen != nullptr && seen->value) return *seen->value != 0;
    const auto remembered = node_is_spare.find({cluster, node.name});
    return remembered != node_is_spare.end() ? remembered->second : node.spare;
}

PlanningView Loop::State::view_of(const Incident& incident, const std::vector<FactKey>& needs) const {
    PlanningView view;
    view.now = now;
    if (const auto& diagnosis = incident.diagnosis; incident.ladder < diagnosis.remedies.size()) {
        const std::string& remedy = diagnosis.remedies[incident.ladder];
        view.floors = floors(options.policy, {.remedy = remedy,
                                              .cause = diagnosis.cause,
                                              .cluster = incident.cluster,
                                              .object = {},
                                              .level = planner.level(remedy, diagnosis.cause)});
    }
    for (const auto& cluster : options.clusters)
        if (cluster.name == incident.cluster) view.cluster = cluster;
    for (auto& node : view.cluster.nodes) node.spare = is_spare(incident.cluster, node);
    view.cluster = with_cordons(std::move(view.cluster), cordons);
    for (const auto& [cluster, job, version] : quarantined)
        if (cluster == incident.cluster) view.quarantined.insert({job, version});
    for (const auto& key : needs) {
        const Fact* fact = book.latest(key);
        view.facts.push_back(fact != nullptr ? *fact : Fact{key.subject, key.name, {}, {}, {}});
    }
    return view;
}

// An agent that was held up between its last look at the lease and its request may be late by any time, on a host of
// which the new one knows nothing: a deployment that is started twice writes twice.
void Loop::State::ask_for_unfenced(const Incident& incident, Plan& plan) const {
    if (!options.on_several_hosts || !plan.needs_approval.empty()) return;
    for (const auto& step : plan.steps) {
        const auto* start = std::get_if<StartDeployment>(&step.operation);
        if (start == nullptr) continue;
        const auto fenced = [&](const ClusterInfo& cluster) {
            return cluster.name == incident.cluster &&
                   std::ranges::any_of(cluster.deployments, [&](const DeploymentInfo& deployment) {
                       return deployment.job == start->job && deployment.fenced;
                   });
        };
        if (std::ranges::any_of(options.clusters, fenced)) continue;
        plan.needs_approval = "agents on several hosts share the lease, and nothing refuses a late start of " +
                              start->job + ": its driver's start command takes no {fencing_token}";
    }
}

// Records that never reach whom they are for are agreed to before the plan begins, by the policy or by a person: not
// in its middle, with the connector stopped.
void Loop::State::ask_for_records(const Incident& incident, Plan& plan) const {
    if (!plan.needs_approval.empty()) return;
    for (const auto& step : plan.steps) {
        if (records_passed_over(step.operation).value_or(0) == 0) continue;
        const auto decision =
            decide_step(options.policy, {plan, incident.diagnosis, planner.level(plan.remedy, plan.cause)}, step);
        if (!decision.names_object) plan.needs_approval = step.text + ", and the policy does not name " + step.object;
    }
}

void Loop::State::plan(Incident& incident) {
    if (!incident.acted && is_gone(incident)) return resolve(incident, "went_away", "it is no longer reported");
    const Diagnosis& diagnosis = incident.diagnosis;
    if (incident.ladder >= diagnosis.remedies.size()) return ladder_ended(incident);
    if (incident.plans >= options.replans_max)
        return escalate(incident, "no_effect",
                        fmt::format("{} plans were made for it: a person must look", incident.plans));
    const std::string& remedy = diagnosis.remedies[incident.ladder];
    const auto needs = planner.needs(remedy, diagnosis, view_of(incident, {}));
    for (const auto& key : needs) want(key);
    for (const auto& cluster : options.clusters)
        if (cluster.name == incident.cluster)
            for (const auto& node : cluster.nodes) want({{cluster.name, "node", node.name}, "spare"});
    const bool waited = now - incident.state_since >= options.plan_facts_max;
    // What was asked for another incident a minute ago is no answer.
    const bool answered =
        std::ranges::all_of(needs, [&](const FactKey& key) { return book.answered_since(key, incident.state_since); });
    if (!answered && !waited) return;

    const PlanningView view = view_of(incident, needs);
    const auto made = planner.plan(remedy, diagnosis, view);
    if (!made && made.error().code != ErrorCode::invalid && !waited) return;  // Facts may still come.
    decide_on(incident, "plan", plan_verdict(made), made ? made->summary : remedy + ": " + made.error().message,
              encode_planning(remedy, diagnosis, view));
    if (!made)
        return next_rung(incident, Rung::untried,
                         (incident.requested_by.empty() ? "can't help: " : "") + made.error().message);
    const std::optional<Plan> before = std::exchange(incident.plan, *made);
    ask_for_unfenced(incident, *incident.plan);
    ask_for_records(incident, *incident.plan);
    ++incident.plans;
    incident.undoing = incident.begun = false;
    incident.last_verdict.clear();
    // Who asks for a thing agrees to it, but not to what is only now seen to be doubtful about it. Whoever has agreed
    // to go on from a job's state has agreed to go on from a newer one.
    const bool agreed = std::exchange(incident.moved_on, false) && before && is_as_agreed(*incident.plan, *before);
    if (!agreed && (incident.requested_by.empty() || !incident.plan->needs_approval.empty()))
        incident.approved_by.clear();
    begin_step(incident, 0);
    tell(incident, "plan: " + made->summary);
    for (const std::string& finding : made->findings) tell(incident, finding);
}

bool Loop::State::observes_only(const Incident& incident) const {
    const Diagnosis& diagnosis = incident.diagnosis;
    return std::ranges::all_of(diagnosis.remedies, [&](const std::string& remedy) {
        const auto level = planner.level(remedy, diagnosis.cause);
        return foresee(options.policy, {remedy, diagnosis, level}).mode == Mode::observe;
    });
}

// No remedy is left. "Has helped" is only said of what was done.
void Loop::State::ladder_ended(Incident& incident) {
    const auto listed = [](const std::vector<std::string>& all) {
        std::string text;
        for (const auto& one : all) text += (text.empty() ? "" : "; ") + one;
        return text;
    };
    const std::string untried = listed(incident.untried);
    if (!incident.tried.empty())
        return escalate(incident, incident.outcome.empty() ? "no_effect" : incident.outcome,
                        "nothing that is known has helped; tried: " + listed(incident.tried) +
                            (untried.empty() ? "" : "; not tried: " + untried));
    if (incident.diagnosis.remedies.empty())
        return escalate(incident, "no_remedy", "no remedy is known for " + incident.diagnosis.cause);
    const std::string_view why =
        observes_only(incident) ? "no remedy is allowed here: observe only" : "no remedy can be used here";
    escalate(incident, "not_tried", fmt::format("{}; nothing was tried{}", why, untried.empty() ? "" : ": " + untried));
}

// By the same remedy, from what its job has come to since. plan() bounds how often.
void Loop::State::plan_anew(Incident& incident) {
    tell(incident, "its job has moved on since it was planned");
    incident.moved_on = true;
    incident.begun = false;
    set_state(incident, IncidentState::planning, {});
}

void Loop::State::next_rung(Incident& incident, Rung left, const std::string& reason) {
    if (!incident.requested_by.empty()) {  // There is one way to do what was asked for.
        incident.begun = false;
        return escalate(incident, left == Rung::tried && incident.acted ? "no_effect" : "refused", reason);
    }
    const std::string remedy = incident.diagnosis.remedies.at(incident.ladder);
    const std::string why = remedy + ": " + reason;
    constexpr std::size_t kept_max = 16;  // A ladder has fewer rungs.
    if (left == Rung::tried) {
        add_bounded(incident.tried, remedy, kept_max);
        if (incident.plan) incident.hoped_for = states_hoped_for(*incident.plan);
    } else {
        add_bounded(incident.untried, why, kept_max);
    }
    ++incident.ladder;
    incident.plan.reset();
    incident.begun = false;
    set_state(incident, IncidentState::planning, {});
    incident.state_since = now;
    tell(incident, why);
}

}  // namespace medic
