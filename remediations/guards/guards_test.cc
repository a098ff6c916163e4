// Every guard: it refuses, its twin is allowed, and a state that it can't see is refused too.
#include "remediations/guards/guards.h"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "remediations/guards/reach.h"

namespace medic {
namespace {

constexpr WallTime now{1'700'000'000'000};
const Subject node{"lab", "node", "tm-1"};
const Subject job{"lab", "job", "fleet"};

PastAttempt past(std::string incident, Duration ago) {
    return {.key = incident + "/1/1",
            .incident = incident,
            .cluster = "lab",
            .remedy = "flink.replace-taskmanager",
            .cause = "flink.taskmanager-lost",
            .diagnosed = {"lab", "taskmanager", "tm-1"},
            .target = node,
            .at = now - ago,
            .undo = false};
}

// A question that no guard objects to.
GuardQuestion fine() {
    GuardQuestion question;
    question.step.remedy = "flink.replace-taskmanager";
    question.step.subject = node;
    question.step.job = job;
    question.step.operation = KillNode{"tm-1"};
    question.key = "I2/1/1";
    question.incident = "I2";
    question.cluster = "lab";
    question.diagnosed = {"lab", "taskmanager", "tm-1"};
    question.now = now;
    question.policy.mode = Mode::auto_;
    question.pause_file = false;
    question.facts = {{node, "process_up", 0.0, "", now - Duration{1'000}}};
    question.job_state = Fact{job, "flink_job_state", 1.0, "RESTARTING", now - Duration{1'000}};
    question.operations_seen_at = now - Duration{1'000};
    question.sight = {now - Duration{1'000}, 0, 8, 0.01};
    question.cause_reported_at = now - Duration{1'000};
    question.clock.compared = true;
    question.takes_away = TakenAway{.node = "tm-1",
                                    .role = "taskmanager",
                                    .patient = true,
                                    .nodes = {{"tm-1", "a", false, true, {}},
                                              {"tm-2", "b", false, true, {}},
                                              {"tm-3", "a", false, true, {}},
                                              {"tm-4", "b", true, true, {}}}};
    return question;
}

RoleNode& of_role(GuardQuestion& question, std::size_t index) { return question.takes_away->nodes.at(index); }

// Two others were taken out of service lately, and are back.
void take_two(GuardQuestion& question) {
    of_role(question, 1).taken_at = now - Duration{60'000};
    of_role(question, 2).taken_at = now - Duration{500'000};
}

// One of three brokers, none of which is needed.
void take_broker(GuardQuestion& question) {
    question.step.operation = StopNode{"tm-1"};
    question.takes_away->role = "broker";
    question.takes_away->broker = "1";
    question.takes_away->needed_by = "nothing";
}

std::vector<std::string> objectors(const GuardQuestion& question) {
    std::vector<std::string> names;
    const auto judgement = Guards(guards::all_guards()).judge(question);
    if (!judgement)
        for (const auto& refusal : judgement.error()) names.push_back(refusal.guard);
    return names;
}

struct Case {
    std::string name, guard;
    std::function<void(GuardQuestion&)> change;
};

class GuardRefuses : public testing::TestWithParam<Case> {};
class GuardAllows : public testing::TestWithParam<Case> {};

TEST_P(GuardRefuses, and_only_this_guard) {
    GuardQuestion question = fine();
    GetParam().change(question);
    EXPECT_EQ(objectors(question), std::vector<std::string>{GetParam().guard});
}

TEST_P(GuardAllows, the_twin) {
    GuardQuestion question = fine();
    GetParam().change(question);
    EXPECT_EQ(objectors(question), std::vector<std::string>{});
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
         q.step_index = 1;
     }},
    {"never_reported", "still-reported", [](auto& q) { q.cause_reported_at.reset(); }},
    {"the_third_node_within_the_window", "blast-radius", take_two},
    {"a_node_taken_in_a_time_to_come", "blast-radius",
     [](auto& q) {
         take_two(q);
         of_role(q, 1).taken_at = now + Duration{3'600'000};
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
         q.step_index = 1;
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
         q.step.compatible_with = "reassignment";
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

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Guards, GuardRefuses, testing::ValuesIn(refused), case_name);
INSTANTIATE_TEST_SUITE_P(Guards, GuardAllows, testing::ValuesIn(allowed), case_name);

// They see one unreadable history, so all must object.
TEST(Guards, an_unreadable_history_is_refused_by_every_guard_that_counts) {
    GuardQuestion question = fine();
    question.history_complete = false;
    EXPECT_EQ(objectors(question),
              (std::vector<std::string>{"blast-radius", "budget", "cooldown", "one-in-flight", "storm"}));
}

TEST(Guards, what_takes_a_node_away_is_known_from_the_journal_too) {
    const auto tells = [](OperationBody body) {
        const bool takes = taken_node(body) != nullptr;
        EXPECT_EQ(tells_of_taken_node(describe(Operation{.key = {}, .cluster = "lab", .body = std::move(body)})),
                  takes);
        return takes;
    };
    EXPECT_TRUE(tells(KillNode{"tm-1"}));
    EXPECT_TRUE(tells(StopNode{"tm-1"}));
    EXPECT_FALSE(tells(StartNode{"kill-node"}));
    EXPECT_FALSE(tells(KillConnectorTask{"connect-1", "orders", 0}));
    EXPECT_FALSE(tells_of_taken_node(""));
}

TEST(Guards, every_guard_has_a_case_that_it_refuses) {
    for (const auto& guard : guards::all_guards())
        EXPECT_TRUE(std::ranges::any_of(refused, [&](const Case& one) { return one.guard == guard.name; }))
            << guard.name;
}

TEST(Guards, a_silence_tells_who_until_when_and_why_and_an_unread_alertmanager_its_problem) {
    GuardQuestion question = fine();
    question.silences_configured = true;
    question.silences_problem = "HTTP status 503";
    auto judgement = Guards(guards::all_guards()).judge(question);
    ASSERT_FALSE(judgement);
    EXPECT_NE(judgement.error()[0].why.find("HTTP status 503"), std::string::npos);
    question.silences_read_at = now;
    question.silenced = {{"silenced by ana until 2026-11-28 14:00 UTC: new disks", now + Duration{60'000}}};
    judgement = Guards(guards::all_guards()).judge(question);
    ASSERT_FALSE(judgement);
    EXPECT_EQ(judgement.error()[0].why, "silenced by ana until 2026-11-28 14:00 UTC: new disks");
    EXPECT_EQ(judgement.error()[0].until, (now + Duration{60'000}));
    EXPECT_EQ(encode_question(decode_question(encode_question(question)).value()), encode_question(question));
}

TEST(Guards, a_recorded_question_gets_the_same_answer) {
    GuardQuestion question = fine();
    question.history = {past("I1", Duration{60'000})};
    question.policy.floor = Duration{5};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    const Guards all(guards::all_guards());
    EXPECT_EQ(verdict_text(all.judge(*read)), verdict_text(all.judge(question)));
    EXPECT_EQ(encode_question(*read), encode_question(question));
    EXPECT_FALSE(decode_question("{}"));
    EXPECT_FALSE(decode_question("not json"));
}

TEST(Guards, a_record_holds_any_text_and_any_figure) {
    GuardQuestion question = fine();
    question.incident = "quoted \" and \\, a line\n, \x01, größer — 1";
    question.others_acting = {"", "not UTF-8: \xff"};
    question.facts = {{{"lab", "job", "fleet"}, "lag", -0.1, {}, now},
                      {{"lab", "job", "fleet"}, "rate", 1e300, {}, now}};
    const auto read = decode_question(encode_question(question));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->incident, question.incident);
    EXPECT_EQ(read->others_acting, (std::vector<std::string>{"", "not UTF-8: \uFFFD"}));
    ASSERT_EQ(read->facts.size(), 2U);
    EXPECT_EQ(read->facts[0].value, -0.1);
    EXPECT_EQ(read->facts[1].value, 1e300);
}

}  // namespace
}  // namespace medic
