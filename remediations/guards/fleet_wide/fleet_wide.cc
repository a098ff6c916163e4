#include <fmt/format.h>

#include "remediations/guards/guard.h"

// One cause in many clusters at once is hardly many faults: a dependency that they share, or a rule that is wrong.
// Healing each by itself would then do harm many times over, so a person looks first.
namespace medic::guards::fleet_wide {
namespace {

constexpr std::size_t others_max = 2;  // This one is the third.

std::optional<Refusal> object(const GuardQuestion& question) {
    const auto& others = question.clusters_with_this_cause;
    if (others.size() < others_max || question.plan_begun || question.undo || is_approved(question))
        return std::nullopt;
    std::string names;
    for (const auto& cluster : others) names += (names.empty() ? "" : ", ") + cluster;
    return Refusal{"fleet-wide",
                   fmt::format("the same cause was found within {} minutes in {}: a dependency that they share, or a "
                               "wrong rule; a person must look first",
                               same_cause_window / Duration{60'000}, names),
                   Refusal::Kind::needs_approval,
                   {}};
}

}  // namespace

Guard descriptor() { return {"fleet-wide", "one cause in three clusters at once is for a person", object}; }

}  // namespace medic::guards::fleet_wide
