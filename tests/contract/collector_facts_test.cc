// One suite for the facts that our collectors gather, on the embedded platform (ctest) and on the real products
// (`make test-live`): what holds on one holds on the other. Facts that belong together are compared with each other;
// kafka_tools_test.cc compares those of Kafka with Kafka's own tools.
#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "tests/contract/observed_platform.h"

namespace medic::contract {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CollectorFacts : public ::testing::Test {
protected:
    // One platform and one look serve every test: they only read.
    static void SetUpTestSuite() {
        platform_ = std::make_unique<Platform>();
        // Rates of the REST API come with its second fetch, ten seconds after the first question.
        constexpr Duration look_for{25'000};
        seen_ = std::make_unique<Observed>(platform_->config(), look_for);
    }
    static void TearDownTestSuite() {
        seen_.reset();
        platform_.reset();
    }

    static const ClusterConfig& cluster() { return platform_->cluster(); }
    static const Observed& seen() { return *seen_; }

    static std::set<std::string> values_of(const std::vector<Seen>& series, std::string_view label) {
        std::set<std::string> values;
        for (const Seen& one : series) values.insert(one.get(label));
        return values;
    }
    // Topics that the platform's own workload fills.
    static std::string busy_topic() { return platform_->is_live() ? "orders" : "fleet-events"; }
    static std::string job() { return platform_->is_live() ? "order-totals" : "fleet-monitor"; }
    static std::string group() { return platform_->is_live() ? "order-totals" : "fleet-monitor"; }

    static std::unique_ptr<Platform> platform_;
    static std::unique_ptr<Observed> seen_;
};
std::unique_ptr<Platform> CollectorFacts::platform_;
std::unique_ptr<Observed> CollectorFacts::seen_;

TEST_F(CollectorFacts, every_target_answers_completely) {
    for (const auto& target : seen().knowledge().blind_targets(seen().end()))
        ADD_FAILURE() << target << ": " << seen().knowledge().problem(target);
    for (const Seen& target : seen().all("medic_target_up"))
        EXPECT_EQ(target.last, 1) << target.labels.to_string() << ": "
                                  << seen().knowledge().problem(target.get("target"));
}

TEST_F(CollectorFacts, brokers_are_up_reachable_and_one_is_the_controller) {
    const auto up = seen().all("kafka_broker_up");
    EXPECT_THAT(values_of(up, "broker"), UnorderedElementsAre("1", "2", "3"));
    for (const Seen& broker : up) {
        EXPECT_EQ(broker.last, 1) << broker.labels.to_string();
        EXPECT_EQ(seen().value("kafka_broker_reachable", {{"broker", broker.get("broker")}}), 1);
        EXPECT_GT(seen().value("kafka_broker_partitions", {{"broker", broker.get("broker")}}).value_or(0), 0);
    }
    // The embedded platform's controller is a process of its own, with an id that no broker has.
    EXPECT_GE(seen().value("kafka_active_controller").value_or(-1), 0);
}

TEST_F(CollectorFacts, partitions_have_a_leader_replicas_in_sync_and_offsets_that_grow) {
    const auto leaders = seen().all("kafka_partition_leader", {{"topic", busy_topic()}});
    EXPECT_GE(leaders.size(), 6U);
    double grown = 0;
    for (const Seen& leader : leaders) {
        const std::vector<LabelPair> partition = {{"topic", busy_topic()}, {"partition", leader.get("partition")}};
        EXPECT_GE(leader.last, 1) << leader.labels.to_string();
        EXPECT_EQ(seen().value("kafka_partition_replicas", partition), 3);
        EXPECT_EQ(seen().value("kafka_partition_in_sync_replicas", partition), 3);
        const auto end = seen().all("kafka_partition_log_end_offset", partition);
        const auto start = seen().value("kafka_partition_log_start_offset", partition);
        ASSERT_EQ(end.size(), 1U);
        ASSERT_TRUE(start);
        EXPECT_LE(*start, end[0].last);
        grown += end[0].last - end[0].first;
    }
    EXPECT_GT(grown, 0);
    EXPECT_THAT(seen().all("kafka_partition_reassigning"), IsEmpty());
}

TEST_F(CollectorFacts, log_dirs_have_a_size_and_hold_every_replica) {
    for (const char* broker : {"1", "2", "3"}) {
        const auto total = seen().all("kafka_log_dir_total_bytes", {{"broker", broker}});
        ASSERT_EQ(total.size(), 1U) << "broker " << broker;
        const std::vector<LabelPair> dir = {{"broker", broker}, {"log_dir", total[0].get("log_dir")}};
        EXPECT_EQ(seen().value("kafka_log_dir_online", dir), 1);
        EXPECT_GT(seen().value("kafka_log_dir_usable_bytes", dir).value_or(-1), 0);
        EXPECT_LE(seen().value("kafka_log_dir_usable_bytes", dir).value_or(1e300), total[0].last);
        EXPECT_EQ(seen().all("kafka_replica_size_bytes", {{"broker", broker}, {"topic", busy_topic()}}).size(),
                  seen().all("kafka_partition_leader", {{"topic", busy_topic()}}).size());
    }
}

TEST_F(CollectorFacts, a_groups_lag_is_the_end_less_what_it_committed) {
    const auto lags = seen().all("kafka_group_lag_records", {{"group", group()}, {"topic", busy_topic()}});
    ASSERT_EQ(lags.size(), seen().all("kafka_partition_leader", {{"topic", busy_topic()}}).size());
    double committed_more = 0;
    for (const Seen& lag : lags) {
        const std::vector<LabelPair> partition = {{"topic", busy_topic()}, {"partition", lag.get("partition")}};
        auto of_group = partition;
        of_group.emplace_back("group", group());
        const auto committed = seen().all("kafka_group_committed_offset", of_group);
        const auto end = seen().value("kafka_partition_log_end_offset", partition);
        ASSERT_EQ(committed.size(), 1U);
        ASSERT_TRUE(end);
        EXPECT_EQ(lag.last, std::max(0.0, *end - committed[0].last));
        committed_more += committed[0].last - committed[0].first;
    }
    EXPECT_GT(committed_more, 0) << "a running job commits with every checkpoint";
    // Flink assigns partitions itself: its group is known by its offsets, and has no members.
    EXPECT_EQ(seen().value("kafka_group_members", {{"group", group()}}), 0);
}

TEST_F(CollectorFacts, the_job_runs_and_its_checkpoints_complete) {
    const std::vector<LabelPair> labels = {{"job", job()}};
    EXPECT_EQ(seen().value("flink_jobmanager_reachable"), 1);
    EXPECT_EQ(seen().value("flink_job_state", {{"job", job()}, {"state", "RUNNING"}}), 1);
    EXPECT_EQ(seen().value("flink_job_restarts_total", labels), 0);
    EXPECT_EQ(seen().value("flink_job_exceptions", labels), 0);
    EXPECT_EQ(seen().value("flink_job_parallelism", labels), 4);
    const auto completed = seen().all("flink_checkpoints_completed_total", labels);
    ASSERT_EQ(completed.size(), 1U);
    EXPECT_GT(completed[0].last, completed[0].first);
    EXPECT_TRUE(seen().value("flink_checkpoints_failed_total", labels));
    EXPECT_TRUE(seen().value("flink_checkpoints_in_progress", labels));
    EXPECT_GT(seen().value("flink_checkpoint_last_duration_seconds", labels).value_or(-1), 0);
    EXPECT_GT(seen().value("flink_checkpoint_last_size_bytes", labels).value_or(-1), 0);
    const double age_s = static_cast<double>(seen().end().unix_ms) / 1000 -
                         seen().value("flink_checkpoint_last_completed_timestamp_seconds", labels).value_or(0);
    EXPECT_LT(std::abs(age_s), 60);
}

TEST_F(CollectorFacts, subtasks_run_on_registered_task_managers_and_move_records) {
    const auto states = seen().all("flink_subtask_state", {{"job", job()}});
    const auto registered = values_of(seen().all("flink_taskmanager_registered"), "taskmanager");
    ASSERT_FALSE(states.empty());
    for (const Seen& subtask : states) {
        EXPECT_EQ(subtask.get("state"), "RUNNING") << subtask.labels.to_string();
        EXPECT_TRUE(registered.contains(subtask.get("taskmanager"))) << subtask.labels.to_string();
    }
    // Each vertex has as many subtasks as the job's parallelism says, or fewer of its own.
    for (const auto& vertex : values_of(states, "vertex"))
        EXPECT_LE(seen().all("flink_subtask_state", {{"job", job()}, {"vertex", vertex}}).size(), 4U) << vertex;
    double moved = 0;
    for (const Seen& out : seen().all("flink_subtask_records_out_total", {{"job", job()}}))
        moved += out.last - out.first;
    EXPECT_GT(moved, 0);
    EXPECT_THAT(seen().all("flink_subtask_records_in_total", {{"job", job()}}), testing::SizeIs(states.size()));
}

TEST_F(CollectorFacts, ratios_of_a_subtask_are_shares_of_its_time) {
    const auto busy = seen().all("flink_subtask_busy_ratio", {{"job", job()}});
    EXPECT_FALSE(busy.empty());
    for (const Seen& one : busy) {
        const std::vector<LabelPair> subtask = {
            {"job", job()}, {"vertex", one.get("vertex")}, {"subtask", one.get("subtask")}};
        const auto idle = seen().value("flink_subtask_idle_ratio", subtask),
                   pressed = seen().value("flink_subtask_backpressured_ratio", subtask);
        ASSERT_TRUE(idle && pressed) << one.labels.to_string();
        // Flink measures the three one after another: their sum is about one.
        EXPECT_NEAR(one.last + *idle + *pressed, 1, 0.35) << one.labels.to_string();
    }
}

TEST_F(CollectorFacts, watermarks_follow_the_clock) {
    const auto marks = seen().all("flink_subtask_watermark_timestamp_seconds", {{"job", job()}});
    EXPECT_FALSE(marks.empty());
    for (const Seen& mark : marks) EXPECT_GE(mark.last, mark.first) << mark.labels.to_string();
    EXPECT_TRUE(seen().value("flink_job_watermark_lag_seconds", {{"job", job()}}));
}

TEST_F(CollectorFacts, task_managers_are_registered_with_slots_and_heartbeats) {
    const auto registered = seen().all("flink_taskmanager_registered");
    EXPECT_GE(registered.size(), 2U);
    for (const Seen& one : registered) {
        const std::vector<LabelPair> labels = {{"taskmanager", one.get("taskmanager")}};
        EXPECT_EQ(one.last, 1);
        EXPECT_EQ(seen().value("flink_taskmanager_slots", labels), 2);
        EXPECT_TRUE(seen().value("flink_taskmanager_free_slots", labels));
        EXPECT_LT(seen().value("flink_taskmanager_heartbeat_age_seconds", labels).value_or(1e9), 30);
    }
}

TEST_F(CollectorFacts, connectors_and_tasks_run_and_move_records) {
    const auto connectors = seen().all("connect_connector_state");
    EXPECT_GE(connectors.size(), 2U);
    for (const Seen& connector : connectors) EXPECT_EQ(connector.get("state"), "RUNNING");
    const auto tasks = seen().all("connect_task_state");
    EXPECT_GE(tasks.size(), connectors.size());
    for (const Seen& task : tasks) {
        EXPECT_EQ(task.get("state"), "RUNNING") << task.labels.to_string();
        EXPECT_TRUE(seen().value("connect_task_records_total",
                                 {{"connector", task.get("connector")}, {"task", task.get("task")}}))
            << task.labels.to_string();
    }
    for (const Seen& worker : seen().all("connect_worker_reachable")) EXPECT_EQ(worker.last, 1);
}

TEST_F(CollectorFacts, every_node_has_its_process_and_the_role_it_plays) {
    double used_s = 0;
    for (const NodeConfig& node : cluster().nodes) {
        EXPECT_EQ(seen().value("process_up", {{"node", node.name}}), 1) << node.name;
        // Linux counts CPU time in hundredths of a second: a spare that idles may not have used one.
        const auto cpu_s = seen().value("process_cpu_seconds_total", {{"node", node.name}});
        EXPECT_TRUE(cpu_s) << node.name;
        used_s += cpu_s.value_or(0);
        const NodeLink link = seen().knowledge().link(cluster().name, node.name);
        if (node.role == "broker") {
            EXPECT_EQ(link.broker, node.name.substr(node.name.find('-') + 1));
        } else if (node.role == "connect-worker") {
            EXPECT_FALSE(link.worker.empty()) << node.name;
        } else if (node.role == "taskmanager" && !node.spare) {
            EXPECT_FALSE(link.taskmanager.empty()) << node.name;
        }
    }
    EXPECT_GT(used_s, 0);
}

TEST_F(CollectorFacts, pages_of_brokers_carry_their_ids_and_traffic) {
    for (const char* broker : {"1", "2", "3"}) {
        const std::vector<LabelPair> labels = {{"broker", broker}};
        EXPECT_GT(seen().value("kafka_broker_bytes_in_total", labels).value_or(-1), 0) << broker;
        EXPECT_GT(seen().value("kafka_broker_messages_in_total", labels).value_or(-1), 0) << broker;
        EXPECT_GT(seen().value("kafka_broker_connections", labels).value_or(-1), 0) << broker;
        EXPECT_EQ(seen().value("kafka_broker_offline_log_dirs", labels), 0) << broker;
        const auto idle = seen().value("kafka_broker_request_handler_idle_ratio", labels);
        ASSERT_TRUE(idle) << broker;
        EXPECT_GE(*idle, 0);
        // Two pools share the meter where a broker is a controller, too (KIP-1207); averages pass it by a little.
        EXPECT_LE(*idle, 2.05);
        EXPECT_GT(
            seen().value("kafka_topic_bytes_in_total", {{"broker", broker}, {"topic", busy_topic()}}).value_or(-1), 0);
    }
}

}  // namespace
}  // namespace medic::contract
