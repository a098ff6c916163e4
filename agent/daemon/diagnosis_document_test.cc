// What an agent tells is what a person reads: nothing is lost on the way.
#include "agent/daemon/diagnosis_document.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

using Verdict = DiagnoseResult::Verdict;

Diagnosis stuck() {
    Diagnosis one;
    one.cause = "connect.task-stuck";
    one.cause_group = "connect";
    one.side = Side::system;
    one.owner = "team-a";
    one.subject = {"c", "connector-task", "orders/0"};
    one.since = {1'764'331'200'123};
    one.confidence = 0.75;
    one.summary = "task 0 moves nothing";
    one.evidence = {{"metric", "connect_task_records_total", "stands still", 7, {1'764'331'201'000}},
                    {"log", "a", "without a time", 0, {}}};
    one.alternatives = {{"connect.x", Side::user, 0.25, "no exception"}};
    one.effects = {"lag grows"};
    one.missing = {"the worker's page"};
    one.remedies = {"connect.restart-task"};
    one.facts = {{"task", "0"}};
    return one;
}

OpenIncident incident(const std::string& state, const Diagnosis& of) {
    return {.id = "I7",
            .state = state,
            .waiting_for = "ana",
            .doing = "restart the task",
            .first_failure = "java.io.IOException: first",
            .opened_at = {1'764'331'200'000},
            .diagnosis = of};
}

DiagnoseResult full() {
    DiagnoseResult one;
    one.seen_by = {.kind = SeenBy::Kind::agent, .since = {1'764'320'000'000}, .address = "http://a:1", .note = "n"};
    one.report.at = {1'764'331'209'000};
    one.report.diagnoses = {stuck()};
    Finding work;
    work.id = "planned-work";
    work.subject = {"c", "broker", "2"};
    work.since = {1'764'331'000'000};
    work.summary = "broker 2 was stopped in good order";
    work.fields = {{"kind", "stop"}, {"explains", "true"}};
    work.evidence = {{"log", "l", "SIGTERM", 0, {1'764'331'000'000}}};
    one.report.planned = {work};
    one.symptoms = {{"GroupLagGrows", {"c", "group", "g"}, {1'764'331'100'000}, 12, "lag grows", {}}};
    one.incidents = {incident("observing", stuck())};
    one.blind = {{"c/kafka", "refused"}};
    one.targets = 9;
    one.unobserved = {"c: no pages"};
    one.by_itself = {""};
    one.verdict = Verdict::problem;
    return one;
}

TEST(DiagnosisDocument, ComesBackAsItWas) {
    const std::string told = diagnosis_document(full(), "abc");
    const auto back = read_diagnosis_document(told);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(diagnosis_document(*back, "abc"), told);
    EXPECT_EQ(watched_of_document(told), "abc");
    EXPECT_EQ(back->report.diagnoses.at(0).subject, stuck().subject);
    EXPECT_EQ(back->report.diagnoses.at(0).since, stuck().since);
    EXPECT_EQ(back->report.planned.at(0).subject.name, "2");
    EXPECT_EQ(back->incidents.at(0).first_failure, "java.io.IOException: first");
}

TEST(DiagnosisDocument, ADiagnosisNamesItsIncident) {
    EXPECT_NE(diagnosis_document(full()).find("\"incident\": \"I7\""), std::string::npos);
    DiagnoseResult without = full();
    without.incidents.clear();
    EXPECT_NE(diagnosis_document(without).find("\"incident\": null"), std::string::npos);
}

TEST(DiagnosisDocument, WhatIsNoDocumentIsAnError) {
    for (const char* text : {"", "[]", "{}", "<html>", R"({"schema": 2, "verdict": "healthy"})"})
        EXPECT_FALSE(read_diagnosis_document(text)) << text;
    // Nothing said is never healthy.
    EXPECT_EQ(read_diagnosis_document(R"({"schema": 1, "diagnoses": [7, "x"], "targets": "many"})")->verdict,
              Verdict::cannot_tell);
}

TEST(DiagnosisDocument, WatchedNamesClustersAndAddresses) {
    const auto of = [](const std::string& clusters) {
        return watched_by(load_config("schema: 1\ndata_dir: d\nclusters:\n" + clusters, "medic.yaml").value());
    };
    const std::string one = of("  c: {flink: [{url: 'http://f'}]}\n");
    EXPECT_EQ(one, of("  c: {flink: [{url: 'http://f'}], owners: {'job:*': a}}\n"));
    EXPECT_NE(one, of("  c: {flink: [{url: 'http://g'}]}\n"));
    EXPECT_NE(one, of("  d: {flink: [{url: 'http://f'}]}\n"));
}

TEST(DiagnosisDocument, AnIncidentThatIsOpenIsAProblemUnlessItHasHealed) {
    DiagnoseResult result;
    result.targets = 3;
    EXPECT_EQ(verdict_of(result), Verdict::healthy);
    result.incidents = {incident("escalated", stuck())};
    EXPECT_EQ(verdict_of(result), Verdict::problem);
    result.incidents = {incident("healed", stuck())};
    EXPECT_EQ(verdict_of(result), Verdict::healthy);
    result.incidents = {incident("diagnosing", Diagnosis{})};
    EXPECT_EQ(verdict_of(result), Verdict::healthy) << "it names no cause; what ails shows in the symptoms";
    result.incidents = {incident("escalated", Diagnosis{})};
    EXPECT_EQ(verdict_of(result), Verdict::problem) << "somebody must look at it, though nobody knows its cause";
}

TEST(DiagnosisDocument, OnlyOpenIncidentsAreTold) {
    Incident open, ended;
    open.id = "I1";
    open.state = IncidentState::waiting_approval;
    ended.id = "I2";
    ended.state = IncidentState::resolved;
    const auto told = open_incidents({open, ended});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].id, "I1");
    EXPECT_EQ(told[0].state, to_string(IncidentState::waiting_approval));
}

}  // namespace
}  // namespace medic
