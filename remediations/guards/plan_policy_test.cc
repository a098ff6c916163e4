// A rule that names an object holds for every plan that reaches it, whichever step does and whoever named it.
#include "remediations/guards/plan_policy.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "remediations/planning/objects.h"

namespace medic {
namespace {

const Subject billing{"lab", "job", "billing"};

Step step_with(OperationBody operation, Subject subject = billing) {
    Step step;
    step.subject = std::move(subject);
    step.operation = std::move(operation);
    step.undo = "not needed";
    step.expectation.all = {Condition{.fact = {step.subject, "state"}}};
    return step;
}

Diagnosis about(Subject subject, std::map<std::string, std::string> facts = {}) {
    Diagnosis diagnosis;
    diagnosis.cause = "flink.user-exception";
    diagnosis.subject = std::move(subject);
    diagnosis.facts = std::move(facts);
    return diagnosis;
}

Plan plan_of(std::vector<Step> steps, Subject subject = billing) {
    Plan plan;
    plan.remedy = "flink.roll-back";
    plan.cause = "flink.user-exception";
    plan.subject = std::move(subject);
    plan.steps = std::move(steps);
    return plan;
}

PolicyRule rule(std::string object, Mode mode) {
    PolicyRule made;
    made.object = std::move(object);
    made.mode = mode;
    made.where = "rule of " + made.object;
    return made;
}

Policy policy_of(std::vector<PolicyRule> rules) {
    Policy policy;
    policy.rules = std::move(rules);
    return policy;
}

Mode mode_of(const std::vector<PolicyRule>& rules, const Plan& plan, const Diagnosis& diagnosis) {
    return decide_plan(policy_of(rules), {plan, diagnosis, 1}).mode;
}

TEST(PlanPolicy, a_protected_object_is_protected_from_steps_that_do_not_name_it) {
    const Plan plan = plan_of({step_with(CancelJob{"abc"}), step_with(StartDeployment{.job = "billing"})});
    const std::vector<PolicyRule> rules{rule("job:billing", Mode::observe), rule("*", Mode::auto_)};
    EXPECT_EQ(mode_of(rules, plan, about(billing)), Mode::observe);
    EXPECT_EQ(decide_plan(policy_of(rules), {plan, about(billing), 1}).why, "rule of job:billing says observe");
    EXPECT_EQ(mode_of({rule("job:other", Mode::observe), rule("*", Mode::auto_)}, plan, about(billing)), Mode::auto_);
    EXPECT_EQ(mode_of({rule("job:billing", Mode::auto_), rule("*", Mode::observe)}, plan, about(billing)), Mode::auto_);
}

TEST(PlanPolicy, what_the_diagnosis_is_about_is_protected_too) {
    const Plan plan = plan_of({step_with(KillNode{"tm-1"}, {"lab", "node", "tm-1"})});
    const std::vector<PolicyRule> rules{rule("job:billing", Mode::ask), rule("*", Mode::auto_)};
    EXPECT_EQ(mode_of(rules, plan, about(billing)), Mode::ask);
    EXPECT_EQ(mode_of(rules, plan_of(plan.steps, {"lab", "job", "other"}), about({"lab", "job", "other"})),
              Mode::auto_);
}

TEST(PlanPolicy, a_later_step_and_what_takes_back_count_from_the_first_on) {
    Plan plan = plan_of(
        {step_with(KillNode{"tm-1"}, {"lab", "node", "tm-1"}), step_with(StartNode{"tm-2"}, {"lab", "node", "tm-2"})});
    const std::vector<PolicyRule> later{rule("node:tm-2", Mode::ask), rule("*", Mode::auto_)};
    EXPECT_EQ(mode_of(later, plan, about(billing)), Mode::ask);
    plan.undo_steps = {step_with(ResumeConnector{"orders"}, {"lab", "connector", "orders"})};
    const std::vector<PolicyRule> undone{rule("connector:orders", Mode::observe), rule("*", Mode::auto_)};
    EXPECT_EQ(mode_of(undone, plan, about(billing)), Mode::observe);
}

TEST(PlanPolicy, the_job_of_a_node_and_the_groups_of_its_tasks_are_protected) {
    Step node = step_with(KillNode{"tm-1"}, {"lab", "node", "tm-1"});
    node.job = billing;
    const Subject taskmanager{"lab", "taskmanager", "tm-1"};
    const Plan plan =
        plan_of({node, step_with(RemoveGroupMembers{{{"connect-audit", {"c"}}}}, taskmanager)}, taskmanager);
    for (const char* object : {"node:tm-1", "job:billing", "group:connect-audit", "taskmanager:tm-1"})
        EXPECT_EQ(mode_of({rule(object, Mode::ask), rule("*", Mode::auto_)}, plan, about(taskmanager)), Mode::ask)
            << object;
}

// The author has allowed one object, and not whatever else a plan for it changes.
TEST(PlanPolicy, an_object_that_is_allowed_allows_no_other) {
    const auto two_topics =
        plan_of({step_with(AlterReassignments{{{"a", 0, {1}}, {"b", 0, {1}}}}, {"lab", "partition", "a-0"})});
    EXPECT_EQ(mode_of({rule("topic:a", Mode::auto_)}, two_topics, about(billing)), Mode::observe);
    EXPECT_EQ(mode_of({rule("topic:a", Mode::auto_), rule("*", Mode::ask)}, two_topics, about(billing)), Mode::ask);
    EXPECT_EQ(mode_of({rule("topic:*", Mode::auto_)}, two_topics, about(billing)), Mode::auto_);
    const auto cancel = plan_of({step_with(CancelJob{"abc"})});
    EXPECT_EQ(mode_of({rule("node:*", Mode::auto_), rule("*", Mode::ask)}, cancel, about({"lab", "node", "tm-1"})),
              Mode::ask);
    EXPECT_EQ(mode_of({rule("job:billing", Mode::auto_)}, cancel, about({"lab", "node", "tm-1"})), Mode::auto_);
}

TEST(PlanPolicy, each_limit_is_the_strictest) {
    PolicyRule named = rule("job:billing", Mode::auto_), other = rule("node:tm-1", Mode::auto_);
    named.limits.attempts_max = 1;
    named.limits.blast_radius.nodes = 7;
    other.limits.cooldown = Duration{3'600'000};
    other.limits.blast_radius.nodes = 2;
    const auto plan = plan_of({step_with(CancelJob{"abc"}), step_with(KillNode{"tm-1"}, {"lab", "node", "tm-1"})});
    const auto decision = decide_plan(policy_of({named, other}), {plan, about(billing), 1});
    EXPECT_EQ(decision.mode, Mode::auto_);
    EXPECT_EQ(decision.limits.attempts_max, 1);
    EXPECT_EQ(decision.limits.cooldown, Duration{3'600'000});
    EXPECT_EQ(decision.limits.blast_radius.nodes, 2);
}

TEST(PlanPolicy, floor_and_naming_are_those_of_the_steps_own_object) {
    const Subject topic{"lab", "topic", "orders"};
    Step cut = step_with(AlterConfigs{.name = "orders", .set = {}}, topic);
    cut.object = "topic:orders";
    const auto plan = plan_of({cut}, topic);
    PolicyRule named = rule("topic:orders", Mode::auto_);
    named.floor = Duration{24 * 3'600'000};
    const Policy policy = policy_of({named, rule("log-dir:*", Mode::ask)});
    const auto decision = decide_step(policy, {plan, about({"lab", "log-dir", "2:/data"}), 1}, plan.steps[0]);
    EXPECT_EQ(decision.mode, Mode::ask) << "of the log directory that it is about";
    EXPECT_TRUE(decision.names_object);
    EXPECT_EQ(decision.floor, Duration{24 * 3'600'000});
}

TEST(PlanPolicy, before_there_is_a_plan_the_diagnosis_tells) {
    const auto diagnosis = about({"lab", "taskmanager", "tm-1"}, {{"job", "billing"}, {"node", "tm-1"}});
    const auto mode = [&](const std::vector<PolicyRule>& rules) {
        return foresee(policy_of(rules), {"flink.roll-back", diagnosis, 1}).mode;
    };
    EXPECT_EQ(mode({rule("job:billing", Mode::observe), rule("*", Mode::auto_)}), Mode::observe);
    EXPECT_EQ(mode({rule("job:billing", Mode::ask)}), Mode::ask);
    EXPECT_EQ(mode({rule("job:other", Mode::observe), rule("*", Mode::auto_)}), Mode::auto_);
    EXPECT_EQ(mode({}), Mode::observe);
}

// One of each, so that none of them passes by a rule.
const std::vector<OperationBody> every_operation{
    StartNode{"n"},
    StopNode{"n"},
    KillNode{"n"},
    KillConnectorTask{"n", "c", 0},
    GrowStorage{"n", "/data", 1},
    RestartConnectorTask{"c", 0},
    RestartConnector{"c"},
    PauseConnector{"c"},
    ResumeConnector{"c"},
    CancelJob{"abc"},
    StopJobWithSavepoint{"abc", "/sp"},
    StartDeployment{.job = "billing"},
    AlterConfigs{.name = "t", .set = {}},
    AlterReassignments{{{"t", 0, {1}}}},
    ElectLeaders{{{"t", 0}}},
    RemoveGroupMembers{{{"g", {"c"}}}},
    ChangeConnectorConfiguration{.connector = "c", .set = {}},
    AlterClientQuota{.user = "u", .client_id = "", .set = {}},
    VerifyDeployment{.job = "billing", .version = "v2", .job_id = "abc", .accept = {}},
    AbortTransaction{.topic = "t"},
    StopConnector{"c"},
    AlterConnectorOffset{.connector = "c", .topic = "t"},
    ElectUncleanLeader{.topic = "t"},
    RescaleJob{"abc", 1, 2}};

TEST(PlanPolicy, the_planner_names_the_object_of_every_step) {
    ASSERT_EQ(every_operation.size(), std::variant_size_v<OperationBody>);
    Remedy all;
    all.name = "all";
    all.needs = [](const Diagnosis&, const PlanningView&) { return std::vector<FactKey>{}; };
    all.plan = [](const Diagnosis&, const PlanningView&) -> Result<Plan> {
        Plan plan;
        for (const auto& operation : every_operation) {
            plan.steps.push_back(step_with(operation));
            plan.undo_steps.push_back(step_with(operation));
        }
        return plan;
    };
    const Diagnosis diagnosis = about({"lab", "vertex", "billing/map"});
    const auto plan = Planner({all}).plan("all", diagnosis, {});
    ASSERT_TRUE(plan) << plan.error().message;
    for (const auto* steps : {&plan->steps, &plan->undo_steps})
        for (const Step& step : *steps) {
            EXPECT_FALSE(step.object.empty()) << operation_name(step.operation);
            for (const std::string& object : touched_objects(step))
                EXPECT_EQ(mode_of({rule(object, Mode::observe), rule("*", Mode::auto_)}, *plan, diagnosis),
                          Mode::observe)
                    << operation_name(step.operation) << " of " << object;
        }
}

TEST(PlanPolicy, a_step_that_reaches_nothing_stands_for_its_plan_or_the_diagnosis) {
    const Step removal = step_with(RemoveGroupMembers{{{"g", {"c"}}}});
    EXPECT_EQ(object_of(removal, plan_of({removal})), "job:billing");
    EXPECT_EQ(object_of(removal, plan_of({removal, step_with(KillNode{"tm-1"})})), "node:tm-1");
    Step named = removal;
    named.object = "connector:c";
    EXPECT_EQ(object_of(named, plan_of({named})), "connector:c");
}

TEST(PlanPolicy, who_destroys_data_must_say_whose_by_himself) {
    Remedy careless;
    careless.name = "careless";
    careless.plan = [](const Diagnosis&, const PlanningView&) -> Result<Plan> {
        Plan plan;
        plan.steps = {step_with(AlterConfigs{.name = "t", .set = {}})};
        plan.steps[0].destroys = Destroys::data;
        return plan;
    };
    EXPECT_FALSE(Planner({careless}).plan("careless", about(billing), {}));
}

}  // namespace
}  // namespace medic
