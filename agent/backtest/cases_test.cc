// What a backtest says of the policy is what the loop would have done.
#include "agent/backtest/cases.h"

#include <gtest/gtest.h>

#include "remediations/remedies/remedies.h"

namespace medic::backtest {
namespace {

Incident restarted_task() {
    Incident incident;
    incident.id = "I1";
    incident.cluster = "lab";
    incident.diagnosis.cause = "connect.task-failed";
    incident.diagnosis.subject = {"lab", "connector-task", "orders/0"};
    incident.diagnosis.remedies = {"connect.restart-task"};
    Plan plan;
    plan.remedy = "connect.restart-task";
    plan.cause = incident.diagnosis.cause;
    plan.subject = incident.diagnosis.subject;
    plan.summary = "restart it";
    plan.steps.emplace_back();
    plan.steps[0].subject = plan.subject;
    plan.steps[0].operation = RestartConnectorTask{"orders", 0};
    incident.plan = plan;
    return incident;
}

Policy protecting(const std::string& object) {
    PolicyRule named, any;
    named.object = object;
    any.mode = Mode::auto_;
    Policy policy;
    policy.rules = {named, any};
    return policy;
}

std::string mode_of(const Policy& policy, const std::vector<Incident>& updates) {
    const Planner planner(remedies::all_remedies());
    CaseBook book(policy, planner);
    book.take(updates);
    const auto cases = book.cases({});
    return cases.empty() ? "" : cases.front().proposal.mode;
}

TEST(CaseBook, ARuleThatNamesWhatThePlanReachesHolds) {
    EXPECT_EQ(mode_of(protecting("connector:orders"), {restarted_task()}), "observe");
    EXPECT_EQ(mode_of(protecting("connector:audit"), {restarted_task()}), "auto");
}

TEST(CaseBook, WhatWasSaidOfThePlanStaysWhenItIsOver) {
    Incident later = restarted_task();
    later.plan.reset();
    EXPECT_EQ(mode_of(protecting("connector:orders"), {restarted_task(), later}), "observe");
}

TEST(CaseBook, WithoutAPlanTheDiagnosisTells) {
    Incident unplanned = restarted_task();
    unplanned.plan.reset();
    EXPECT_EQ(mode_of(protecting("connector:orders"), {unplanned}), "auto") << "nothing names it";
    unplanned.diagnosis.facts = {{"connector", "orders"}, {"task", "0"}};
    EXPECT_EQ(mode_of(protecting("connector:orders"), {unplanned}), "observe");
}

}  // namespace
}  // namespace medic::backtest
