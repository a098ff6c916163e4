// What must be so before a deployment is planned, and what the plan looks like.
#include <algorithm>

#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class Deploy : public RemedyTest {
protected:
    Deploy() {
        auto& deployment = view_.cluster.deployments[0];
        deployment.artifacts = {{"v1", "/jars/one.jar"}, {"v2", "/jars/two.jar"}};
        deployment.topics = {{"v2", {"events"}}};
        deployment.gate.group = "fleet";
        deployment.gate.lag_max = 1'000;
        about("operator.deploy", job, {{"job", "fleet"}, {"version", "v2"}});
        fact(job, "flink_job_state", 1, "RUNNING");
        fact(job, "id", 1, "j1");
        fact(job, "version", 1, "v1");
        fact(job, "flink_job_parallelism", 4);
        fact(job, "flink_checkpoint_last_completed_timestamp_seconds", static_cast<double>(now.unix_ms) / 1'000 - 5);
        fact({"lab", "artifact", "/jars/one.jar"}, "sha256", 0, "sha256:11");
        fact({"lab", "artifact", "/jars/two.jar"}, "sha256", 0, "sha256:22");
        fact({"lab", "topic", "events"}, "partitions", 8, "8");
        fact({"lab", "group", "fleet"}, "kafka_group_lag_records", 2'000);
    }
    void forget(const Subject& subject, const std::string& name) {
        std::erase_if(view_.facts, [&](const Fact& one) { return one.subject == subject && one.name == name; });
    }
    void set(const std::string& name, std::string text) {
        forget(job, name);
        fact(job, name, 1, std::move(text));
    }
    std::string refused() {
        const auto made = plan("flink.deploy");
        return made ? "planned: " + made->summary : made.error().message;
    }
    void refuses(const std::string& what) { EXPECT_NE(refused().find(what), std::string::npos) << refused(); }
    void accepts(const std::string& doubts) { diagnosis_.facts["accept"] = doubts; }
};

TEST_F(Deploy, it_is_verified_before_the_job_is_stopped_and_can_be_taken_back) {
    EXPECT_EQ(
        operations("flink.deploy"),
        (std::vector<std::string>{"lab: verify-deployment fleet version v2", "lab: stop-job-with-savepoint j1 into /sp",
                                  "lab: start-deployment fleet version v2 from empty state"}));
    const Plan made = *plan("flink.deploy");
    EXPECT_TRUE(made.steps[2].restore_from_own_savepoint) << "that is: from the savepoint";
    EXPECT_EQ(made.undo_from, 2U);
    ASSERT_EQ(made.undo_steps.size(), 2U);
    EXPECT_TRUE(made.undo_steps[1].restore_from_own_savepoint);
    EXPECT_EQ(std::get<StartDeployment>(made.undo_steps[1].operation).version, "v1");
    EXPECT_EQ(std::get<StartDeployment>(made.undo_steps[1].operation).parallelism, 4);
    ASSERT_TRUE(made.quarantine_when_undone);
    EXPECT_EQ(made.quarantine_when_undone->artifact, "sha256:22");
    EXPECT_FALSE(made.quarantine);
}

TEST_F(Deploy, the_gate_looks_at_more_than_the_state) {
    const Plan made = *plan("flink.deploy");
    const Expectation& gate = made.steps[2].expectation;
    EXPECT_EQ(gate.stable_for, Duration{60'000});
    ASSERT_EQ(gate.all.size(), 2U);
    EXPECT_EQ(gate.all[1].fact.name, "kafka_group_lag_records");
    EXPECT_EQ(gate.all[1].value, 2'000) << "no worse than before";
    EXPECT_FALSE(gate.any.empty());
    ASSERT_EQ(gate.in_vain_if.size(), 1U);
    EXPECT_EQ(gate.in_vain_if[0].fact.name, "flink_job_restarts_total");
}

TEST_F(Deploy, what_is_missing_is_named_all_at_once) {
    forget({"lab", "topic", "events"}, "partitions");
    forget({"lab", "artifact", "/jars/two.jar"}, "sha256");
    fact({"lab", "artifact", "/jars/two.jar"}, "sha256", 0, std::string(no_artifact));
    refuses("the artifact of version v2 is not there");
    refuses("Kafka shows no topic events");
    accepts("topics");
    refuses("the artifact of version v2 is not there");
}

TEST_F(Deploy, the_version_that_runs_is_not_deployed) {
    diagnosis_.facts["version"] = "v1";
    refuses("version v1 runs already");
}

TEST_F(Deploy, what_was_taken_back_is_known_by_name_and_by_what_it_holds) {
    view_.quarantined = {{"fleet", "v2"}};
    refuses("was taken back before");
    view_.quarantined = {{"fleet", "sha256:22"}};
    refuses("accept `quarantine`");
    accepts("quarantine");
    EXPECT_TRUE(plan("flink.deploy"));
    accepts("");
    view_.quarantined = {{"fleet", "v1"}};
    refuses("could not be started again");
}

TEST_F(Deploy, versions_of_one_artifact_are_told_apart_by_name) {
    const Subject one{"lab", "artifact", "/jars/one.jar"};
    forget(one, "sha256");
    fact(one, "sha256", 0, "sha256:22");
    view_.quarantined = {{"fleet", "sha256:22"}};
    const auto made = plan("flink.deploy");
    ASSERT_TRUE(made) << "its arguments make the difference";
    EXPECT_EQ(made->quarantine_when_undone->artifact, "");
}

TEST_F(Deploy, a_checkpoint_that_is_old_or_not_known_is_a_doubt) {
    forget(job, "flink_checkpoint_last_completed_timestamp_seconds");
    refuses("no checkpoint of it is known");
    fact(job, "flink_checkpoint_last_completed_timestamp_seconds", static_cast<double>(now.unix_ms) / 1'000 - 3'600);
    refuses("its last checkpoint is 3600 s old");
    accepts("state,checkpoint");
    EXPECT_TRUE(plan("flink.deploy"));
}

TEST_F(Deploy, a_job_that_fails_again_and_again_is_replaced_from_its_last_checkpoint_with_consent) {
    set("flink_job_state", "RESTARTING");
    refuses("no complete checkpoint of it is known");
    set("checkpoint_path", "file:/cp/chk-7");
    refuses("whether file:/cp/chk-7 outlives its cancellation is not known");
    set("checkpoints_kept", "always");
    refuses("accept `checkpoint`");
    accepts("checkpoint");
    EXPECT_EQ(
        operations("flink.deploy"),
        (std::vector<std::string>{"lab: verify-deployment fleet version v2, accepted: checkpoint", "lab: cancel-job j1",
                                  "lab: start-deployment fleet version v2 from file:/cp/chk-7"}));
    const auto planned = plan("flink.deploy");
    ASSERT_TRUE(planned);
    const auto& conditions = planned->steps.at(1).precondition;
    const std::string newest = "job/fleet checkpoint_path is file:/cp/chk-7";
    EXPECT_TRUE(std::ranges::any_of(conditions, [&](const Condition& one) { return describe(one) == newest; }));
}

TEST_F(Deploy, a_job_that_was_ended_on_purpose_is_left_alone) {
    for (const char* state : {"FINISHED", "CANCELED"}) {
        set("flink_job_state", state);
        refuses("what was ended on purpose");
    }
}

TEST_F(Deploy, what_runs_must_be_known) {
    forget(job, "version");
    EXPECT_EQ(refusal("flink.deploy"), ErrorCode::not_ready);
    diagnosis_.facts["from"] = "v1";
    EXPECT_TRUE(plan("flink.deploy"));
    set("version", "v2");
    refuses("version v2 of fleet runs, not v1");
    forget(job, "id");
    EXPECT_EQ(refusal("flink.deploy"), ErrorCode::not_ready);
}

TEST_F(Deploy, a_dry_run_has_one_step_and_that_one_asks) {
    diagnosis_.facts["dry_run"] = "true";
    const Plan made = *plan("flink.deploy");
    ASSERT_EQ(made.steps.size(), 1U);
    EXPECT_TRUE(made.steps[0].only_asks);
    EXPECT_FALSE(made.findings.empty());
}

}  // namespace
}  // namespace medic
