// Shared by the tests of guards: a question that no guard objects to, and how it is changed. Tests only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "remediations/guards/guards.h"

namespace medic::guard_test {

inline constexpr WallTime now{1'700'000'000'000};
inline const Subject node{"lab", "node", "tm-1"};
inline const Subject job{"lab", "job", "fleet"};

inline PastAttempt past(std::string incident, Duration ago) {
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
inline GuardQuestion fine() {
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

inline RoleNode& of_role(GuardQuestion& question, std::size_t index) { return question.takes_away->nodes.at(index); }

// Two others were taken out of service lately, and are back.
inline void take_two(GuardQuestion& question) {
    of_role(question, 1).taken_at = now - Duration{60'000};
    of_role(question, 2).taken_at = now - Duration{500'000};
}

// One of three brokers, none of which is needed.
inline void take_broker(GuardQuestion& question) {
    question.step.operation = StopNode{"tm-1"};
    question.takes_away->role = "broker";
    question.takes_away->broker = "1";
    question.takes_away->needed_by = "nothing";
}

// Data of a topic goes, by a policy that names it and keeps what is younger than a day.
inline void destroy_data(GuardQuestion& question, OperationBody operation) {
    question.step.destroys = Destroys::data;
    question.step.object = "topic:orders";
    question.step.operation = std::move(operation);
    question.policy.names_object = true;
    question.policy.floor = Duration{24 * 3'600'000};
}

inline void cut_retention(GuardQuestion& question, std::map<std::string, std::optional<std::string>> set) {
    destroy_data(question, AlterConfigs{.name = "orders", .set = std::move(set)});
}

inline void abort_transaction(GuardQuestion& question, double seconds_min, std::int64_t start_offset = 5) {
    destroy_data(question,
                 AbortTransaction{.topic = "orders", .producer_id = 7, .producer_epoch = 0, .start_offset = 5});
    question.step.subject = partition_subject("lab", "orders", 0);
    question.step.precondition = {Condition{.fact = {transaction_subject(question.step.subject, 7, 0, start_offset),
                                                     "kafka_partition_hanging_transaction_seconds"},
                                            .is = Condition::Is::at_least,
                                            .value = seconds_min}};
}

inline std::vector<std::string> objectors(const GuardQuestion& question) {
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

inline std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

}  // namespace medic::guard_test
