#include <fmt/format.h>

#include "remediations/guards/guard.h"

// When sight of many targets is lost at once, or the agent itself is starved, the fault is more likely here than
// everywhere.
namespace medic::guards::self_doubt {
namespace {

constexpr double blind_share_max = 0.5;       // More than half of all targets …
constexpr std::size_t blind_targets_min = 3;  // … and at least three: one or two may well be the fault itself.
constexpr double lateness_seconds_max =
    2;  // The agent's ticks are at most 1 s apart: this late, silence proves nothing.

std::optional<Refusal> object(const GuardQuestion& question) {
    const Sight& sight = question.sight;
    if (!sight.reported_at || question.now - *sight.reported_at > guard_facts_age_max)
        return Refusal{"self-doubt", "there is no recent look at the cluster", Refusal::Kind::wait, {}};
    if (sight.targets_total == 0) return Refusal{"self-doubt", "nothing is being watched", Refusal::Kind::wait, {}};
    if (sight.tick_lateness_seconds > lateness_seconds_max)
        return Refusal{"self-doubt",
                       fmt::format("the agent itself runs {:.1f} s late", sight.tick_lateness_seconds),
                       Refusal::Kind::wait,
                       {}};
    const double share = static_cast<double>(sight.targets_blind) / static_cast<double>(sight.targets_total);
    if (sight.targets_blind >= blind_targets_min && share > blind_share_max)
        return Refusal{"self-doubt",
                       fmt::format("{} of {} targets can't be seen: the agent's own network or host may be at fault",
                                   sight.targets_blind, sight.targets_total),
                       Refusal::Kind::wait,
                       {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"self-doubt", "many targets lost from sight at once, or the agent starved", object}; }

}  // namespace medic::guards::self_doubt
