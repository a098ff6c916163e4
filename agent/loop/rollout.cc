// What is new acts where the policy says, before it acts elsewhere.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/loop/state_internal.h"

namespace medic {

// The first tick after a start: the same policy, rules and program as before, or others?
void Loop::State::begin_rollout() {
    const Rollout& rollout = options.policy.rollout;
    if (rollout.first.empty()) {
        behaviour = {};
        return;
    }
    if (behaviour.behaviour == options.behaviour) {
        behaviour.since = std::min(behaviour.since, now);  // The clock may have been set back.
        return;
    }
    behaviour = {.behaviour = options.behaviour, .harm = "", .since = now};
    effects.journal.emplace_back(behaviour);
    tell_everybody(
        {},
        fmt::format("policy, rules or program were changed: they act in {} first, elsewhere by themselves after {} min",
                    rollout.first, rollout.hold.count() / 60'000));
}

// Harm where a change acts first keeps it from acting elsewhere.
void Loop::State::watch_rollout() {
    constexpr std::array harmful = {"worse", "undone"};
    const Rollout& rollout = options.policy.rollout;
    if (rollout.first.empty() || !behaviour.harm.empty()) return;
    for (const auto& [number, incident] : open) {
        const bool asked = !incident.requested_by.empty();  // A person's own wish that failed says nothing of rules.
        if (asked || std::ranges::find(harmful, incident.outcome) == harmful.end()) continue;
        if (!incident.acted || incident.acted_at < behaviour.since) continue;
        if (!glob_matches(rollout.first, incident.cluster)) continue;
        behaviour.harm = fmt::format("{} of {} was {}", incident.id, incident.cluster,
                                     incident.outcome == "worse" ? "made worse" : "undone as it did not help");
        effects.journal.emplace_back(behaviour);
        return tell_everybody(
            {},
            fmt::format("{}: the last change of policy, rules or program acts in {} alone until it is changed again",
                        behaviour.harm, rollout.first));
    }
}

std::optional<Unproven> Loop::State::unproven_in(const std::string& cluster) const {
    const Rollout& rollout = options.policy.rollout;
    if (rollout.first.empty() || glob_matches(rollout.first, cluster)) return std::nullopt;
    if (!behaviour.harm.empty()) return Unproven{rollout.first, behaviour.since, std::nullopt, behaviour.harm};
    const WallTime until = behaviour.since + rollout.hold;
    if (now >= until) return std::nullopt;
    return Unproven{rollout.first, behaviour.since, until, ""};
}

}  // namespace medic
