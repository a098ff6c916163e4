#include "remediations/guards/plan_policy.h"

#include <algorithm>
#include <array>
#include <vector>

#include "remediations/planning/objects.h"

namespace medic {
namespace {

BlastRadius stricter(const BlastRadius& a, const BlastRadius& b) {
    return {.nodes = std::min(a.nodes, b.nodes),
            .share_percent = std::min(a.share_percent, b.share_percent),
            .window = std::max(a.window, b.window),
            .zones = std::min(a.zones, b.zones),
            .healthy_min = std::max(a.healthy_min, b.healthy_min)};
}

Limits stricter(const Limits& a, const Limits& b) {
    return {.cooldown = std::max(a.cooldown, b.cooldown),
            .attempts_max = std::min(a.attempts_max, b.attempts_max),
            .backoff = std::max(a.backoff, b.backoff),
            .backoff_max = std::max(a.backoff_max, b.backoff_max),
            .budget_operations = std::min(a.budget_operations, b.budget_operations),
            .budget_window = std::max(a.budget_window, b.budget_window),
            .approval_ttl = std::min(a.approval_ttl, b.approval_ttl),
            .blast_radius = stricter(a.blast_radius, b.blast_radius)};
}

// What the policy says of several objects, all of which count.
class Strictest {
public:
    Strictest(const Policy& policy, PolicyQuestion pair) : policy_(policy), pair_(pair) {}

    // Also where the policy says nothing of it.
    void changes(const std::string& object) { add(about(object)); }
    // Only what any rule says of it.
    void concerns(const std::string& object) {
        if (rule_for(object) != nullptr) add(about(object));
    }
    // Only what a rule that names it says.
    void touches(const std::string& object) {
        const PolicyRule* rule = rule_for(object);
        if (rule != nullptr && names_objects(*rule)) add(about(object));
    }

    [[nodiscard]] PolicyDecision decision() const { return strictest_.value_or(about("")); }
    [[nodiscard]] PolicyDecision about(const std::string& object) const {
        PolicyQuestion question = pair_;
        question.object = object;
        return decide(policy_, question);
    }

private:
    [[nodiscard]] const PolicyRule* rule_for(const std::string& object) const {
        PolicyQuestion question = pair_;
        question.object = object;
        return deciding_rule(policy_, question);
    }
    void add(const PolicyDecision& said) {
        if (!strictest_) {
            strictest_ = said;
            return;
        }
        const Limits limits = stricter(strictest_->limits, said.limits);
        if (said.mode < strictest_->mode) strictest_ = said;
        strictest_->limits = limits;
    }

    const Policy& policy_;
    PolicyQuestion pair_;
    std::optional<PolicyDecision> strictest_;
};

Strictest strictest_of(const Policy& policy, const PlanInQuestion& question) {
    const Plan& plan = question.plan;
    Strictest all(policy, {.remedy = plan.remedy,
                           .cause = plan.cause,
                           .cluster = question.diagnosis.subject.cluster,
                           .object = {},
                           .level = question.level});
    for (const Step& step : plan.steps) {
        const std::string object = object_of(step, plan);
        all.changes(object);
        for (const std::string& other : changed_objects(step))
            if (object_kind(other) == object_kind(object)) all.changes(other);
    }
    for (const auto* steps : {&plan.steps, &plan.undo_steps})
        for (const Step& step : *steps)
            for (const std::string& object : touched_objects(step)) all.touches(object);
    all.touches(policy_object(plan.subject));
    all.touches(policy_object(question.diagnosis.subject));
    return all;
}

// Parameters of a diagnosis that are objects, by their kind.
constexpr std::array<std::string_view, 8> kinds_in_facts{"job",   "connector", "node",   "broker",
                                                         "topic", "worker",    "client", "user"};

}  // namespace

PolicyDecision decide_plan(const Policy& policy, const PlanInQuestion& question) {
    return strictest_of(policy, question).decision();
}

PolicyDecision decide_step(const Policy& policy, const PlanInQuestion& question, const Step& step) {
    const Strictest all = strictest_of(policy, question);
    PolicyDecision decision = all.decision();
    const PolicyDecision own = all.about(object_of(step, question.plan));
    decision.names_object = own.names_object;
    decision.floor = own.floor;
    return decision;
}

PolicyDecision foresee(const Policy& policy, const Foresight& question) {
    const Diagnosis& diagnosis = question.diagnosis;
    Strictest all(policy, {.remedy = question.remedy,
                           .cause = diagnosis.cause,
                           .cluster = diagnosis.subject.cluster,
                           .object = {},
                           .level = question.level});
    all.concerns(policy_object(diagnosis.subject));
    for (const auto& [key, value] : diagnosis.facts)
        if (std::ranges::find(kinds_in_facts, key) != kinds_in_facts.end()) all.concerns(key + ":" + value);
    return all.decision();
}

}  // namespace medic
