// Most remedies: the plan each makes, its refusal where it can't help, and its wait where a fact is missing. Others
// have their tests beside them.
#include "remediations/remedies/remedy_test_internal.h"

namespace medic {
namespace {

using namespace remedy_test;

class StartAgain : public RemedyTest {
protected:
    void SetUp() override {
        about("connect.worker-frozen", {"lab", "worker", "127.0.0.1:8083"},
              {{"node", "connect-1"}, {"worker", "127.0.0.1:8083"}});
    }
};

TEST_F(StartAgain, fences_what_stands_and_starts_it_when_no_process_is_left) {
    EXPECT_EQ(operations("node.start-again"),
              (std::vector<std::string>{"lab: kill-node connect-1", "lab: start-node connect-1"}));
    const auto made = plan("node.start-again");
    EXPECT_EQ(describe(made->steps[0].precondition.at(0)),
              describe(equals(diagnosis_.subject, "connect_worker_reachable", 0)));
    EXPECT_EQ(describe(made->steps[0].skip_if.at(0)), describe(equals({"lab", "node", "connect-1"}, "process_up", 0)));
    EXPECT_EQ(describe(made->steps[1].precondition.at(0)),
              describe(equals({"lab", "node", "connect-1"}, "process_up", 0)));
}
TEST_F(StartAgain, says_what_tasks_wait_for_where_another_worker_holds_the_group) {
    EXPECT_EQ(plan("node.start-again")->summary.find("rebalance delay"), std::string::npos) << "the only worker";
    view_.cluster.nodes.push_back({.name = "connect-2", .role = "connect-worker"});
    EXPECT_NE(plan("node.start-again")->summary.find("scheduled.rebalance.max.delay.ms"), std::string::npos);
}
TEST_F(StartAgain, takes_dead_consumers_out_of_their_groups_between_the_end_and_the_start) {
    diagnosis_.facts["sink_tasks"] = "audit/0,audit/1,orders/0,gone/0";
    fact({"lab", "group", "connect-audit"}, "kafka_group_members", 3);
    fact({"lab", "group", "connect-orders"}, "kafka_group_members", 1);
    fact({"lab", "group", "connect-gone"}, "kafka_group_members", 0);
    EXPECT_EQ(operations("node.start-again"),
              (std::vector<std::string>{"lab: kill-node connect-1",
                                        "lab: remove-group-members connector-consumer-audit-0, "
                                        "connector-consumer-audit-1 from connect-audit; connector-consumer-orders-0 "
                                        "from connect-orders",
                                        "lab: start-node connect-1"}));
    const Step removal = plan("node.start-again")->steps.at(1);
    EXPECT_TRUE(removal.optional);
    EXPECT_EQ(describe(removal.precondition.at(0)), describe(equals({"lab", "node", "connect-1"}, "process_up", 0)));
    EXPECT_EQ(describe(removal.done.at(0)), "group/connect-audit kafka_group_members ≤ 1");
    EXPECT_EQ(describe(removal.done.at(1)), "group/connect-orders kafka_group_members ≤ 0");
}
TEST_F(StartAgain, groups_of_which_nothing_is_known_are_left_alone) {
    diagnosis_.facts["sink_tasks"] = "audit/0";
    EXPECT_EQ(operations("node.start-again").size(), 2U);
}
TEST_F(StartAgain, of_a_blocked_herder_looks_at_the_herder) {
    diagnosis_.cause = "connect.herder-blocked";
    const auto made = plan("node.start-again");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(describe(made->steps[0].precondition.at(0)),
              describe(equals(diagnosis_.subject, "connect_worker_herder_answers", 0)));
    EXPECT_EQ(describe(made->steps[1].expectation.all.at(1)),
              describe(equals(diagnosis_.subject, "connect_worker_herder_answers", 1)));
    EXPECT_EQ(made->summary, "connect-1 works on no request: fence it and start it again");
}
TEST_F(StartAgain, one_that_fails_but_works_on_is_stopped_in_good_order_and_never_killed) {
    diagnosis_.cause = "node.many-faults";
    diagnosis_.facts["faults"] = "6";
    diagnosis_.facts["restarts"] = "0";
    EXPECT_EQ(refusal("node.start-again"), ErrorCode::invalid) << "no driver can stop it";
    node("connect-1").can_stop = true;
    EXPECT_EQ(operations("node.start-again"),
              (std::vector<std::string>{"lab: stop-node connect-1", "lab: start-node connect-1"}));
    EXPECT_EQ(describe(plan("node.start-again")->steps[0].precondition.at(0)),
              describe(equals({"lab", "node", "connect-1"}, "process_up", 1)));
}
TEST_F(StartAgain, one_that_is_started_again_and_again_is_a_persons) {
    diagnosis_.cause = "node.many-faults";
    diagnosis_.facts["faults"] = "6";
    diagnosis_.facts["restarts"] = "4";
    node("connect-1").can_stop = true;
    EXPECT_EQ(refusal("node.start-again"), ErrorCode::invalid);
}
TEST_F(StartAgain, is_not_for_task_managers_whose_work_must_move) {
    about("flink.jobmanager-lost", {"lab", "node", "tm-1"}, {{"node", "tm-1"}});
    EXPECT_EQ(refusal("node.start-again"), ErrorCode::invalid);
}
TEST_F(StartAgain, needs_a_driver_and_the_name_that_its_api_has) {
    diagnosis_.facts.erase("worker");
    EXPECT_EQ(refusal("node.start-again"), ErrorCode::invalid);
    about("kafka.broker-lost", {"lab", "broker", "2"}, {{"node", "broker-2"}, {"broker", "2"}});
    EXPECT_EQ(refusal("node.start-again"), ErrorCode::invalid);
}

class StuckTask : public RemedyTest {
protected:
    void SetUp() override {
        about("connect.task-stuck", {"lab", "connector-task", "orders/0"},
              {{"connector", "orders"}, {"task", "0"}, {"node", "connect-1"}, {"worker", "127.0.0.1:8083"}});
    }
};

TEST_F(StuckTask, only_its_process_is_killed_where_tasks_are_processes) {
    EXPECT_EQ(operations("connect.kill-stuck-task"),
              (std::vector<std::string>{"lab: kill-connector-task orders/0 on connect-1",
                                        "lab: restart-connector-task orders/0"}));
}
TEST_F(StuckTask, the_worker_goes_down_where_tasks_live_inside_it_and_the_plan_says_so) {
    node("connect-1").can_kill_task = false;
    EXPECT_EQ(operations("connect.kill-stuck-task"),
              (std::vector<std::string>{"lab: kill-node connect-1", "lab: start-node connect-1"}));
    EXPECT_NE(plan("connect.kill-stuck-task")->summary.find("other tasks"), std::string::npos);
}
TEST_F(StuckTask, where_other_workers_go_on_the_tasks_of_one_that_was_killed_wait_out_the_rebalance_delay) {
    node("connect-1").can_kill_task = false;
    const auto within = [&] { return plan("connect.kill-stuck-task")->steps.at(1).expectation.within; };
    EXPECT_EQ(within(), Duration{90'000});
    view_.cluster.nodes.push_back({.name = "connect-2", .role = "connect-worker", .spare = true});
    EXPECT_EQ(within(), Duration{90'000}) << "a spare holds no group";
    node("connect-2").spare = false;
    EXPECT_GT(within(), Duration{300'000});
}
TEST_F(StuckTask, what_a_whole_worker_leaves_behind_is_taken_out_of_its_groups) {
    node("connect-1").can_kill_task = false;
    diagnosis_.facts["sink_tasks"] = "orders/0,orders/1";
    fact({"lab", "group", "connect-orders"}, "kafka_group_members", 2);
    EXPECT_EQ(operations("connect.kill-stuck-task").at(1),
              "lab: remove-group-members connector-consumer-orders-0, connector-consumer-orders-1 from connect-orders");
}
TEST_F(StuckTask, one_inside_its_worker_is_first_started_anew_beside_its_thread) {
    node("connect-1").can_kill_task = false;
    EXPECT_EQ(operations("connect.replace-stuck-task"),
              (std::vector<std::string>{"lab: restart-connector-task orders/0"}))
        << "a source, or a group that nobody has looked at";
    fact({"lab", "group", "connect-orders"}, "kafka_group_members", 2);
    EXPECT_EQ(operations("connect.replace-stuck-task"),
              (std::vector<std::string>{"lab: remove-group-members connector-consumer-orders-0 from connect-orders",
                                        "lab: restart-connector-task orders/0"}));
    const auto made = plan("connect.replace-stuck-task");
    EXPECT_TRUE(made->steps[0].optional);
    EXPECT_TRUE(made->steps[1].once) << "each try leaves a thread behind";
    EXPECT_NE(made->summary.find("go on"), std::string::npos);
}
TEST_F(StuckTask, one_that_is_a_process_is_never_left_behind) {
    EXPECT_EQ(refusal("connect.replace-stuck-task"), ErrorCode::invalid);
}
TEST_F(StuckTask, an_unreadable_task_number_is_refused) {
    diagnosis_.facts["task"] = "zero";
    EXPECT_EQ(refusal("connect.kill-stuck-task"), ErrorCode::invalid);
    node("connect-1").can_kill_task = false;
    EXPECT_EQ(refusal("connect.replace-stuck-task"), ErrorCode::invalid);
}

TEST_F(StuckTask, a_failed_task_is_restarted_and_a_running_one_is_not) {
    diagnosis_.cause = "connect.task-failed";
    EXPECT_EQ(refusal("connect.restart-task"), ErrorCode::not_ready);
    fact(diagnosis_.subject, "connect_task_state", 1, "RUNNING");
    EXPECT_EQ(refusal("connect.restart-task"), ErrorCode::invalid);
    view_.facts[0].text = "FAILED";
    EXPECT_EQ(operations("connect.restart-task"), (std::vector<std::string>{"lab: restart-connector-task orders/0"}));
}
TEST_F(StuckTask, all_failed_ones_of_a_connector_are_restarted_at_once_where_connect_can) {
    const Subject worker{"lab", "worker", "127.0.0.1:8083"};
    diagnosis_.cause = "connect.task-failed";
    diagnosis_.facts["worker"] = worker.name;
    const auto operations_at = [&](const char* version, const char* failed) {
        view_.facts.clear();
        fact(diagnosis_.subject, "connect_task_state", 1, "FAILED");
        fact({"lab", "connector", "orders"}, "failed_tasks", 0, failed);
        if (*version != 0) fact(worker, "version", 0, version);
        return operations("connect.restart-task").at(0);
    };
    const std::string one = "lab: restart-connector-task orders/0";
    const std::string all = "lab: restart-connector orders (include tasks: true, only failed: true)";
    EXPECT_EQ(operations_at("3.9.1", "0,2"), all);
    EXPECT_EQ(operations_at("4.1.0", "0,2"), all);
    EXPECT_EQ(operations_at("3.9.1", "0"), one);
    EXPECT_EQ(operations_at("3.1.2", "0,2"), one) << "it would restart what runs, too";
    EXPECT_EQ(operations_at("2.8.0", "0,2"), one);
    EXPECT_EQ(operations_at("", "0,2"), one);
    EXPECT_EQ(operations_at("3.9.1", "1,2"), one) << "older than the task's own state";
    operations_at("3.9.1", "0,2");
    const Step step = plan("connect.restart-task")->steps.at(0);
    EXPECT_EQ(step.expectation.all.size(), 2U) << "their states: on a quiet topic no record comes";
    EXPECT_EQ(describe(step.expectation.all.at(1)), "connector-task/orders/2 connect_task_state is RUNNING");
    EXPECT_EQ(step.expectation.stable_for, Duration{45'000});
    EXPECT_EQ(describe(step.expectation.in_vain_if.at(1)), "connector-task/orders/2 connect_task_state is FAILED");
}

class RollBack : public RemedyTest {
protected:
    void SetUp() override {
        about("flink.null-dereference", job,
              {{"job", "fleet"}, {"job_id", "abc"}, {"version", "v2"}, {"last_good_version", "v1"}});
        fact(job, "checkpoints_kept", 0, "always");
    }
    // The facts of a job whose checkpoints are kept in another way.
    void kept(const std::string& how, const std::string& state) {
        view_.facts.clear();
        fact(job, "checkpoint_path", 0, "/cp/7");
        fact(job, "flink_job_state", 1, state);
        if (!how.empty()) fact(job, "checkpoints_kept", 0, how);
    }
};

TEST_F(RollBack, goes_back_to_the_last_good_version_from_the_newest_checkpoint_and_quarantines_the_bad_one) {
    fact(job, "checkpoint_path", 0, "/cp/7");
    fact(job, "savepoint_path", 0, "/sp/1");
    EXPECT_EQ(operations("flink.roll-back"),
              (std::vector<std::string>{"lab: cancel-job abc", "lab: start-deployment fleet version v1 from /cp/7"}));
    EXPECT_EQ(plan("flink.roll-back")->quarantine->version, "v2");
    EXPECT_EQ(plan("flink.roll-back")->needs_approval, "");
}
TEST_F(RollBack, ends_the_job_only_while_what_it_goes_back_to_is_its_newest_state) {
    const std::string failed = "job/fleet flink_job_state is FAILED";
    fact(job, "checkpoint_path", 0, "/cp/7");
    Step cancel = plan("flink.roll-back")->steps.at(0);
    EXPECT_EQ(describe(cancel.precondition.back()), "job/fleet checkpoint_path is /cp/7");
    ASSERT_EQ(cancel.skip_if.size(), 2U) << "one that has failed by itself may have completed another one before";
    EXPECT_EQ(describe(cancel.skip_if[0]), failed);
    EXPECT_EQ(describe(cancel.skip_if[1]), "job/fleet checkpoint_path is /cp/7");
    kept("unless-cancelled", "RESTARTING");
    fact(job, "savepoint_path", 0, "/sp/1");
    cancel = plan("flink.roll-back")->steps.at(0);
    EXPECT_EQ(describe(cancel.precondition.back()), "job/fleet savepoint_path is /sp/1");
}
TEST_F(RollBack, is_for_state_that_does_not_fit_the_new_version_too) {
    diagnosis_.cause = "flink.state-incompatible";
    fact(job, "checkpoint_path", 0, "/sp/1");
    EXPECT_EQ(operations("flink.roll-back"),
              (std::vector<std::string>{"lab: cancel-job abc", "lab: start-deployment fleet version v1 from /sp/1"}));
    EXPECT_EQ(Planner(remedies::all_remedies()).level("flink.roll-back", diagnosis_.cause), 1);
    diagnosis_.facts.erase("last_good_version");
    EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::invalid);
}
TEST_F(RollBack, an_older_savepoint_needs_a_person) {
    fact(job, "savepoint_path", 0, "/sp/1");
    EXPECT_NE(plan("flink.roll-back")->needs_approval, "");
}
TEST_F(RollBack, never_starts_empty) { EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::not_ready); }
TEST_F(RollBack, needs_a_known_good_version_that_was_not_itself_rolled_back) {
    fact(job, "checkpoint_path", 0, "/cp/7");
    diagnosis_.facts["last_good_version"] = "v0";
    EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::invalid);
    diagnosis_.facts["last_good_version"] = "v1";
    view_.quarantined.insert({"fleet", "v1"});
    EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::invalid);
}

TEST_F(RollBack, a_job_whose_checkpoints_go_with_it_is_not_cancelled) {
    for (const char* how : {"never", "unless-cancelled"}) {
        kept(how, "RESTARTING");
        EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::invalid) << how;
        fact(job, "savepoint_path", 0, "/sp/1");
        EXPECT_NE(plan("flink.roll-back")->needs_approval, "") << how;
        EXPECT_EQ(operations("flink.roll-back")[1], "lab: start-deployment fleet version v1 from /sp/1");
    }
}
TEST_F(RollBack, what_is_kept_of_a_failed_job_is_used) {
    kept("unless-cancelled", "FAILED");
    EXPECT_EQ(plan("flink.roll-back")->needs_approval, "");
    kept("never", "FAILED");
    EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::invalid);
}
TEST_F(RollBack, a_savepoint_that_it_was_started_from_is_kept) {
    kept("never", "RESTARTING");
    fact(job, "checkpoint_is_savepoint", 0, "true");
    EXPECT_EQ(plan("flink.roll-back")->needs_approval, "");
}
TEST_F(RollBack, where_nobody_says_what_is_kept_nothing_is_cancelled) {
    kept("", "RESTARTING");
    EXPECT_EQ(refusal("flink.roll-back"), ErrorCode::not_ready);
}

class PauseCrashLoop : public RemedyTest {
protected:
    void SetUp() override {
        about("flink.user-exception", job, {{"job", "fleet"}, {"job_id", "abc"}});
        fact(job, "flink_job_restarts_total", 3);
        fact(job, "flink_job_state", 1, "RESTARTING");
    }
    void checkpoint(const std::string& kept) {
        fact(job, "checkpoint_path", 0, "/cp/7");
        fact(job, "checkpoint_id", 7);
        if (!kept.empty()) fact(job, "checkpoints_kept", 0, kept);
    }
};

TEST_F(PauseCrashLoop, cancels_the_job_and_says_where_to_go_on) {
    checkpoint("always");
    EXPECT_EQ(operations("flink.pause-crash-loop"), (std::vector<std::string>{"lab: cancel-job abc"}));
    const auto made = plan("flink.pause-crash-loop");
    EXPECT_EQ(made->needs_approval, "");
    EXPECT_NE(made->left_to_person.find("from /cp/7"), std::string::npos);
    EXPECT_EQ(describe(made->steps[0].precondition[1]), "job/fleet flink_job_restarts_total ≥ 8");
    EXPECT_EQ(describe(made->steps[0].precondition[2]), "job/fleet checkpoint_id = 7");
}
TEST_F(PauseCrashLoop, keeps_a_job_whose_checkpoints_would_go_with_it) {
    checkpoint("unless-cancelled");
    EXPECT_EQ(refusal("flink.pause-crash-loop"), ErrorCode::invalid);
}
TEST_F(PauseCrashLoop, waits_while_it_is_not_known_what_is_kept) {
    checkpoint("");
    EXPECT_EQ(refusal("flink.pause-crash-loop"), ErrorCode::not_ready);
}
TEST_F(PauseCrashLoop, of_a_job_without_a_checkpoint_needs_a_person) {
    EXPECT_NE(plan("flink.pause-crash-loop")->needs_approval, "");
}
TEST_F(PauseCrashLoop, waits_while_its_restarts_are_not_known) {
    view_.facts.clear();
    EXPECT_EQ(refusal("flink.pause-crash-loop"), ErrorCode::not_ready);
}

class FullDisk : public RemedyTest {
protected:
    void SetUp() override {
        about("kafka.disk-nearly-full", dir_,
              {{"broker", "2"},
               {"log_dir", "/data"},
               {"node", "broker-2"},
               {"topic", "events-debug"},
               {"bytes", "800"},
               {"brokers", "1,2,3,4"}});
        fact(dir_, "kafka_log_dir_total_bytes", 1'000);
        fact(dir_, "kafka_log_dir_usable_bytes", 150);
        view_.floors["topic:events-debug"] = Duration{6'000};
    }
    void readers(double unread_ratio) {
        fact(topic_, "retention.ms", 100'000);
        fact(topic_, "unread_ratio_max", unread_ratio);
    }
    void room_on(const std::string& broker, double usable) {
        fact({"lab", "broker", broker}, "kafka_log_dir_usable_bytes", usable);
        fact({"lab", "broker", broker}, "kafka_log_dir_total_bytes", 1'000);
    }
    const Subject dir_{"lab", "log-dir", "2:/data"}, topic_{"lab", "topic", "events-debug"};
};

TEST_F(FullDisk, grows_by_half_and_names_the_new_size) {
    EXPECT_EQ(operations("kafka.grow-storage"),
              (std::vector<std::string>{"lab: grow-storage broker-2:/data to 1500 bytes"}));
    node("broker-2").can_grow = false;
    EXPECT_EQ(refusal("kafka.grow-storage"), ErrorCode::invalid);
    view_.facts.clear();
    EXPECT_EQ(refusal("kafka.grow-storage"), ErrorCode::not_ready);
}
TEST_F(FullDisk, retention_goes_down_to_the_floor) {
    readers(0);
    EXPECT_EQ(operations("kafka.cut-retention"),
              (std::vector<std::string>{"lab: alter-configs topic events-debug retention.ms=6000"}));
    EXPECT_EQ(plan("kafka.cut-retention")->steps[0].destroys, Destroys::data);
}
TEST_F(FullDisk, retention_never_passes_the_slowest_reader) {
    readers(0.1);  // 10 s, doubled.
    EXPECT_EQ(operations("kafka.cut-retention"),
              (std::vector<std::string>{"lab: alter-configs topic events-debug retention.ms=20000"}));
}
TEST_F(FullDisk, retention_stays_when_readers_need_it_all) {
    readers(0.9);
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::invalid);
}
TEST_F(FullDisk, retention_stays_without_a_floor_or_while_readers_are_not_known) {
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::not_ready);
    readers(0);
    view_.floors.clear();
    EXPECT_EQ(refusal("kafka.cut-retention"), ErrorCode::invalid);
}
TEST_F(FullDisk, replicas_move_to_a_broker_with_room_that_holds_none_of_them) {
    fact(topic_, "assignment", 0, "0:1,2,3;1:2,3,4");
    room_on("4", 900);
    EXPECT_EQ(operations("kafka.move-replicas"),
              (std::vector<std::string>{"lab: alter-reassignments events-debug-0 to [1,4,3]"}));
    view_.facts.back().value = 10'000;  // Now it has too little room itself.
    EXPECT_EQ(refusal("kafka.move-replicas"), ErrorCode::invalid);
}
TEST_F(FullDisk, replicas_move_until_the_disks_are_level) {
    fact(topic_, "assignment", 0, "0:2;1:2;2:2;3:2");  // 200 bytes each; 150 are left.
    room_on("1", 850);
    room_on("3", 900);
    EXPECT_EQ(operations("kafka.move-replicas"),
              (std::vector<std::string>{"lab: alter-reassignments events-debug-0 to [3], events-debug-1 to [1]"}));
}
TEST_F(FullDisk, replicas_stay_while_room_elsewhere_is_not_known) {
    fact(topic_, "assignment", 0, "0:2");
    EXPECT_EQ(refusal("kafka.move-replicas"), ErrorCode::invalid);
}
TEST_F(FullDisk, an_unreadable_assignment_moves_nothing) {
    fact(topic_, "assignment", 0, "0:1,x");
    EXPECT_EQ(refusal("kafka.move-replicas"), ErrorCode::invalid);
}

TEST(Remedies, every_one_is_registered_once_with_its_causes) {
    const Planner planner(remedies::all_remedies());
    EXPECT_EQ(planner.remedies().size(), 28U);
    for (const auto& remedy : planner.remedies()) {
        EXPECT_FALSE(remedy.what.empty()) << remedy.name;
        EXPECT_FALSE(remedy.cures.empty()) << remedy.name;
        EXPECT_TRUE(planner.level(remedy.name, remedy.cures.front().cause)) << remedy.name;
    }
    EXPECT_FALSE(planner.level("connect.restart-task", "flink.taskmanager-lost"));
    EXPECT_FALSE(planner.plan("no.such-remedy", {}, {}));
}

}  // namespace
}  // namespace medic
