// A rule of the policy that names an object holds whatever the remedy calls what it changes; and what is foretold of a
// plan is what the loop does.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "agent/loop/loop_bench.h"
#include "agent/store/kafka_words.h"
#include "remediations/guards/plan_policy.h"
#include "remediations/planning/objects.h"

namespace medic {
namespace {

using namespace loop_bench;

const Subject billing{"lab", "job", "billing"};

PolicyRule rule(std::string remedy, std::string object, Mode mode) {
    PolicyRule made;
    made.remedy = std::move(remedy);
    made.object = std::move(object);
    made.mode = mode;
    made.where = "policy.yaml:1:1";
    return made;
}

LoopOptions with_billing(std::vector<PolicyRule> rules) {
    LoopOptions given = options(Mode::observe);
    given.policy.rules = std::move(rules);
    given.policy.catalogue = catalogue_level;
    given.clusters.front().deployments.push_back(
        {.job = "billing", .savepoints = "/sp", .versions = {"v1", "v2"}, .parallelism = {}});
    return given;
}

void bad_version(Bench& bench) {
    bench.text({billing, "flink_job_state"}, "RUNNING");
    bench.text({billing, "checkpoint_path"}, "/cp/7");
    bench.text({billing, "checkpoints_kept"}, "always");
    Diagnosis told = node_lost();
    told.cause = "flink.null-dereference";
    told.subject = billing;
    told.summary = "version v2 of billing fails on its own records";
    told.remedies = {"flink.roll-back"};
    told.facts = {{"job", "billing"}, {"job_id", "abc"}, {"version", "v2"}, {"last_good_version", "v1"}};
    bench.diagnoses = {told};
    bench.diagnoses[0].since = bench.wall();
}

TEST(ProtectedObject, a_job_that_is_only_observed_is_not_rolled_back) {
    Bench bench(with_billing({rule("flink.*", "job:billing", Mode::observe), rule("flink.*", "*", Mode::auto_)}));
    bench.run(3);
    bad_version(bench);
    bench.run(40);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(bench.incident().state, IncidentState::observing) << bench.story();
}

TEST(ProtectedObject, another_job_is) {
    Bench bench(with_billing({rule("flink.*", "job:payments", Mode::observe), rule("flink.*", "*", Mode::auto_)}));
    bench.run(3);
    bad_version(bench);
    bench.run(40);
    ASSERT_FALSE(bench.sent.empty()) << bench.story();
    EXPECT_EQ(describe(bench.sent.front()), "lab: cancel-job abc");
}

struct Scene {
    std::string name;
    void (*begin)(Bench&);
};

void stuck_task(Bench& bench) {
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.diagnoses = {task_stuck()};
    bench.diagnoses[0].since = bench.wall();
}

void failed_task(Bench& bench) {
    stuck_task(bench);
    bench.text({task, "connect_task_state"}, "FAILED");
    bench.diagnoses[0].cause = "connect.task-failed";
    bench.diagnoses[0].remedies = {"connect.restart-task"};
}

void taken_broker(Bench& bench) {
    bench.set(quota_key(noisy, "producer_byte_rate"), 1'000);
    bench.set({noisy, "kafka_client_produce_bytes_per_second"}, 80);
    bench.diagnoses = {noisy_client()};
    bench.set({bench.diagnoses[0].subject, "kafka_broker_request_handler_idle_ratio"}, 0);
    bench.diagnoses[0].since = bench.wall();
}

const std::vector<Scene> scenes{{"lost_node", lose_node},
                                {"bad_version", bad_version},
                                {"stuck_task", stuck_task},
                                {"failed_task", failed_task},
                                {"noisy_client", taken_broker}};

class EveryPlan : public testing::TestWithParam<Scene> {
protected:
    // What the loop comes to under these rules.
    static Incident outcome(const std::vector<PolicyRule>& rules, bool& sent) {
        Bench bench(with_billing(rules));
        bench.run(3);
        GetParam().begin(bench);
        bench.run(60);
        sent = !bench.sent.empty();
        return bench.incident();
    }
};

TEST_P(EveryPlan, is_observed_where_any_of_its_objects_is_and_so_it_is_foretold) {
    bool sent = false;
    const Incident asked = outcome({rule("*", "*", Mode::ask)}, sent);
    ASSERT_FALSE(sent);
    ASSERT_TRUE(asked.plan);
    std::set<std::string> objects{policy_object(asked.diagnosis.subject)};
    for (const auto* steps : {&asked.plan->steps, &asked.plan->undo_steps})
        for (const Step& step : *steps) {
            EXPECT_FALSE(step.object.empty()) << step.text;
            const auto touched = touched_objects(step);
            objects.insert(touched.begin(), touched.end());
        }
    const auto level = Planner(remedies::all_remedies()).level(asked.plan->remedy, asked.plan->cause);
    for (const std::string& object : objects) {
        const std::vector<PolicyRule> rules{rule("*", object, Mode::observe), rule("*", "*", Mode::auto_)};
        const Incident incident = outcome(rules, sent);
        EXPECT_FALSE(sent) << object;
        EXPECT_EQ(incident.state, IncidentState::observing) << object;
        const Policy policy = with_billing(rules).policy;
        EXPECT_EQ(decide_plan(policy, {*asked.plan, asked.diagnosis, level}).mode, Mode::observe) << object;
    }
    (void)outcome({rule("*", "*", Mode::auto_)}, sent);
    EXPECT_TRUE(sent) << "and is done where nothing protects it";
}

INSTANTIATE_TEST_SUITE_P(ProtectedObject, EveryPlan, testing::ValuesIn(scenes),
                         [](const auto& one) { return one.param.name; });

TEST(ProtectedObject, a_floor_of_another_remedy_is_none) {
    PolicyRule other = rule("kafka.cut-retention", "topic:orders", Mode::auto_);
    other.floor = Duration{60'000};
    Bench bench(with_billing({other, rule("*", "*", Mode::auto_)}));
    bench.run(3);
    const Subject partition = partition_subject("lab", "orders", 0);
    bench.set({transaction_subject(partition, 4'000, 1, 100), "kafka_partition_hanging_transaction_seconds"}, 9'000);
    Diagnosis told = node_lost();
    told.cause = "kafka.hanging-transaction";
    told.subject = {"lab", "topic", "orders"};
    told.remedies = {"kafka.abort-hanging-transaction"};
    told.facts = {{"topic", "orders"}, {"transactions", "0/4000/1/100/-1"}};
    told.since = bench.wall();
    bench.diagnoses = {told};
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty()) << bench.story();
    EXPECT_TRUE(bench.story().contains("names no floor for topic:orders")) << bench.story();
}

}  // namespace
}  // namespace medic
