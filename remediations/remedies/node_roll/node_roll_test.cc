// The plan of a roll: order, what proves each step, and what can't be rolled.
#include <gtest/gtest.h>

#include <algorithm>

#include "remediations/planning/dry_run.h"
#include "remediations/planning/planner.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

Diagnosis wish(const std::string& role, const std::string& nodes) {
    Diagnosis diagnosis;
    diagnosis.cause = "operator.roll";
    diagnosis.subject = {"lab", "role", role};
    diagnosis.facts = {{"role", role}, {"nodes", nodes}};
    return diagnosis;
}

struct Lab {
    Lab() {
        view.now = {1'000'000};
        view.cluster.name = "lab";
        node("broker-1", "broker", "broker", "1");
        node("broker-2", "broker", "broker", "2");
        node("connect-1", "connect-worker", "worker", "h:8083");
        node("tm-1", "taskmanager", "taskmanager", "tm-1");
        view.cluster.deployments.push_back({.job = "fleet"});
        view.cluster.deployments.push_back({.job = "idle"});
        fact({"lab", "job", "fleet"}, "flink_job_state", "RUNNING");
        fact({"lab", "job", "idle"}, "flink_job_state", "CANCELED");
        view.facts.push_back({{"lab", "cluster", "lab"}, "kafka_quorum_leader", 1, "", view.now});
    }
    void node(const std::string& name, const std::string& role, const std::string& kind, const std::string& runs) {
        view.cluster.nodes.push_back({.name = name, .role = role, .can_start = true, .can_stop = true});
        fact({"lab", "node", name}, kind, runs);
    }
    void fact(const Subject& subject, const std::string& name, const std::string& text) {
        view.facts.push_back({subject, name, {}, text, view.now});
    }
    [[nodiscard]] Result<Plan> plan(const std::string& role, const std::string& nodes) const {
        return planner.plan("node.roll", wish(role, nodes), view);
    }
    Planner planner{remedies::all_remedies()};
    PlanningView view;
};

std::vector<std::string> proofs(const Step& step) {
    std::vector<std::string> all;
    for (const auto& condition : step.expectation.all) all.push_back(describe(condition));
    return all;
}

bool proves(const Step& step, const std::string& what) {
    const auto all = proofs(step);
    return std::ranges::any_of(all, [&](const std::string& one) { return one.find(what) != std::string::npos; });
}

TEST(NodeRoll, the_steps_of_a_dry_run_can_never_be_sent) {
    const Lab lab;
    Diagnosis dry = wish("broker", "broker-1,broker-2");
    dry.facts["dry_run"] = "true";
    const auto plan = lab.planner.plan("node.roll", dry, lab.view);
    ASSERT_TRUE(plan) << plan.error().message;
    ASSERT_EQ(plan->steps.size(), 4U);
    for (const Step& step : plan->steps) {
        EXPECT_EQ(step.precondition.back().fact, never_met(step.subject).fact);
        EXPECT_EQ(as_if_meant(step).precondition.size() + 1, step.precondition.size());
    }
    EXPECT_EQ(plan->findings.size(), 3U);
    EXPECT_TRUE(lab.plan("broker", "broker-1,broker-2")->findings.empty());
}

TEST(NodeRoll, the_leader_of_the_quorum_goes_last_and_each_broker_must_be_in_sync_again) {
    const auto plan = Lab().plan("broker", "broker-1,broker-2");
    ASSERT_TRUE(plan) << plan.error().message;
    ASSERT_EQ(plan->steps.size(), 4U);
    EXPECT_EQ(plan->steps[0].text, "stop broker-2 in good order");
    EXPECT_EQ(plan->steps[2].text, "stop broker-1 in good order");
    EXPECT_TRUE(proves(plan->steps[1], "kafka_broker_replicas_out_of_sync"));
    EXPECT_TRUE(proves(plan->steps[1], "kafka_broker_reachable"));
    EXPECT_EQ(plan->steps[2].precondition.size(), 2U) << "both must run before the second is stopped";
    for (const Step& step : plan->steps) EXPECT_FALSE(std::holds_alternative<KillNode>(step.operation));
}

TEST(NodeRoll, jobs_that_ran_must_run_again_and_others_need_not) {
    const auto plan = Lab().plan("taskmanager", "tm-1");
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(proves(plan->steps[1], "job/fleet"));
    EXPECT_FALSE(proves(plan->steps[1], "job/idle"));
    EXPECT_TRUE(proves(plan->steps[1], "flink_taskmanager_registered"));
}

TEST(NodeRoll, what_runs_on_a_node_must_be_known) {
    Lab lab;
    std::erase_if(lab.view.facts, [](const Fact& fact) { return fact.subject.name == "broker-2"; });
    EXPECT_EQ(lab.plan("broker", "broker-1,broker-2").error().code, ErrorCode::not_ready);
}

TEST(NodeRoll, other_roles_unknown_nodes_and_drivers_that_can_not_stop_are_refused) {
    Lab lab;
    EXPECT_EQ(lab.plan("jobmanager", "jm-1").error().code, ErrorCode::invalid);
    EXPECT_EQ(lab.plan("broker", "connect-1").error().code, ErrorCode::invalid);
    EXPECT_EQ(lab.plan("broker", "").error().code, ErrorCode::invalid);
    EXPECT_TRUE(lab.plan("connect-worker", "connect-1"));
    lab.view.cluster.nodes[0].can_stop = false;
    EXPECT_EQ(lab.plan("broker", "broker-1").error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace medic
