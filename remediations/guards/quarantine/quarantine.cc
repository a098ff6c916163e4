#include "remediations/guards/guard.h"

// A version that was rolled back is kept for its developer; if somebody deploys it again, a person decides, not a loop.
namespace medic::guards::quarantine {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.version_quarantined) return std::nullopt;
    return Refusal{
        "quarantine", "the version was rolled back before; its developer must release it", Refusal::Kind::never, {}};
}

}  // namespace

Guard descriptor() { return {"quarantine", "versions that were rolled back are not started again", object}; }

}  // namespace medic::guards::quarantine
