#include "remediations/guards/policy.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "remediations/guards/policy_reference.h"

namespace medic {
namespace {

Policy read(std::string_view text) {
    auto policy = load_policy(text, "policy.yaml");
    EXPECT_TRUE(policy) << (policy ? "" : policy.error().message);
    return policy ? *policy : Policy{};
}

PolicyQuestion restart(std::string_view cluster, std::optional<int> level = 1) {
    return {.remedy = "connect.restart-task",
            .cause = "connect.task-failed",
            .cluster = cluster,
            .object = "",
            .level = level};
}

TEST(Policy, without_a_rule_everything_is_observed) {
    EXPECT_EQ(decide({}, restart("lab")).mode, Mode::observe);
    EXPECT_EQ(decide(read("schema: 1\npolicy: []\n"), restart("lab")).mode, Mode::observe);
}

TEST(Policy, the_first_rule_that_fits_decides) {
    const auto policy = read(
        "policy:\n"
        "  - {remedy: connect.restart-task, cluster: \"staging-*\", mode: auto}\n"
        "  - {remedy: \"connect.*\", mode: ask}\n");
    EXPECT_EQ(decide(policy, restart("staging-1")).mode, Mode::auto_);
    EXPECT_EQ(decide(policy, restart("prod")).mode, Mode::ask);
    EXPECT_EQ(decide(policy, {"kafka.grow-storage", "kafka.disk-filling", "prod", "", 1}).mode, Mode::observe);
}

TEST(Policy, a_wildcard_never_covers_what_is_newer_than_the_policy) {
    const auto policy = read("catalogue: 1\npolicy:\n  - {remedy: \"*\", mode: auto}\n");
    EXPECT_EQ(decide(policy, restart("lab", 1)).mode, Mode::auto_);
    EXPECT_EQ(decide(policy, restart("lab", 2)).mode, Mode::observe);
    EXPECT_EQ(decide(policy, restart("lab", std::nullopt)).mode, Mode::observe);
    const auto named = read("policy:\n  - {remedy: connect.restart-task, cause: connect.task-failed, mode: auto}\n");
    EXPECT_EQ(decide(named, restart("lab", 2)).mode, Mode::auto_);
}

TEST(Policy, limits_come_from_the_rule_then_the_defaults) {
    const auto policy = read(
        "defaults: {cooldown: 2s, budget: {operations: 50, window: 10m}}\n"
        "policy:\n  - {remedy: connect.restart-task, cause: connect.task-failed, mode: auto, attempts: 2}\n");
    const auto decision = decide(policy, restart("lab"));
    EXPECT_EQ(decision.limits.cooldown, Duration{2'000});
    EXPECT_EQ(decision.limits.attempts_max, 2);
    EXPECT_EQ(decision.limits.budget_operations, 50);
    EXPECT_EQ(decision.limits.budget_window, Duration{600'000});
}

TEST(Policy, how_many_nodes_may_be_taken_is_said_part_by_part) {
    const auto policy = read(
        "defaults: {blast_radius: {nodes: 9, window: 1h}}\n"
        "policy:\n  - {remedy: \"connect.*\", mode: auto, blast_radius: {share: 20, healthy: 0, zones: 2}}\n");
    const BlastRadius radius = decide(policy, restart("lab")).limits.blast_radius;
    EXPECT_EQ(radius.nodes, 9);
    EXPECT_EQ(radius.window, Duration{3'600'000});
    EXPECT_EQ(radius.share_percent, 20);
    EXPECT_EQ(radius.healthy_min, 0);
    EXPECT_EQ(radius.zones, 2);
    EXPECT_EQ(policy.defaults.blast_radius.share_percent, 50);
}

TEST(Policy, says_where_a_change_acts_first) {
    const auto policy = read("rollout: {first: \"staging-*\", for: 2h}\npolicy: []\n");
    EXPECT_EQ(policy.rollout.first, "staging-*");
    EXPECT_EQ(policy.rollout.hold, Duration{2 * 3'600'000});
    EXPECT_EQ(read("rollout: {first: staging}\n").rollout.hold, Duration{24 * 3'600'000});
    EXPECT_EQ(read("policy: []\n").rollout.first, "");
}
TEST(Policy, what_a_storm_is_holds_for_all_rules) {
    const auto policy = read("defaults: {storm: {incidents: 5, calm: 1m}}\npolicy: []\n");
    EXPECT_EQ(policy.storm.incidents, 5);
    EXPECT_EQ(policy.storm.window, Duration{300'000});
    EXPECT_EQ(policy.storm.calm, Duration{60'000});
    EXPECT_EQ(read("policy: []\n").storm.incidents, 10);
}

TEST(Policy, an_object_is_named_only_without_a_wildcard) {
    const auto policy = read(
        "policy:\n"
        "  - {remedy: kafka.cut-retention, object: \"topic:events-debug\", floor: 6h, mode: ask}\n"
        "  - {remedy: kafka.cut-retention, object: \"topic:*\", mode: auto}\n");
    const auto named = decide(policy, {"kafka.cut-retention", "kafka.disk-filling", "lab", "topic:events-debug", 1});
    EXPECT_TRUE(named.names_object);
    EXPECT_EQ(named.floor, Duration{6 * 3'600'000});
    const auto any = decide(policy, {"kafka.cut-retention", "kafka.disk-filling", "lab", "topic:other", 1});
    EXPECT_FALSE(any.names_object);
    EXPECT_FALSE(any.floor);
    EXPECT_EQ(floors(policy, {"kafka.cut-retention", "kafka.disk-filling", "lab", "", 1}),
              (std::map<std::string, Duration>{{"topic:events-debug", Duration{6 * 3'600'000}}}));
}

TEST(Policy, a_floor_belongs_to_its_remedy) {
    const auto policy = read(
        "catalogue: 2\npolicy:\n"
        "  - {remedy: kafka.abort-hanging-transaction, object: \"topic:orders\", floor: 30m, mode: ask}\n"
        "  - {remedy: kafka.cut-retention, cause: kafka.disk-filling, object: \"topic:orders\", floor: 24h, mode: "
        "auto}\n");
    const auto floor = [&](std::string_view remedy, std::string_view cause) -> std::optional<Duration> {
        const auto all = floors(policy, {remedy, cause, "lab", "", 1});
        return all.contains("topic:orders") ? std::optional(all.at("topic:orders")) : std::nullopt;
    };
    EXPECT_EQ(floor("kafka.cut-retention", "kafka.disk-filling"), Duration{24 * 3'600'000});
    EXPECT_EQ(floor("kafka.abort-hanging-transaction", "kafka.hanging-transaction"), Duration{30 * 60'000});
    EXPECT_EQ(floor("kafka.cut-retention", "kafka.disk-nearly-full"), std::nullopt) << "another cause";
}

TEST(Policy, a_floor_is_none_where_an_earlier_rule_decides) {
    const auto policy = read(
        "policy:\n"
        "  - {remedy: kafka.cut-retention, object: \"topic:*\", mode: ask}\n"
        "  - {remedy: kafka.cut-retention, object: \"topic:orders\", floor: 24h, mode: auto}\n");
    EXPECT_TRUE(floors(policy, {"kafka.cut-retention", "kafka.disk-filling", "lab", "", 1}).empty());
}

TEST(Policy, what_may_change_tells_of_named_objects) {
    Remedy restart_task;
    restart_task.name = "connect.restart-task";
    restart_task.cures = {{"connect.task-failed"}};
    const Planner planner({restart_task});
    const auto told = [&](std::string_view text) { return what_may_change(read(text), planner, {"lab"}); };
    const std::string pair = "lab: connect.restart-task against connect.task-failed: ";
    EXPECT_EQ(told("policy:\n  - {mode: auto}\n"), (std::vector<std::string>{pair + "auto"}));
    EXPECT_EQ(told("policy:\n  - {object: \"connector:billing\", mode: observe}\n  - {mode: auto}\n"),
              (std::vector<std::string>{pair + "auto (connector:billing: observe)"}));
    EXPECT_EQ(told("policy:\n  - {object: \"connector:test-*\", mode: auto}\n"),
              (std::vector<std::string>{pair + "observe (connector:test-*: auto)"}));
    EXPECT_TRUE(told("policy:\n  - {object: \"connector:billing\", mode: observe}\n").empty());
}

struct Bad {
    std::string text, says;
};
class PolicyRefuses : public testing::TestWithParam<Bad> {};

TEST_P(PolicyRefuses, and_says_where_and_why) {
    const auto policy = load_policy(GetParam().text, "policy.yaml");
    ASSERT_FALSE(policy);
    EXPECT_NE(policy.error().message.find("policy.yaml:"), std::string::npos) << policy.error().message;
    EXPECT_NE(policy.error().message.find(GetParam().says), std::string::npos) << policy.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Policy, PolicyRefuses,
    testing::Values(
        Bad{"policy:\n  - {remedy: a, mode: sometimes}\n", "observe, ask or auto"},
        Bad{"policy:\n  - {remedy: a}\n", "needs a mode"}, Bad{"policy:\n  - {remedi: a, mode: ask}\n", "remedy"},
        Bad{"policy:\n  - {remedy: a, mode: ask, attempts: 0}\n", "1–1000"},
        Bad{"defaults: {budget: {operations: 0, window: 1h}}\n", "1–1000"},
        Bad{"defaults: {budget: {operations: 1, window: 0}}\n", "above 0"},
        Bad{"defaults: {storm: {incidents: 51}}\n", "1–50"}, Bad{"defaults: {storm: {calm: 0}}\n", "above 0"},
        Bad{"rollout: {for: 1h}\n", "rollout.first"}, Bad{"rollout: {first: staging, for: 0}\n", "above 0"},
        Bad{"rollout: {first: staging, until: 1h}\n", "until"},
        Bad{"policy:\n  - {remedy: a, mode: ask, storm: {incidents: 1}}\n", "storm"},
        Bad{"defaults: {blast_radius: {share: 101}}\n", "1–100"}, Bad{"defaults: {blast_radius: {node: 1}}\n", "node"},
        Bad{"defaults: {blast_radius: {window: 0}}\n", "above 0"},
        Bad{"defaults: {backoff: 10s, backoff_max: 1s}\n", "shorter"}, Bad{"catalogue: 99\n", "catalogue"},
        Bad{"schema: 7\n", "schema"},
        Bad{"policy:\n  - {remedy: a, object: \"topic:*\", floor: 1h, mode: ask}\n", "very object"}));

TEST(Policy, the_reference_page_is_what_the_reader_takes) {
    std::ifstream in("docs/policy.md");
    std::stringstream page;
    page << in.rdbuf();
    EXPECT_EQ(page.str(), policy_reference()) << "run: medic config reference --policy > docs/policy.md";
}

TEST(Glob, matches_stars_and_question_marks) {
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("staging-*", "staging-"));
    EXPECT_TRUE(glob_matches("a*b*c", "aXXbYYbZc"));
    EXPECT_TRUE(glob_matches("t?-1", "tm-1"));
    EXPECT_FALSE(glob_matches("a*b", "abc"));
    EXPECT_FALSE(glob_matches("", "a"));
}

}  // namespace
}  // namespace medic
