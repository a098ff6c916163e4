// The loop from diagnosis to healed, with a hand-driven world: the test is the outside.
#include "agent/loop/loop.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "agent/loop/incident_codec.h"
#include "agent/loop/loop_bench.h"
#include "agent/loop/replay.h"

namespace medic {
namespace {

using namespace loop_bench;

TEST(Loop, a_lost_node_is_replaced_from_the_pool_and_the_pool_is_refilled) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.run(20);
    EXPECT_EQ(bench.sent_names(),
              (std::vector<std::string>{"I1/2/1 lab: start-node tm-3", "I1/3/1 lab: start-node tm-1 as a spare"}));
    EXPECT_EQ(bench.incident().state, IncidentState::healed);
    EXPECT_NE(bench.incident().healed_at.unix_ms, 0);
    bench.diagnoses.clear();
    bench.run(15);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved);
    EXPECT_EQ(bench.incident().outcome, "healed");
    EXPECT_TRUE(bench.journal().load(bench.wall()).open_incidents.empty());
}

TEST(Loop, a_frozen_node_is_fenced_first) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.set({node("tm-1"), "process_up"}, 1);
    bench.diagnoses[0].cause = "flink.taskmanager-frozen";
    bench.run(20);
    ASSERT_EQ(bench.sent.size(), 3U);
    EXPECT_EQ(describe(bench.sent[0]), "lab: kill-node tm-1");
    EXPECT_EQ(bench.incident().outcome, "healed");
}

TEST(Loop, a_stuck_task_is_killed_from_outside_and_only_it_is_restarted) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    bench.run(30);
    EXPECT_EQ(bench.sent_names(), (std::vector<std::string>{"I1/1/1 lab: kill-connector-task orders/0 on connect-1",
                                                            "I1/2/1 lab: restart-connector-task orders/0"}));
    EXPECT_EQ(bench.incident().state, IncidentState::resolved);
}

TEST(Loop, what_is_to_prove_a_step_is_wanted_sooner_only_while_it_is_not_known) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { bench.reply(operation.key, std::string("ok")); };
    bench.text({task, "connect_task_state"}, "FAILED");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    for (int i = 0; i < 40 && bench.sent.size() < 2; ++i) {
        bench.tick();
        EXPECT_TRUE(bench.stale.empty() || !bench.sent.empty());  // Nothing is hurried for a plan that waits.
    }
    ASSERT_EQ(bench.sent.size(), 2U) << "its process was killed, and the task is restarted";
    bench.run(3);
    EXPECT_EQ(bench.stale, (std::vector<FactKey>{{task, "connect_task_records_total"}}));  // The state is known.
    bench.counts({task, "connect_task_records_total"});
    bench.run(2);
    EXPECT_TRUE(bench.stale.empty());
}

TEST(Loop, without_a_policy_nothing_leaves_and_the_plan_is_recorded) {
    Bench bench(options(Mode::observe));
    bench.run(3);
    lose_node(bench);
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::observing) << bench.story();
    EXPECT_EQ(std::ranges::count(bench.journal().decisions("I1").value(), "guards", &DecisionRow::kind), 1);
}

TEST(Loop, in_ask_a_person_agrees_first_and_the_journal_knows_who) {
    Bench bench(options(Mode::ask));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    lose_node(bench);
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::waiting_approval);
    EXPECT_EQ(bench.incident().waiting_for, "flink platform");
    bench.tick({OperatorCommand{OperatorCommand::Kind::approve, bench.incident().action_id(), "go", "ann"}});
    bench.run(20);
    EXPECT_EQ(bench.incident().outcome, "healed");
    ASSERT_FALSE(bench.journal().attempts("I1")->empty());
    EXPECT_EQ(bench.journal().attempts("I1")->front().approved_by, "ann");
}

TEST(Loop, a_rejected_plan_is_not_carried_out) {
    Bench bench(options(Mode::ask));
    bench.run(3);
    lose_node(bench);
    bench.run(10);
    bench.tick({OperatorCommand{OperatorCommand::Kind::reject, bench.incident().action_id(), "no", "ann"}});
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::escalated);
    EXPECT_EQ(bench.incident().outcome, "rejected");
}

TEST(Loop, what_a_person_has_silenced_waits_with_the_reason_until_the_silence_ends) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    const auto refused = [&] {
        const auto& all = bench.incident().refusals;
        return all.empty() ? std::string() : all.front().why;
    };
    bench.silences = {{.cluster = "lab", .problem = "refused"}};  // Configured, and never read.
    bench.run(3);
    lose_node(bench);
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_NE(refused().find("it is not known what is silenced"), std::string::npos) << bench.story();

    // Read now: the very task manager, by a matcher; and until then another one, which is no reason.
    const auto silence = [&](const std::string& who) {
        bench.silences = {{.cluster = "lab",
                           .read_at = bench.wall(),
                           .active = {{.id = "s1",
                                       .by = "ana",
                                       .comment = "new disks",
                                       .since = bench.wall(),
                                       .until = bench.wall() + Duration{25'000},
                                       .matchers = {{"taskmanager", LabelMatcher::Op::matches, who}}}}}};
    };
    silence("tm-1|tm-9");
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_TRUE(refused().starts_with("silenced by ana until ")) << refused();
    EXPECT_TRUE(refused().ends_with(": new disks")) << refused();
    bench.run(40);  // It has ended by itself.
    EXPECT_FALSE(bench.sent.empty()) << bench.story();
}

TEST(Loop, a_silence_of_another_is_no_reason_to_wait) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(3);
    bench.silences = {{.cluster = "lab",
                       .read_at = bench.wall(),
                       .active = {{.by = "ana", .matchers = {{"broker", LabelMatcher::Op::equal, "2"}}}}}};
    lose_node(bench);
    bench.run(20);
    EXPECT_FALSE(bench.sent.empty()) << bench.story();
}

TEST(Loop, a_pause_stops_all_and_a_resume_goes_on) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.tick({OperatorCommand{OperatorCommand::Kind::pause, "lab", "game day", "ann"}});
    bench.run(3);
    lose_node(bench);
    bench.run(20);
    EXPECT_TRUE(bench.sent.empty());
    bench.restart();  // A pause survives.
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty());
    bench.tick({OperatorCommand{OperatorCommand::Kind::resume, "lab", "", "ann"}});
    bench.run(20);
    EXPECT_EQ(bench.incident().outcome, "healed");
}

TEST(Loop, a_resume_without_a_cluster_ends_every_pause_for_good) {
    Bench bench(options(Mode::auto_));
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    for (const char* cluster : {"lab", ""})
        bench.tick({OperatorCommand{OperatorCommand::Kind::pause, cluster, "game day", "ann"}});
    bench.tick({OperatorCommand{OperatorCommand::Kind::resume, "", "", "ann"}});
    bench.restart();  // What was taken back stays so.
    bench.run(3);
    lose_node(bench);
    bench.run(20);
    EXPECT_EQ(bench.incident().outcome, "healed");
}

TEST(Loop, a_fault_that_ends_by_itself_is_left_alone) {
    Bench bench(options(Mode::observe));
    bench.run(3);
    lose_node(bench);
    bench.run(3);
    bench.diagnoses.clear();
    bench.run(15);
    EXPECT_EQ(bench.incident().state, IncidentState::resolved);
    EXPECT_EQ(bench.incident().outcome, "went_away");
}

TEST(Loop, a_fault_that_merely_is_not_seen_any_more_is_not_over) {
    Bench bench(options(Mode::observe));
    bench.run(3);
    lose_node(bench);
    bench.run(3);
    bench.diagnoses.clear();
    bench.blind = {"a", "b", "c", "d", "e"};
    bench.run(30);
    EXPECT_EQ(bench.incident().state, IncidentState::observing);
}

TEST(Loop, killed_between_intent_and_reply_it_looks_before_it_sends_again) {
    Bench bench(options(Mode::auto_));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    while (bench.sent.empty()) bench.tick();
    bench.restart();  // The kill has left; its reply is lost with the old process. It has worked.
    bench.text({task, "connect_task_state"}, "FAILED");
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(30);
    EXPECT_EQ(bench.sent_names(), (std::vector<std::string>{"I1/1/1 lab: kill-connector-task orders/0 on connect-1",
                                                            "I1/2/1 lab: restart-connector-task orders/0"}));
    EXPECT_EQ(bench.incident().outcome, "healed");
}

TEST(Loop, killed_before_sending_it_sends_under_a_new_key_once_facts_say_that_nothing_happened) {
    Bench bench(options(Mode::auto_));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    while (bench.sent.empty()) bench.tick();
    bench.restart();  // In this world the kill never arrived.
    bench.sent.clear();
    bench.on_send = [&](const Operation& operation) { obey(bench, operation); };
    bench.run(10);
    EXPECT_TRUE(bench.sent.empty());  // It may still be on its way.
    bench.run(100);
    ASSERT_EQ(bench.sent.size(), 2U);
    EXPECT_EQ(bench.sent[0].key, "I1/1/2");
    EXPECT_EQ(bench.incident().outcome, "healed");
}

TEST(Loop, an_unknown_outcome_without_facts_goes_to_a_person) {
    Bench bench(options(Mode::auto_));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    while (bench.sent.empty()) bench.tick();
    bench.unknown({task, "connect_task_state"});
    bench.reply(bench.sent[0].key, fail(ErrorCode::outcome_unknown, "time-out"));
    bench.run(150);
    EXPECT_EQ(bench.sent.size(), 1U);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated);
    EXPECT_EQ(bench.incident().outcome, "cannot_tell");
}

TEST(Loop, a_step_without_effect_is_tried_with_back_off_up_to_the_cap_then_a_person_is_told) {
    auto given = options(Mode::auto_);
    given.policy.rules[0].limits.attempts_max = 2;
    Bench bench(given);
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.on_send = [&](const Operation& operation) { bench.reply(operation.key, std::string("done, it says")); };
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    bench.run(200);
    EXPECT_EQ(bench.sent.size(), 2U);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated);
    EXPECT_EQ(bench.incident().outcome, "no_effect");
    EXPECT_TRUE(bench.last_story().starts_with("nothing that is known has helped; tried: connect.kill-stuck-task"))
        << bench.last_story();
    const auto told = std::ranges::count(bench.notes, Notification::Kind::escalated, &Notification::kind);
    EXPECT_EQ(told, 1);
}

// A cluster on which the remedy has nothing to work with.
LoopOptions without_means(Mode mode) {
    LoopOptions given = options(mode);
    for (auto& one : given.clusters[0].nodes) one.can_kill_task = one.can_kill = one.can_start = false;
    return given;
}

TEST(Loop, a_remedy_that_could_not_be_used_is_not_said_to_have_been_tried) {
    Bench bench(without_means(Mode::auto_));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    bench.run(60);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    EXPECT_EQ(bench.incident().outcome, "not_tried");
    EXPECT_TRUE(bench.last_story().starts_with(
        "no remedy can be used here; nothing was tried: connect.kill-stuck-task: can't help: "))
        << bench.last_story();
    EXPECT_EQ(bench.story().find("has helped"), std::string::npos) << bench.story();
    bench.restart();  // The journal's record is whole.
    EXPECT_EQ(bench.incident().untried.size(), 1U);
}

TEST(Loop, where_the_policy_only_observes_that_is_what_is_said) {
    Bench bench(without_means(Mode::observe));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    bench.diagnoses = {task_stuck()};
    bench.run(60);
    EXPECT_EQ(bench.incident().state, IncidentState::escalated) << bench.story();
    EXPECT_TRUE(bench.last_story().starts_with("no remedy is allowed here: observe only; nothing was tried"))
        << bench.last_story();
}

TEST(Loop, a_cause_without_remedies_says_so) {
    Bench bench(options(Mode::auto_));
    bench.run(3);
    Diagnosis known = task_stuck();
    known.remedies.clear();
    bench.diagnoses = {known};
    bench.run(60);
    EXPECT_EQ(bench.incident().outcome, "no_remedy");
    EXPECT_TRUE(bench.last_story().starts_with("no remedy is known for connect.task-stuck")) << bench.last_story();
}

TEST(Loop, a_record_of_an_earlier_release_is_read_although_it_does_not_say_what_was_tried) {
    Incident incident;
    incident.id = "I1";
    incident.tried = {"x"};
    IncidentRow row = to_row(incident);
    const std::string field = R"("tried":["x"],)";
    const auto at = row.detail.find(field);
    ASSERT_NE(at, std::string::npos) << row.detail;
    row.detail.erase(at, field.size());
    const auto read = from_row(row);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->tried.empty());
}

TEST(Loop, a_second_fault_waits_for_the_first) {
    Bench bench(options(Mode::auto_));
    bench.text({task, "connect_task_state"}, "RUNNING");
    bench.run(3);
    lose_node(bench);
    bench.diagnoses.push_back(task_stuck());
    bench.run(5);
    ASSERT_EQ(bench.sent.size(), 1U);
    const auto all = bench.loop().incidents();
    ASSERT_EQ(all.size(), 2U);
    const auto waiting = std::ranges::find(all, IncidentState::waiting_guard, &Incident::state);
    ASSERT_NE(waiting, all.end()) << bench.story();
    ASSERT_FALSE(waiting->refusals.empty());
    EXPECT_EQ(waiting->refusals[0].guard, "one-in-flight");
}

TEST(Loop, what_our_own_step_causes_opens_no_incident) {
    Bench bench(options(Mode::auto_));
    bench.run(3);
    lose_node(bench);
    bench.set({node("tm-1"), "process_up"}, 1);
    bench.diagnoses[0].cause = "flink.taskmanager-frozen";
    while (bench.sent.empty()) bench.tick();
    Diagnosis fenced = node_lost();
    fenced.subject = node("tm-1");
    bench.diagnoses.push_back(fenced);
    bench.run(3);
    ASSERT_EQ(bench.loop().incidents().size(), 1U);
    EXPECT_EQ(bench.incident().effects.size(), 1U);
    const std::string written = bench.journal().incident("I1")->detail;
    bench.run(3);
    EXPECT_EQ(bench.journal().incident("I1")->detail, written) << "told again, written again";
}

TEST(Loop, an_alert_opens_one_incident_and_is_never_a_cause) {
    Bench bench(options(Mode::auto_));
    Alert alert{.fingerprint = "f1",
                .starts_at = bench.wall(),
                .firing = true,
                .subject = lost,
                .name = "TaskManagerDown",
                .received_from = "prom"};
    bench.tick({alert, alert});
    bench.tick({alert});
    ASSERT_EQ(bench.loop().incidents().size(), 1U);
    bench.run(130);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::escalated);
    lose_node(bench);  // Our own eyes: the same incident takes up the cause.
    bench.run(2);
    ASSERT_EQ(bench.loop().incidents().size(), 1U);
    EXPECT_EQ(bench.incident().diagnosis.cause, "flink.taskmanager-lost");
}

TEST(Loop, the_first_failure_says_the_exception_its_message_and_where) {
    Bench bench(options(Mode::observe));
    Diagnosis failed = node_lost();
    failed.facts["exception"] = "java.lang.NullPointerException";
    failed.facts["message"] = "no value";
    failed.facts["frame"] = "com.shop.Job.map";
    bench.diagnoses = {failed};
    bench.run(2);
    EXPECT_EQ(bench.incident().first_failure, "java.lang.NullPointerException: no value\n\tat com.shop.Job.map");
}

TEST(Loop, the_first_failure_is_kept_when_a_later_one_masks_it) {
    Bench bench(options(Mode::observe));
    Diagnosis first = node_lost();
    first.facts["first_failure"] = "java.lang.NullPointerException";
    bench.diagnoses = {first};
    bench.run(2);
    first.facts["first_failure"] = "java.util.concurrent.TimeoutException";
    bench.diagnoses = {first};
    bench.run(2);
    EXPECT_EQ(bench.incident().first_failure, "java.lang.NullPointerException");
    EXPECT_EQ(bench.journal().first_failures("I1")->front().text, "java.lang.NullPointerException");
}

TEST(Loop, a_low_confidence_or_an_abstention_never_acts) {
    Bench bench(options(Mode::auto_));
    bench.run(3);
    lose_node(bench);
    bench.diagnoses[0].confidence = 0.5;
    bench.run(130);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(bench.incident().state, IncidentState::escalated);
}

TEST(Loop, same_inputs_same_record_and_every_decision_replays) {
    const auto record = [](Bench& bench) {
        bench.on_send = [&bench](const Operation& operation) { obey(bench, operation); };
        bench.run(3);
        lose_node(bench);
        bench.run(20);
        std::string text;
        const auto decisions = bench.journal().decisions("I1").value();
        for (const auto& decision : decisions) text += decision.kind + decision.verdict + decision.inputs + "\n";
        return text;
    };
    Bench one(options(Mode::auto_)), two(options(Mode::auto_));
    EXPECT_EQ(record(one), record(two));
    const auto replayed = replay(one.journal(), "I1", Guards(guards::all_guards()), Planner(remedies::all_remedies()));
    ASSERT_TRUE(replayed) << replayed.error().message;
    EXPECT_GE(replayed->size(), 3U);
    for (const auto& decision : *replayed)
        EXPECT_TRUE(decision.same) << decision.recorded.verdict << "\n" << decision.replayed;
}

}  // namespace
}  // namespace medic
