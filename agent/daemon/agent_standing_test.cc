// What a drill is told of the policy.
#include "agent/daemon/agent_standing.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace medic {
namespace {

PolicyRule rule(std::string object, Mode mode) {
    PolicyRule made;
    made.object = std::move(object);
    made.mode = mode;
    made.where = "rule of " + made.object;
    return made;
}

struct Told {
    std::string mode, why;
    bool operator==(const Told&) const = default;
};

Told told_of(const std::string& cause, std::vector<PolicyRule> rules, const std::vector<std::string>& jobs) {
    static const Catalogue catalogue = Catalogue::load_embedded().value();
    Policy policy;
    policy.rules = std::move(rules);
    std::vector<Subject> subjects;
    for (const std::string& job : jobs) subjects.push_back({"lab", "job", job});
    const auto modes = modes_of(catalogue, policy, "lab", subjects);
    const auto found = std::ranges::find(modes, cause, &practice::ModeStanding::cause);
    return found == modes.end() ? Told{} : Told{found->mode, found->why};
}

const std::string lost = "flink.job-lost";

TEST(AgentStanding, a_rule_that_names_the_job_counts) {
    const std::vector<PolicyRule> rules{rule("job:billing", Mode::auto_), rule("*", Mode::observe)};
    EXPECT_EQ(told_of(lost, rules, {"billing"}), (Told{"auto", "job:billing: rule of job:billing says auto"}));
}
TEST(AgentStanding, of_several_jobs_the_strictest_counts) {
    const std::vector<PolicyRule> rules{rule("job:fraud", Mode::observe), rule("*", Mode::auto_)};
    EXPECT_EQ(told_of(lost, rules, {"billing", "fraud", "orders"}),
              (Told{"observe", "job:fraud: rule of job:fraud says observe"}));
    EXPECT_EQ(told_of(lost, rules, {"billing", "orders"}), (Told{"auto", "job:billing: rule of * says auto"}));
    EXPECT_EQ(told_of(lost, {rule("job:billing", Mode::auto_)}, {"billing", "fraud"}).mode, "observe")
        << "one that no rule covers";
}
TEST(AgentStanding, without_a_job_the_rule_of_any_object_counts) {
    EXPECT_EQ(told_of(lost, {rule("*", Mode::ask)}, {}), (Told{"ask", "rule of * says ask"}));
    EXPECT_EQ(told_of(lost, {rule("job:billing", Mode::auto_)}, {}).mode, "observe");
}
TEST(AgentStanding, other_causes_are_not_about_jobs) {
    const std::vector<PolicyRule> rules{rule("job:fraud", Mode::observe), rule("*", Mode::auto_)};
    EXPECT_EQ(told_of("flink.taskmanager-lost", rules, {"fraud"}), (Told{"auto", "rule of * says auto"}));
}

}  // namespace
}  // namespace medic
