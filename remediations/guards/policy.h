// policy.yaml: what may be done, to what, by whom, how often. Without one every remedy is in `observe`.
//
//   schema: 1
//   catalogue: 1            # The catalogue level this policy was written for. A wildcard covers only remedies and
//   causes up to it;
//                           # without the line: level 1. Newer pairs stay in observe until the policy names them or
//                           raises it.
//   defaults: {cooldown: 5m, attempts: 3, backoff: 10s, backoff_max: 10m, budget: {operations: 10, window: 1h},
//   approval: 15m}
//   rollout: {first: "staging-*", for: 24h}
//   policy:                 # The first rule that fits decides.
//     - {remedy: connect.restart-task, cause: "*", cluster: "staging-*", mode: auto}
//     - {remedy: kafka.cut-retention, object: "topic:events-debug", floor: 6h, mode: ask}
//
// `remedy`, `cause`, `cluster` and `object` are names or globs (`*`, `?`); left out means any. A rule may override
// every default. What the rules say of a whole plan, which reaches several objects, see plan_policy.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "remediations/planning/plan.h"
#include "remediations/planning/planner.h"

namespace medic {

enum class Mode : std::uint8_t { observe, ask, auto_ };
[[nodiscard]] std::string_view to_string(Mode mode);

// How much of one role (all brokers, all task managers, …) may be taken out of service by us. The stricter of `nodes`
// and `share_percent` holds, and one node may always be taken.
struct BlastRadius {
    int nodes = 3;             // Different nodes of one role …
    int share_percent = 50;    // … and their share of it, spares included (Medik8s' usual minHealthy: 51 %) …
    Duration window{600'000};  // … within it.
    int zones = 1;             // In so many zones may nodes that we took be missing at the same time.
    int healthy_min = 1;       // Others of its role in service, before one that works is taken.
};

struct Limits {
    Duration cooldown{
        5 * 60'000};  // Between two healings of one subject by one remedy (kubernaut's recentlyRemediatedCooldown).
    int attempts_max = 3;      // Per step of an incident (kubernaut's consecutiveFailureThreshold).
    Duration backoff{10'000};  // Before attempt n: backoff · 2^(n-2), at most backoff_max (kubernaut's shape).
    Duration backoff_max{10 * 60'000};
    int budget_operations = 10;          // Operations per cluster …
    Duration budget_window{3'600'000};   // … in this window.
    Duration approval_ttl{15 * 60'000};  // An approval older than this no longer counts.
    BlastRadius blast_radius{};
};

// More incidents in one cluster than single faults explain: a shared cause, or an agent that is wrong.
struct StormLimits {
    static constexpr int incidents_max = 50;  // Fewer than the ended incidents that an agent remembers when it starts.
    int incidents = 10;                       // More than so many …
    Duration window{5 * 60'000};              // … opened within it …
    Duration calm{5 * 60'000};  // … and nothing new begins by itself before there were fewer for so long (Medik8s'
                                // stormCooldownDuration, which is off unless it is set).
};

// A change of the policy, of the rules or of the program acts in some clusters first.
struct Rollout {
    std::string first{};            // Glob of these clusters; "": a change acts everywhere at once.
    Duration hold{24 * 3'600'000};  // Elsewhere only after it has stood there for so long.
};

struct PolicyRule {
    std::string remedy = "*", cause = "*", cluster = "*", object = "*";
    Mode mode = Mode::observe;
    std::optional<Duration> floor{};  // Data younger than this is never destroyed.
    Limits limits{};
    std::string where{};  // file:line:column, for messages.
};

struct Policy {
    int catalogue = 1;
    Limits defaults{};
    StormLimits storm{};  // Of each cluster; stands beside the defaults, and no rule overrides it.
    Rollout rollout{};
    std::vector<PolicyRule> rules{};
};

// What the policy says about one object, or about a step (plan_policy.h).
struct PolicyDecision {
    Mode mode = Mode::observe;
    std::string why{};          // Which rule decided, or why none did.
    bool names_object = false;  // The rule names this very object, without a wildcard.
    std::optional<Duration> floor{};
    Limits limits{};
};

[[nodiscard]] Result<Policy> load_policy(std::string_view text, std::string_view name);
[[nodiscard]] Result<Policy> load_policy_file(const std::string& path);

struct PolicyQuestion {
    std::string_view remedy, cause, cluster, object;
    std::optional<int> level{};  // Planner::level of the pair; nullopt: not in the catalogue.
};
[[nodiscard]] PolicyDecision decide(const Policy& policy, const PolicyQuestion& question);

// The rule by which decide() decides; nullptr: none covers it.
[[nodiscard]] const PolicyRule* deciding_rule(const Policy& policy, const PolicyQuestion& question);
[[nodiscard]] bool names_objects(const PolicyRule& rule);  // By name or glob; else it speaks of all of them.

// Retention floors for one remedy against one cause, of every object that the policy names exactly, for
// PlanningView::floors. The question's object is not read.
[[nodiscard]] std::map<std::string, Duration> floors(const Policy& policy, PolicyQuestion question);

// One line per remedy, cause and cluster that may be changed without or with a person's agreement, with the objects for
// which the policy says something else; printed when the agent starts.
[[nodiscard]] std::vector<std::string> what_may_change(const Policy& policy, const Planner& planner,
                                                       const std::vector<std::string>& clusters);

[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace medic
