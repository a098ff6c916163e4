// Every guard refuses: what it is for, and a state that it can't see. No other guard has anything against it.
#include <algorithm>

#include "remediations/guards/guard_test_internal.h"

namespace medic {
namespace {

using namespace guard_test;

class GuardRefuses : public testing::TestWithParam<Case> {};

TEST_P(GuardRefuses, and_only_this_guard) {
    GuardQuestion question = fine();
    GetParam().change(question);
    EXPECT_EQ(objectors(question), std::vector<std::string>{GetParam().guard});
}

const std::vector<Case> refused = {
    {"mode_observe", "mode", [](auto& q) { q.policy.mode = Mode::observe; }},
    {"mode_ask_without_approval", "mode", [](auto& q) { q.policy.mode = Mode::ask; }},
    {"mode_ask_with_expired_approval", "mode",
     [](auto& q) {
         q.policy.mode = Mode::ask;
         q.approval = Approval{"I2/1", "ann", "", now - Duration{3'600'000}};
     }},
    {"mode_approval_from_the_future_is_unknown", "mode",
     [](auto& q) {
         q.policy.mode = Mode::ask;
         q.approval = Approval{"I2/1", "ann", "", now + Duration{60'000}};
     }},
    {"mode_auto_but_the_plan_needs_a_person", "mode", [](auto& q) { q.needs_approval = "an older savepoint"; }},
    {"mode_without_policy", "mode", [](auto& q) { q.policy = PolicyDecision{}; }},
    {"pause_by_command", "pause", [](auto& q) { q.pauses = {{"lab", "game day", "ann", now}}; }},
    {"pause_of_everything", "pause", [](auto& q) { q.pauses = {{"", "game day", "ann", now}}; }},
    {"pause_by_file", "pause", [](auto& q) { q.pause_file = true; }},
    {"pause_file_unknown", "pause", [](auto& q) { q.pause_file.reset(); }},
    {"cooldown", "cooldown", [](auto& q) { q.history = {past("I1", Duration{60'000})}; }},
    {"cooldown_history_ahead_of_the_clock", "cooldown", [](auto& q) { q.history = {past("I1", Duration{-60'000})}; }},
    {"attempts_used_up", "attempts", [](auto& q) { q.attempt = 4; }},
    {"attempts_backing_off", "attempts",
     [](auto& q) {
         q.attempt = 2;
         q.not_before = now + Duration{1};
     }},
    {"attempts_unknown", "attempts", [](auto& q) { q.attempt = 0; }},
    {"budget", "budget",
     [](auto& q) {
         for (int i = 0; i < 10; ++i) {
             q.history.push_back(past("I2", Duration{600'000}));
         }
     }},
    {"one_in_flight", "one-in-flight", [](auto& q) { q.others_acting = {"I1"}; }},
    {"fact_unknown", "fresh-facts", [](auto& q) { q.facts[0].value.reset(); }},
    {"fact_too_old", "fresh-facts", [](auto& q) { q.facts[0].observed_at = now - Duration{60'000}; }},
    {"precondition_does_not_hold", "fresh-facts", [](auto& q) { q.precondition = "not so: node/tm-1 process_up = 0"; }},
    {"operation_on_the_same_job", "operation-under-way",
     [](auto& q) { q.operations = {{job, "savepoint", "ann", now}}; }},
    {"operation_on_the_node", "operation-under-way", [](auto& q) { q.operations = {{node, "roll", "ansible", now}}; }},
    {"operations_unknown", "operation-under-way", [](auto& q) { q.operations_seen_at.reset(); }},
    {"silenced", "silenced",
     [](auto& q) {
         q.silences_configured = true;
         q.silences_read_at = now;
         q.silenced = {{"silenced by ana until 2026-11-28 14:00 UTC: new disks", now + Duration{60'000}}};
     }},
    {"silences_never_read", "silenced", [](auto& q) { q.silences_configured = true; }},
    {"silences_too_old", "silenced",
     [](auto& q) { q.silences_configured = true, q.silences_read_at = now - Duration{61'000}; }},
    {"operations_too_old", "operation-under-way", [](auto& q) { q.operations_seen_at = now - Duration{60'000}; }},
    {"many_targets_blind", "self-doubt", [](auto& q) { q.sight.targets_blind = 5; }},
    {"starved", "self-doubt", [](auto& q) { q.sight.tick_lateness_seconds = 3; }},
    {"no_look_yet", "self-doubt", [](auto& q) { q.sight.reported_at.reset(); }},
    {"nothing_watched", "self-doubt", [](auto& q) { q.sight.targets_total = 0; }},
    {"data_object_not_named", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "topic:a";
         q.policy.floor = Duration{1};
     }},
    {"data_without_floor", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "topic:a";
         q.policy.names_object = true;
     }},
    {"one_record_that_nobody_has_agreed_to", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "connector:a";
         q.step.operation = AlterConnectorOffset{.connector = "a", .topic = "t", .partition = 0, .from = 7, .to = 8};
     }},
    {"several_records_at_once", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "connector:a";
         q.policy.names_object = true;
         q.step.operation = AlterConnectorOffset{.connector = "a", .topic = "t", .partition = 0, .from = 7, .to = 9};
     }},
    {"unnamed_records_under_a_policy_that_names_the_topic", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "topic:a";
         q.policy.names_object = true;
         q.policy.floor = Duration{1};
         q.step.operation = ElectUncleanLeader{.topic = "a", .partition = 0, .expected = 2};
     }},
    {"unnamed_records_agreed_to_long_ago", "data-destruction",
     [](auto& q) {
         q.step.destroys = Destroys::data;
         q.step.object = "topic:a";
         q.policy.names_object = true;
         q.policy.floor = Duration{1};
         q.step.operation = ElectUncleanLeader{.topic = "a", .partition = 0, .expected = 2};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{24 * 3'600'000}};
     }},
    {"retention_below_the_floor", "data-destruction", [](auto& q) { cut_retention(q, {{"retention.ms", "1800000"}}); }},
    {"retention_of_nothing", "data-destruction", [](auto& q) { cut_retention(q, {{"retention.ms", "0"}}); }},
    {"retention_as_the_brokers_have_it", "data-destruction",
     [](auto& q) { cut_retention(q, {{"retention.ms", std::nullopt}}); }},
    {"retention_that_is_no_number", "data-destruction", [](auto& q) { cut_retention(q, {{"retention.ms", "1 day"}}); }},
    {"retention_by_size", "data-destruction",
     [](auto& q) { cut_retention(q, {{"retention.ms", "86400000"}, {"retention.bytes", "1"}}); }},
    {"a_transaction_below_the_floor", "data-destruction", [](auto& q) { abort_transaction(q, 1'800); }},
    {"a_transaction_of_unknown_age", "data-destruction",
     [](auto& q) { abort_transaction(q, 86'400), q.step.precondition.clear(); }},
    {"the_age_of_another_transaction", "data-destruction", [](auto& q) { abort_transaction(q, 86'400, 6); }},
    {"data_of_unknown_object", "data-destruction", [](auto& q) { q.step.destroys = Destroys::data; }},
    {"clock_stepped", "clock-step",
     [](auto& q) {
         q.clock.stepped_at = now - Duration{1'000};
         q.clock.step = Duration{-7'200'000};
     }},
    {"clock_not_compared", "clock-step", [](auto& q) { q.clock.compared = false; }},
    {"job_cancelled_by_a_person", "terminal-job", [](auto& q) { q.job_state->text = "CANCELED"; }},
    {"job_finished", "terminal-job", [](auto& q) { q.job_state->text = "FINISHED"; }},
    {"job_state_unknown", "terminal-job", [](auto& q) { q.job_state.reset(); }},
    {"job_state_too_old", "terminal-job", [](auto& q) { q.job_state->observed_at = now - Duration{60'000}; }},
    {"journal_failed", "journal", [](auto& q) { q.journal_writable = false; }},
    {"version_quarantined", "quarantine", [](auto& q) { q.version_quarantined = true; }},
    {"the_third_cluster_with_this_cause", "fleet-wide", [](auto& q) { q.clusters_with_this_cause = {"east", "west"}; }},
    {"an_agreement_of_long_ago", "fleet-wide",
     [](auto& q) {
         q.clusters_with_this_cause = {"east", "west"};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{24 * 3'600'000}};
     }},
    {"another_agent_acts", "lease", [](auto& q) { q.acting_agent = ActingAgent{false, "b", ""}; }},
    {"nobody_knows_who_acts", "lease",
     [](auto& q) { q.acting_agent = ActingAgent{false, "", "etcd does not answer"}; }},
    {"known_once_and_not_now", "lease",
     [](auto& q) { q.acting_agent = ActingAgent{true, "", "its lease has run out"}; }},
    {"what_another_system_defines", "managed-elsewhere",
     [](auto& q) { q.managed = {{"job:fleet", "flink-operator", "{kind: FlinkDeployment}", false}}; }},
    {"what_another_system_restarts", "managed-elsewhere",
     [](auto& q) { q.managed = {{"node:tm-1", "strimzi", "kill-node tm-1", true}}; }},
    {"a_person_can_not_agree_to_a_change_behind_the_owners_back", "managed-elsewhere",
     [](auto& q) {
         q.managed = {{"job:fleet", "flink-operator", "{kind: FlinkDeployment}", false}};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"who_defines_it_is_unknown", "managed-elsewhere", [](auto& q) { q.managed = {{"job:fleet", "", "x", false}}; }},
    {"a_node_that_is_kept_out_of_use", "cordoned",
     [](auto& q) { q.cordon = Cordon{"lab", "tm-1", "its disk", "ann", now}; }},
    {"a_node_that_is_kept_out_of_use_also_by_a_plan_that_was_begun", "cordoned",
     [](auto& q) {
         q.cordon = Cordon{"lab", "tm-1", "its disk", "ann", now};
         q.plan_begun = true;
     }},
    {"a_change_that_is_new", "rollout",
     [](auto& q) { q.unproven = Unproven{"staging", now - Duration{60'000}, now + Duration{60'000}, ""}; }},
    {"a_change_that_did_harm_where_it_acts_first", "rollout",
     [](auto& q) { q.unproven = Unproven{"staging", now - Duration{60'000}, std::nullopt, "I7 made it worse"}; }},
    {"a_change_that_is_new_with_an_agreement_of_long_ago", "rollout",
     [](auto& q) {
         q.unproven = Unproven{"staging", now - Duration{60'000}, now + Duration{60'000}, ""};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{24 * 3'600'000}};
     }},
    {"in_a_storm", "storm", [](auto& q) { q.storm = Storm{11, now + Duration{60'000}}; }},
    {"in_a_storm_with_an_agreement_of_long_ago", "storm",
     [](auto& q) {
         q.storm = Storm{11, now + Duration{60'000}};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{24 * 3'600'000}};
     }},
    {"no_longer_reported", "still-reported", [](auto& q) { q.cause_reported_at = now - Duration{3'000}; }},
    {"no_longer_reported_and_agreed_to", "still-reported",
     [](auto& q) {
         q.cause_reported_at = now - Duration{3'000};
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"no_longer_reported_before_its_first_step_is_tried_again", "still-reported",
     [](auto& q) {
         q.cause_reported_at = now - Duration{3'000};
         q.plan_begun = true;
     }},
    {"no_longer_reported_and_its_first_step_was_needless", "still-reported",
     [](auto& q) {
         q.cause_reported_at = now - Duration{3'000};
         q.steps_done = 1;
     }},
    {"never_reported", "still-reported", [](auto& q) { q.cause_reported_at.reset(); }},
    {"the_third_node_within_the_window", "blast-radius", take_two},
    {"a_node_taken_in_a_time_to_come", "blast-radius",
     [](auto& q) {
         take_two(q);
         of_role(q, 1).taken_at = now + Duration{3'600'000};
     }},
    {"the_third_node_of_which_nothing_says_that_it_serves_nobody", "blast-radius",
     [](auto& q) {
         take_two(q);
         q.step.serves_nobody = true;
         q.step.precondition.clear();
     }},
    {"half_of_a_small_role", "blast-radius",
     [](auto& q) {
         q.takes_away->nodes.resize(2);
         of_role(q, 1).taken_at = now - Duration{60'000};
     }},
    {"nodes_of_two_zones_missing_at_once", "blast-radius",
     [](auto& q) {
         of_role(q, 1).taken_at = now - Duration{60'000};
         of_role(q, 1).up = false;
     }},
    {"whether_the_node_of_the_other_zone_is_back_is_unknown", "blast-radius",
     [](auto& q) {
         of_role(q, 1).taken_at = now - Duration{60'000};
         of_role(q, 1).up.reset();
     }},
    {"the_last_one_in_service", "blast-radius",
     [](auto& q) {
         q.takes_away->patient = false;
         of_role(q, 1).up = of_role(q, 2).up = false;  // The spare serves nobody.
     }},
    {"whether_others_are_in_service_is_unknown", "blast-radius",
     [](auto& q) {
         q.takes_away->patient = false;
         for (auto& one : q.takes_away->nodes) one.up.reset();
     }},
    {"whether_the_node_itself_runs_is_unknown", "blast-radius",
     [](auto& q) {
         take_two(q);
         of_role(q, 0).up.reset();
     }},
    {"a_node_of_an_unknown_role", "blast-radius", [](auto& q) { q.takes_away = TakenAway{.node = "tm-1"}; }},
    {"a_broker_that_a_partition_needs", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->needed_by = "no other in-sync replica: orders-0";
     }},
    {"a_broker_that_a_partition_needs_though_a_person_has_agreed", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->needed_by = "no other in-sync replica: orders-0";
         q.approval = Approval{"I2/1", "ann", "", now - Duration{60'000}};
     }},
    {"what_a_broker_is_needed_for_is_unknown", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->needed_by.reset();
     }},
    {"which_broker_it_is_is_unknown", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->broker.clear();
     }},
    {"a_broker_that_recovers_its_logs", "partitions-available",
     [](auto& q) {
         take_broker(q);
         q.takes_away->logs_to_recover = 3;
     }},
};

INSTANTIATE_TEST_SUITE_P(Guards, GuardRefuses, testing::ValuesIn(refused), case_name);

TEST(Guards, every_guard_has_a_case_that_it_refuses) {
    for (const auto& guard : guards::all_guards())
        EXPECT_TRUE(std::ranges::any_of(refused, [&](const Case& one) { return one.guard == guard.name; }))
            << guard.name;
}

}  // namespace
}  // namespace medic
