// The twins of what guards refuse: close to it, and nothing to object to.
#include "remediations/guards/guard_test_internal.h"

namespace medic {
namespace {

using namespace guard_test;

class GuardAllows : public testing::TestWithParam<Case> {};

TEST_P(GuardAllows, the_twin) {
    GuardQuestion question = fine();
    GetParam().change(question);
    EXPECT_EQ(objectors(question), std::vector<std::string>{});
}

const std::vector<Case> allowed = {
    {"all_fine", "", [](auto&) {}},
    {"mode_ask_with_approval", "mode",
     [](auto& q) {
         q.policy.mode = Mode::ask;
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"mode_ask_in_the_middle_of_an_approved_plan", "mode",
     [](auto& q) {
         q.policy.mode = Mode::ask;
         q.plan_begun = true;
     }},
    {"a_broker_that_nothing_needs", "partitions-available", [](auto& q) { take_broker(q); }},
    {"a_broker_whose_exporter_tells_of_no_recovery", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->logs_to_recover = 0;
     }},
    {"a_broker_that_is_gone_already", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->needed_by = "no other in-sync replica: orders-0";
         of_role(q, 0).up = false;
     }},
    {"nodes_that_this_roll_has_brought_back", "blast-radius",
     [](auto& q) {
         take_two(q);
         of_role(q, 1).brought_back = of_role(q, 2).brought_back = true;
     }},
    {"the_third_node_that_serves_nobody", "blast-radius",
     [](auto& q) {
         take_two(q);
         q.step.serves_nobody = true;
         q.step.precondition = {{.fact = {{"lab", "taskmanager", "a"}, "flink_taskmanager_registered"}}};
     }},
    {"the_second_cluster_with_this_cause", "fleet-wide", [](auto& q) { q.clusters_with_this_cause = {"east"}; }},
    {"a_person_has_looked", "fleet-wide",
     [](auto& q) {
         q.clusters_with_this_cause = {"east", "west"};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"a_plan_that_was_begun_before", "fleet-wide",
     [](auto& q) {
         q.clusters_with_this_cause = {"east", "west"};
         q.plan_begun = true;
     }},
    {"reported_since_the_last_report_was_made", "still-reported", [](auto& q) { q.cause_reported_at = now; }},
    {"no_longer_reported_since_it_was_begun", "still-reported",
     [](auto& q) {
         q.cause_reported_at = now - Duration{60'000};
         q.plan_begun = true;
         q.steps_done = 1;
     }},
    {"what_is_no_longer_reported_is_taken_back", "still-reported",
     [](auto& q) {
         q.cause_reported_at = now - Duration{60'000};
         q.undo = true;
     }},
    {"this_agent_acts", "lease", [](auto& q) { q.acting_agent = ActingAgent{true, "", ""}; }},
    {"pause_of_another_cluster", "pause", [](auto& q) { q.pauses = {{"prod", "game day", "ann", now}}; }},
    {"cooldown_over", "cooldown", [](auto& q) { q.history = {past("I1", Duration{301'000})}; }},
    {"cooldown_of_the_same_incident", "cooldown", [](auto& q) { q.history = {past("I2", Duration{1'000})}; }},
    {"cooldown_of_another_subject", "cooldown",
     [](auto& q) {
         q.history = {past("I1", Duration{1'000})};
         q.history[0].diagnosed.name = "tm-9";
     }},
    {"attempts_back_off_over", "attempts",
     [](auto& q) {
         q.attempt = 2;
         q.not_before = now;
     }},
    {"budget_one_left", "budget",
     [](auto& q) {
         for (int i = 0; i < 9; ++i) {
             q.history.push_back(past("I2", Duration{600'000}));
         }
     }},
    {"budget_window_over", "budget",
     [](auto& q) {
         for (int i = 0; i < 10; ++i) {
             q.history.push_back(past("I2", Duration{3'600'000}));
         }
     }},
    {"budget_does_not_stop_an_undo", "budget",
     [](auto& q) {
         q.undo = true;
         for (int i = 0; i < 10; ++i) {
             q.history.push_back(past("I2", Duration{1}));
         }
     }},
    {"nothing_silenced", "", [](auto& q) { q.silences_configured = true, q.silences_read_at = now; }},
    {"no_alertmanager", "", [](auto& q) { q.silences_configured = false; }},
    {"operation_on_another_layer", "operation-under-way",
     [](auto& q) { q.operations = {{{"lab", "topic", "t"}, "reassignment", "ann", now}}; }},
    {"operation_on_another_job", "operation-under-way",
     [](auto& q) { q.operations = {{{"lab", "job", "other"}, "savepoint", "ann", now}}; }},
    {"a_cheap_step_is_tried_more_often", "attempts",
     [](auto& q) {
         q.attempt = 4;
         q.step.attempts_factor = 2;
     }},
    {"what_the_step_is_for", "operation-under-way",
     [](auto& q) {
         q.step.compatible_with = {"reassignment"};
         q.operations = {{{"lab", "topic", "t"}, "reassignment", "ann", now}};
     }},
    {"a_group_rebalances", "operation-under-way",
     [](auto& q) {
         q.step.remedy = "node.start-again";
         q.operations = {{{"lab", "group", "orders"}, "rebalance", "", now}};
     }},
    {"two_targets_blind", "self-doubt",
     [](auto& q) {
         q.sight.targets_blind = 2;
         q.sight.targets_total = 2;
     }},
    {"data_named_with_floor", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "topic:a";
         q.policy.names_object = true;
         q.policy.floor = Duration{1};
     }},
    {"retention_of_the_floor", "data-destruction", [](auto& q) { cut_retention(q, {{"retention.ms", "86400000"}}); }},
    {"retention_for_ever", "data-destruction", [](auto& q) { cut_retention(q, {{"retention.ms", "-1"}}); }},
    {"a_transaction_as_old_as_the_floor", "data-destruction", [](auto& q) { abort_transaction(q, 86'400); }},
    {"one_record_of_an_object_that_the_policy_names", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "connector:a";
         q.policy.names_object = true;
         q.step.operation = AlterConnectorOffset{.connector = "a", .topic = "t", .partition = 0, .from = 7, .to = 8};
     }},
    {"one_record_that_a_person_agreed_to", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "connector:a";
         q.approval = Approval{"I2/1", "ann", "", now - Duration{1'000}};
         q.step.operation = AlterConnectorOffset{.connector = "a", .topic = "t", .partition = 0, .from = 7, .to = 8};
     }},
    {"unnamed_records_that_a_person_agreed_to", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "topic:a";
         q.step.operation = ElectUncleanLeader{.topic = "a", .partition = 0, .expected = 2};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{1'000}};
     }},
    {"clock_settled", "clock-step", [](auto& q) { q.clock.stepped_at = now - Duration{60'000}; }},
    {"job_stopped_by_this_plan", "terminal-job",
     [](auto& q) {
         q.job_state->text = "FINISHED";
         q.step.after_own_stop = true;
     }},
    {"nothing_of_others_is_changed", "managed-elsewhere", [](auto& q) { q.managed.clear(); }},
    {"a_plan_that_was_begun_is_ended", "managed-elsewhere",
     [](auto& q) {
         q.managed = {{"job:fleet", "flink-operator", "{kind: FlinkDeployment}", false}};
         q.plan_begun = true;
     }},
    {"what_was_changed_is_taken_back", "managed-elsewhere",
     [](auto& q) {
         q.managed = {{"job:fleet", "flink-operator", "{kind: FlinkDeployment}", false}};
         q.undo = true;
     }},
    {"in_a_storm_what_was_begun_goes_on", "storm",
     [](auto& q) {
         q.storm = Storm{11, now + Duration{60'000}};
         q.plan_begun = true;
     }},
    {"in_a_storm_what_was_done_is_taken_back", "storm",
     [](auto& q) {
         q.storm = Storm{11, now + Duration{60'000}};
         q.undo = true;
     }},
    {"in_a_storm_a_person_has_agreed", "storm",
     [](auto& q) {
         q.storm = Storm{11, now + Duration{60'000}};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"a_node_that_nobody_keeps_out_of_use", "cordoned", [](auto& q) { q.cordon.reset(); }},
    {"a_change_that_is_new_ends_what_was_begun", "rollout",
     [](auto& q) {
         q.unproven = Unproven{"staging", now - Duration{60'000}, now + Duration{60'000}, ""};
         q.plan_begun = true;
     }},
    {"a_change_that_is_new_takes_back_what_was_done", "rollout",
     [](auto& q) {
         q.unproven = Unproven{"staging", now - Duration{60'000}, std::nullopt, "I7 made it worse"};
         q.undo = true;
     }},
    {"a_change_that_is_new_and_a_person_who_has_agreed", "rollout",
     [](auto& q) {
         q.unproven = Unproven{"staging", now - Duration{60'000}, now + Duration{60'000}, ""};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"a_dead_node_takes_nothing_away", "blast-radius",
     [](auto& q) {
         take_two(q);
         of_role(q, 0).up = false;
     }},
    {"a_step_that_takes_no_node", "blast-radius", [](auto& q) { q.takes_away.reset(); }},
    {"the_second_node_within_the_window", "blast-radius",
     [](auto& q) { of_role(q, 2).taken_at = now - Duration{60'000}; }},
    {"the_window_of_the_nodes_is_over", "blast-radius",
     [](auto& q) {
         take_two(q);
         of_role(q, 2).taken_at = now - Duration{600'000};
     }},
    {"the_same_node_counts_once", "blast-radius",
     [](auto& q) {
         of_role(q, 0).taken_at = now - Duration{60'000};
         of_role(q, 2).taken_at = now - Duration{60'000};
     }},
    {"a_second_node_of_the_same_zone_missing", "blast-radius",
     [](auto& q) {
         of_role(q, 2).taken_at = now - Duration{60'000};
         of_role(q, 2).up = false;
     }},
    {"zones_that_nobody_knows", "blast-radius",
     [](auto& q) {
         of_role(q, 1).taken_at = now - Duration{60'000};
         of_role(q, 1).up = false;
         of_role(q, 0).zone.clear();
     }},
    {"a_person_has_agreed_to_one_more_node", "blast-radius",
     [](auto& q) {
         take_two(q);
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"taking_it_back_is_not_limited_to_so_many_nodes", "blast-radius",
     [](auto& q) {
         take_two(q);
         q.undo = true;
     }},
    {"the_patient_is_not_missed", "blast-radius", [](auto& q) { of_role(q, 1).up = of_role(q, 2).up = false; }},
    {"the_only_one_of_its_role_has_no_others", "blast-radius",
     [](auto& q) {
         q.takes_away->patient = false;
         q.takes_away->nodes.resize(1);
     }},
    {"another_one_is_in_service", "blast-radius",
     [](auto& q) {
         q.takes_away->patient = false;
         of_role(q, 1).up = false;
     }},
    {"step_without_a_job", "terminal-job",
     [](auto& q) {
         q.job_state.reset();
         q.step.job = {};
     }},
};

INSTANTIATE_TEST_SUITE_P(Guards, GuardAllows, testing::ValuesIn(allowed), case_name);

}  // namespace
}  // namespace medic
