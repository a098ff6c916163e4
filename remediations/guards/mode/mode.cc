#include "remediations/guards/guard.h"

// The policy's mode for remedy, cause, cluster and object. Without a policy: observe.
namespace medic::guards::mode {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    const Mode mode = question.policy.mode;
    if (mode == Mode::observe)
        return Refusal{"mode", "observe: " + question.policy.why, Refusal::Kind::observe_only, {}};
    if (question.plan_begun || is_approved(question)) return std::nullopt;
    if (mode == Mode::ask)
        return Refusal{"mode", "a person must agree: " + question.policy.why, Refusal::Kind::needs_approval, {}};
    if (!question.needs_approval.empty())
        return Refusal{"mode", "a person must agree: " + question.needs_approval, Refusal::Kind::needs_approval, {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"mode", "observe, ask or auto, as the policy says", object}; }

}  // namespace medic::guards::mode
