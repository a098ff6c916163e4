#include "remediations/guards/guard.h"

// Data goes only where the policy names the very object and a floor. No wildcard, no default. Records that an operation
// names one by one stay in their topic and never reach whom they are for: a policy that names the object, or a person
// who was told which, is enough, and a floor, which is an age, says nothing about them. Records that nobody can name go
// only when a person has agreed, whatever a policy says.
namespace medic::guards::data_destruction {
namespace {

constexpr std::int64_t named_records_max = 1;

std::optional<Refusal> refuse(Refusal::Kind kind, std::string why) {
    return Refusal{"data-destruction", std::move(why), kind, {}};
}

std::optional<Refusal> object(const GuardQuestion& question) {
    const Step& step = question.step;
    if (step.destroys != Destroys::data) return std::nullopt;
    if (step.object.empty()) return refuse(Refusal::Kind::never, "it is not known whose data would go");
    if (const auto records = records_passed_over(step.operation)) {
        if (*records > named_records_max)
            return refuse(Refusal::Kind::never, std::to_string(*records) + " records would go at once");
        if (question.policy.names_object || is_approved(question)) return std::nullopt;
        return refuse(Refusal::Kind::needs_approval, "the policy does not name " + step.object);
    }
    // Which records these are nobody knows beforehand, and none is old: a floor protects nothing.
    if (loses_unnamed_records(step.operation)) {
        if (is_approved(question)) return std::nullopt;
        return refuse(Refusal::Kind::needs_approval,
                      "records of " + step.object + " would be lost that nobody can name");
    }
    if (!question.policy.names_object) return refuse(Refusal::Kind::never, "the policy does not name " + step.object);
    if (!question.policy.floor) return refuse(Refusal::Kind::never, "the policy gives no floor for " + step.object);
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"data-destruction", "data only where the policy names object and floor", object}; }

}  // namespace medic::guards::data_destruction
