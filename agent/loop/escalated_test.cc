// Incidents whose remedy did not help: when they are over, and what they leave room for.
#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"

namespace medic {
namespace {

using namespace loop_bench;

// The node comes back at once, as told; the job does not.
void obey_in_vain(Bench& bench, const Operation& operation) {
    obey(bench, operation);
    bench.text({job, "flink_job_state"}, "RESTARTING");
}

// Escalated with no effect, and the cause is no longer reported.
class InVain : public testing::Test {
protected:
    InVain() : bench(once()) {
        bench.on_send = [&](const Operation& operation) { obey_in_vain(bench, operation); };
        bench.run(3);
        lose_node(bench);
        bench.tick();
        for (int i = 0; i < 400 && bench.incident().state != IncidentState::escalated; ++i) bench.tick();
        bench.diagnoses.clear();
        bench.run(60);
    }
    static LoopOptions once() {
        LoopOptions given = options(Mode::auto_);
        given.policy.rules[0].limits.attempts_max = 1;
        return given;
    }
    Bench bench;
};

TEST_F(InVain, it_is_not_over_while_what_was_hoped_for_is_known_not_to_be_so) {
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "no_effect");
    bench.restart();  // The journal's record says what was hoped for.
    bench.run(60);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
}

TEST_F(InVain, it_is_over_once_the_job_runs_again) {
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.run(3);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
}

TEST_F(InVain, a_job_that_a_person_has_ended_ends_it) {
    bench.text({job, "flink_job_state"}, "CANCELED");
    bench.run(3);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
}

TEST_F(InVain, a_job_that_nobody_can_look_up_keeps_it_for_a_while_only) {
    bench.unknown({job, "flink_job_state"});
    bench.run(60);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    bench.run(1'200);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved) << bench.story();
}

// A deployment's own fault, reported while a node's replacement is tried in vain: not that plan's effect.
TEST(Loop, while_a_plan_backs_off_another_cause_of_its_job_gets_an_incident) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey_in_vain(bench, operation); };
    bench.run(3);
    lose_node(bench);
    while (bench.sent.empty()) bench.tick();
    Diagnosis deployed = node_lost();
    deployed.cause = "flink.null-dereference";
    deployed.subject = job;
    deployed.facts = {{"job", "fleet"}};
    deployed.remedies.clear();
    bench.diagnoses.push_back(deployed);
    bench.run(20);
    EXPECT_EQ(bench.loop().incidents().size(), 1U) << bench.story();
    for (int i = 0; i < 200 && bench.incident().attempt < 2; ++i) bench.tick();
    bench.run(2);
    EXPECT_EQ(bench.loop().incidents().size(), 2U) << bench.story();
}

// What the plan has changed with its own hands stays its effect, also then.
TEST(Loop, while_a_plan_backs_off_what_it_has_fenced_opens_no_incident) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey_in_vain(bench, operation); };
    bench.run(3);
    lose_node(bench);
    while (bench.sent.empty()) bench.tick();
    Diagnosis fenced = node_lost();
    fenced.cause = "flink.taskmanager-frozen";
    bench.diagnoses.push_back(fenced);
    bench.run(200);
    ASSERT_GT(bench.incident().attempt, 1) << bench.story();
    EXPECT_EQ(bench.loop().incidents().size(), 1U) << bench.story();
}

// What it backed off from comes about while another incident acts: it waits until that one has ended.
TEST(Loop, a_plan_that_has_backed_off_does_not_take_the_cluster_from_another) {
    Bench bench(options(Mode::auto_));
    std::string open_kill;
    bench.on_send = [&](const Operation& operation) {
        if (std::holds_alternative<KillConnectorTask>(operation.body)) {
            open_kill = operation.key;  // Takes its time.
            return;
        }
        if (const auto* start = std::get_if<StartNode>(&operation.body); start != nullptr && !start->as_spare)
            return bench.reply(operation.key, fail(ErrorCode::unavailable, "refused"));
        obey(bench, operation);
    };
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    lose_node(bench);
    while (bench.sent.empty()) bench.tick();
    bench.diagnoses.push_back(task_stuck());
    for (int i = 0; i < 100 && open_kill.empty(); ++i) bench.tick();
    ASSERT_FALSE(open_kill.empty()) << bench.story();
    bench.text({job, "flink_job_state"}, "RUNNING");
    bench.counts({job, "flink_subtask_records_in_total"});
    bench.run(8);
    const auto sent = bench.sent.size();
    bench.text({task, "connect_task_state"}, "FAILED");
    bench.reply(open_kill, std::string("ok"));
    bench.run(2);
    EXPECT_GT(bench.sent.size(), sent) << bench.story();
    bench.run(60);
    for (const auto& one : bench.loop().incidents()) EXPECT_EQ(one.outcome, "healed") << bench.story();
}

TEST(Escalated, what_another_system_defines_is_proposed_to_a_person_and_left_running) {
    LoopOptions given = options(Mode::auto_);
    given.clusters[0].deployments = {{.job = "fleet", .savepoints = "/s", .versions = {"v1", "v2"}, .parallelism = {}}};
    given.clusters[0].managed = {{"job:*", "flink-operator", false}};
    Bench bench(given);
    bench.text({job, "checkpoint_path"}, "/chk/7");
    bench.text({job, "checkpoints_kept"}, "always");
    bench.run(3);
    bench.diagnoses = {node_lost()};
    bench.diagnoses[0].cause = "flink.user-exception";
    bench.diagnoses[0].subject = job;
    bench.diagnoses[0].remedies = {"flink.roll-back"};
    bench.diagnoses[0].facts = {{"job", "fleet"}, {"job_id", "j1"}, {"version", "v2"}, {"last_good_version", "v1"}};
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty());
    const Incident incident = bench.incident();
    EXPECT_EQ(incident.state, IncidentState::escalated);
    const std::string proposal = "proposed there: {kind: FlinkDeployment, metadata: {name: fleet}";
    EXPECT_NE(incident.story.back().text.find(proposal), std::string::npos) << bench.story();
    const auto told = std::ranges::find(bench.notes, Notification::Kind::escalated, &Notification::kind);
    ASSERT_NE(told, bench.notes.end());
    EXPECT_NE(told->text.find(proposal), std::string::npos) << told->text;
}

}  // namespace
}  // namespace medic
