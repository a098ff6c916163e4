#include "remediations/guards/guard.h"

// Data goes only where the policy names the very object and a floor. No wildcard, no default.
namespace medic::guards::data_destruction {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.step.destroys != Destroys::data) return std::nullopt;
    if (question.step.object.empty())
        return Refusal{"data-destruction", "it is not known whose data would go", Refusal::Kind::never, {}};
    if (!question.policy.names_object)
        return Refusal{
            "data-destruction", "the policy does not name " + question.step.object, Refusal::Kind::never, {}};
    if (!question.policy.floor)
        return Refusal{
            "data-destruction", "the policy gives no floor for " + question.step.object, Refusal::Kind::never, {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"data-destruction", "data only where the policy names object and floor", object}; }

}  // namespace medic::guards::data_destruction
