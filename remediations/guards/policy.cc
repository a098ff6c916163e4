#include "remediations/guards/policy.h"

#include <fmt/format.h>

#include "agent/base/yaml.h"

namespace medic {
namespace {

bool is_glob(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos; }

Result<Mode> read_mode(const YamlNode& node) {
    MEDIC_TRY(const std::string text, node.as_string());
    if (text == "observe") return Mode::observe;
    if (text == "ask") return Mode::ask;
    if (text == "auto") return Mode::auto_;
    return node.error("mode: expected observe, ask or auto, found " + text);
}

struct Range {
    int min = 1, max = 1'000;
};

Result<int> count_or(const YamlNode& node, std::string_view key, int fallback, Range range = {}) {
    MEDIC_TRY(const std::int64_t value, node.int_or(key, fallback));
    if (value < range.min || value > range.max)
        return node.get(key).error(fmt::format("{}: expected {}–{}, found {}", key, range.min, range.max, value));
    return static_cast<int>(value);
}

Result<Duration> window_or(const YamlNode& node, std::string_view section, std::string_view key, Duration fallback) {
    MEDIC_TRY(const Duration value, node.duration_or(key, fallback));
    if (value.count() <= 0) return node.error(fmt::format("{}.{}: expected a duration above 0", section, key));
    return value;
}

Result<BlastRadius> read_blast_radius(const YamlNode& node, BlastRadius limits) {
    MEDIC_CHECK(node.expect_map("blast_radius"));
    MEDIC_CHECK(node.expect_keys({"nodes", "share", "window", "zones", "healthy"}));
    MEDIC_TRY(limits.nodes, count_or(node, "nodes", limits.nodes));
    MEDIC_TRY(limits.share_percent, count_or(node, "share", limits.share_percent, {1, 100}));
    MEDIC_TRY(limits.window, window_or(node, "blast_radius", "window", limits.window));
    MEDIC_TRY(limits.zones, count_or(node, "zones", limits.zones));
    MEDIC_TRY(limits.healthy_min, count_or(node, "healthy", limits.healthy_min, {0, 1'000}));
    return limits;
}

Result<StormLimits> read_storm(const YamlNode& node) {
    StormLimits limits;
    if (!node) return limits;
    MEDIC_CHECK(node.expect_map("storm"));
    MEDIC_CHECK(node.expect_keys({"incidents", "window", "calm"}));
    MEDIC_TRY(limits.incidents, count_or(node, "incidents", limits.incidents, {1, StormLimits::incidents_max}));
    MEDIC_TRY(limits.window, window_or(node, "storm", "window", limits.window));
    MEDIC_TRY(limits.calm, window_or(node, "storm", "calm", limits.calm));
    return limits;
}

Result<Rollout> read_rollout(const YamlNode& node) {
    Rollout rollout;
    if (!node) return rollout;
    MEDIC_CHECK(node.expect_map("rollout"));
    MEDIC_CHECK(node.expect_keys({"first", "for"}));
    MEDIC_TRY(rollout.first, node.string_or("first", ""));
    if (rollout.first.empty()) return node.error("rollout.first: expected the cluster where a change acts first");
    MEDIC_TRY(rollout.hold, window_or(node, "rollout", "for", rollout.hold));
    return rollout;
}

Result<Limits> read_limits(const YamlNode& node, Limits limits) {
    MEDIC_TRY(limits.cooldown, node.duration_or("cooldown", limits.cooldown));
    MEDIC_TRY(limits.attempts_max, count_or(node, "attempts", limits.attempts_max));
    MEDIC_TRY(limits.backoff, node.duration_or("backoff", limits.backoff));
    MEDIC_TRY(limits.backoff_max, node.duration_or("backoff_max", limits.backoff_max));
    MEDIC_TRY(limits.approval_ttl, node.duration_or("approval", limits.approval_ttl));
    if (limits.backoff_max < limits.backoff) return node.error("backoff_max is shorter than backoff");
    if (const auto budget = node.get("budget")) {
        MEDIC_CHECK(budget.expect_map("budget"));
        MEDIC_CHECK(budget.expect_keys({"operations", "window"}));
        MEDIC_TRY(limits.budget_operations, count_or(budget, "operations", limits.budget_operations));
        MEDIC_TRY(limits.budget_window, window_or(budget, "budget", "window", limits.budget_window));
    }
    if (const auto radius = node.get("blast_radius")) {
        MEDIC_TRY(limits.blast_radius, read_blast_radius(radius, limits.blast_radius));
    }
    return limits;
}

Result<PolicyRule> read_rule(const YamlNode& node, const Limits& defaults) {
    MEDIC_CHECK(node.expect_map("a rule"));
    MEDIC_CHECK(node.expect_keys({"remedy", "cause", "cluster", "object", "mode", "floor", "cooldown", "attempts",
                                  "backoff", "backoff_max", "budget", "approval", "blast_radius"}));
    PolicyRule rule;
    rule.where = node.where();
    MEDIC_TRY(rule.remedy, node.string_or("remedy", "*"));
    MEDIC_TRY(rule.cause, node.string_or("cause", "*"));
    MEDIC_TRY(rule.cluster, node.string_or("cluster", "*"));
    MEDIC_TRY(rule.object, node.string_or("object", "*"));
    const auto mode = node.get("mode");
    if (!mode) return node.error("a rule needs a mode: observe, ask or auto");
    MEDIC_TRY(rule.mode, read_mode(mode));
    if (const auto floor = node.get("floor")) {
        MEDIC_TRY(rule.floor, floor.as_duration());
        if (is_glob(rule.object)) return floor.error("a floor needs the very object that it holds for, without * or ?");
    }
    MEDIC_TRY(rule.limits, read_limits(node, defaults));
    return rule;
}

// A wildcard covers what the catalogue had when the policy was written; a name covers always.
bool covers_pair(const Policy& policy, const PolicyRule& rule, const PolicyQuestion& question) {
    if (!glob_matches(rule.remedy, question.remedy) || !glob_matches(rule.cause, question.cause)) return false;
    if (!glob_matches(rule.cluster, question.cluster)) return false;
    const bool named = !is_glob(rule.remedy) && !is_glob(rule.cause);
    return named || rule.mode == Mode::observe || (question.level && *question.level <= policy.catalogue);
}

}  // namespace

std::string_view to_string(Mode mode) {
    switch (mode) {
        case Mode::observe: return "observe";
        case Mode::ask: return "ask";
        case Mode::auto_: return "auto";
    }
    return "observe";
}

bool glob_matches(std::string_view glob, std::string_view text) {
    std::size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (g < glob.size() && (glob[g] == '?' || (glob[g] != '*' && glob[g] == text[t]))) {
            ++g, ++t;
        } else if (g < glob.size() && glob[g] == '*') {
            star = g++, resume = t;
        } else if (star != std::string_view::npos) {
            g = star + 1, t = ++resume;
        } else {
            return false;
        }
    }
    while (g < glob.size() && glob[g] == '*') ++g;
    return g == glob.size();
}

namespace {

Result<Policy> read_policy(const YamlNode& root) {
    MEDIC_CHECK(root.expect_map("policy file"));
    MEDIC_CHECK(root.expect_keys({"schema", "catalogue", "defaults", "rollout", "policy"}));
    MEDIC_TRY(const std::int64_t schema, root.int_or("schema", 1));
    if (schema != 1) return root.get("schema").error(fmt::format("schema: this agent reads 1, found {}", schema));
    Policy policy;
    MEDIC_TRY(const std::int64_t catalogue, root.int_or("catalogue", 1));
    if (catalogue < 1 || catalogue > catalogue_level)
        return root.get("catalogue")
            .error(fmt::format("catalogue: expected 1–{}, found {}", catalogue_level, catalogue));
    policy.catalogue = static_cast<int>(catalogue);
    if (const auto defaults = root.get("defaults")) {
        MEDIC_CHECK(defaults.expect_map("defaults"));
        MEDIC_CHECK(defaults.expect_keys(
            {"cooldown", "attempts", "backoff", "backoff_max", "budget", "approval", "blast_radius", "storm"}));
        MEDIC_TRY(policy.defaults, read_limits(defaults, policy.defaults));
        MEDIC_TRY(policy.storm, read_storm(defaults.get("storm")));
    }
    MEDIC_TRY(policy.rollout, read_rollout(root.get("rollout")));
    const auto rules = root.get("policy");
    if (!rules) return policy;
    MEDIC_CHECK(rules.expect_list("policy"));
    for (const auto& item : rules.items()) {
        MEDIC_TRY(PolicyRule rule, read_rule(item, policy.defaults));
        policy.rules.push_back(std::move(rule));
    }
    return policy;
}

}  // namespace

Result<Policy> load_policy(std::string_view text, std::string_view name) {
    MEDIC_TRY(const YamlNode root, load_yaml(text, name));
    return read_policy(root);
}

Result<Policy> load_policy_file(const std::string& path) {
    MEDIC_TRY(const YamlNode root, load_yaml_file(path));
    return read_policy(root);
}

bool names_objects(const PolicyRule& rule) { return rule.object.find_first_not_of('*') != std::string::npos; }

const PolicyRule* deciding_rule(const Policy& policy, const PolicyQuestion& question) {
    for (const auto& rule : policy.rules)
        if (covers_pair(policy, rule, question) && glob_matches(rule.object, question.object)) return &rule;
    return nullptr;
}

PolicyDecision decide(const Policy& policy, const PolicyQuestion& question) {
    PolicyDecision decision;
    decision.limits = policy.defaults;
    decision.why = policy.rules.empty() ? "there is no policy, so nothing may act" : "no rule of the policy covers it";
    const PolicyRule* rule = deciding_rule(policy, question);
    if (rule == nullptr) return decision;
    decision.mode = rule->mode;
    decision.why = fmt::format("{} says {}", rule->where, to_string(rule->mode));
    decision.names_object = !is_glob(rule->object) && !question.object.empty();
    decision.floor = rule->floor;
    decision.limits = rule->limits;
    return decision;
}

std::map<std::string, Duration> floors(const Policy& policy, PolicyQuestion question) {
    std::map<std::string, Duration> result;
    for (const auto& rule : policy.rules) {
        if (!rule.floor) continue;
        question.object = rule.object;
        const PolicyDecision decision = decide(policy, question);
        if (decision.names_object && decision.floor) result.try_emplace(rule.object, *decision.floor);
    }
    return result;
}

namespace {

// What the policy says of one pair: of any object, and before that of those that it names.
struct PairStanding {
    Mode mode = Mode::observe;
    std::string named{};  // "job:billing: observe".
    bool may_change = false;
};

PairStanding standing_of(const Policy& policy, const PolicyQuestion& pair) {
    PairStanding standing;
    for (const auto& rule : policy.rules) {
        if (!covers_pair(policy, rule, pair)) continue;
        standing.may_change = standing.may_change || rule.mode != Mode::observe;
        if (!names_objects(rule)) {
            standing.mode = rule.mode;
            break;
        }
        standing.named +=
            fmt::format("{}{}: {}", standing.named.empty() ? "" : ", ", rule.object, to_string(rule.mode));
    }
    return standing;
}

}  // namespace

std::vector<std::string> what_may_change(const Policy& policy, const Planner& planner,
                                         const std::vector<std::string>& clusters) {
    std::vector<std::string> lines;
    for (const auto& cluster : clusters)
        for (const auto& remedy : planner.remedies())
            for (const auto& pair : remedy.cures) {
                const auto standing = standing_of(policy, {remedy.name, pair.cause, cluster, "", pair.since});
                if (!standing.may_change) continue;
                lines.push_back(fmt::format("{}: {} against {}: {}{}", cluster, remedy.name, pair.cause,
                                            to_string(standing.mode),
                                            standing.named.empty() ? "" : " (" + standing.named + ")"));
            }
    return lines;
}

}  // namespace medic
