#include "remediations/planning/planner.h"

#include <algorithm>

#include "remediations/planning/objects.h"

namespace medic {
namespace {

// Every step names what it changes, how success is seen and how it is undone; a slip here is our own bug, not the
// world's.
Status check_step(const Plan& plan, std::size_t index) {
    const Step& step = plan.steps[index];
    if (step.subject.kind.empty() || step.subject.name.empty() || step.subject.name.find('*') != std::string::npos)
        return fail(ErrorCode::internal, "{}: step {} has no single target", plan.remedy, index + 1);
    if (step.expectation.all.empty() && !step.only_asks)
        return fail(ErrorCode::internal, "{}: step {} says not how success is seen", plan.remedy, index + 1);
    if (step.undo.empty())
        return fail(ErrorCode::internal, "{}: step {} says not how it is undone", plan.remedy, index + 1);
    if (step.destroys == Destroys::data && step.object.empty())
        return fail(ErrorCode::internal, "{}: step {} destroys data and names no object", plan.remedy, index + 1);
    return {};
}

// Rules of a policy name objects: no step may pass by one of them because its remedy has not said whose it is.
void name_objects(Plan& plan) {
    for (auto* steps : {&plan.steps, &plan.undo_steps})
        for (auto& step : *steps) step.object = object_of(step, plan);
}

}  // namespace

const NodeInfo* PlanningView::node(std::string_view name) const {
    const auto found = std::ranges::find(cluster.nodes, name, &NodeInfo::name);
    return found == cluster.nodes.end() ? nullptr : &*found;
}

const DeploymentInfo* PlanningView::deployment(std::string_view job) const {
    const auto found = std::ranges::find(cluster.deployments, job, &DeploymentInfo::job);
    return found == cluster.deployments.end() ? nullptr : &*found;
}

const Fact* PlanningView::fact(const FactKey& key) const {
    for (const auto& fact : facts)
        if (fact.subject == key.subject && fact.name == key.name)
            return fact.known() && now - fact.observed_at <= facts_age_max ? &fact : nullptr;
    return nullptr;
}

const Remedy* Planner::find(std::string_view name) const {
    const auto found = std::ranges::find(remedies_, name, &Remedy::name);
    return found == remedies_.end() ? nullptr : &*found;
}

std::vector<FactKey> Planner::needs(std::string_view remedy, const Diagnosis& diagnosis,
                                    const PlanningView& view) const {
    const Remedy* found = find(remedy);
    return found == nullptr ? std::vector<FactKey>{} : found->needs(diagnosis, view);
}

Result<Plan> Planner::plan(std::string_view remedy, const Diagnosis& diagnosis, const PlanningView& view) const {
    const Remedy* found = find(remedy);
    if (found == nullptr) return fail(ErrorCode::invalid, "no remedy is called {}", remedy);
    MEDIC_TRY(Plan plan, found->plan(diagnosis, view));
    plan.remedy = found->name;
    plan.cause = diagnosis.cause;
    plan.subject = diagnosis.subject;
    if (plan.steps.empty() || plan.steps.size() > plan_steps_max || plan.undo_steps.size() > plan_steps_max)
        return fail(ErrorCode::internal, "{}: a plan has 1–{} steps, this one {}", remedy, plan_steps_max,
                    plan.steps.size());
    for (auto* steps : {&plan.steps, &plan.undo_steps})
        for (auto& step : *steps) {
            step.remedy = plan.remedy;
            step.cause = plan.cause;
        }
    for (std::size_t i = 0; i < plan.steps.size(); ++i) MEDIC_CHECK(check_step(plan, i));
    name_objects(plan);
    return plan;
}

std::optional<int> Planner::level(std::string_view remedy, std::string_view cause) const {
    const Remedy* found = find(remedy);
    if (found == nullptr) return std::nullopt;
    const auto pair = std::ranges::find(found->cures, cause, &Cures::cause);
    return pair == found->cures.end() ? std::nullopt : std::optional(pair->since);
}

}  // namespace medic
