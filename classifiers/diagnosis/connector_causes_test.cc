// Causes of connectors and log dirs that rest on what was seen before the failure: which one is named, and only that
// one.
#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"
#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/diagnoser.h"

namespace medic {
namespace {

using analyzers::Scene;

constexpr int fault = 60;
const Subject connector = Scene::lab("connector", "stock"), task = Scene::lab("connector-task", "stock/0");

Finding found(std::string id, Subject subject) {
    return {.id = std::move(id),
            .subject = std::move(subject),
            .since = Scene::at(fault),
            .weight = 1,
            .summary = "",
            .fields = {},
            .evidence = {}};
}

std::vector<Diagnosis> told(const Scene& scene, const std::vector<Finding>& also = {}) {
    Diagnoser diagnoser{Catalogue::load_embedded().value()};
    return scene.after(fault + 5, [&](View view, const Now& now) {
        auto findings = analyzers::analyze(view, now);
        findings.insert(findings.end(), also.begin(), also.end());
        view.findings = findings;
        return diagnoser.diagnose(view, now);
    });
}

Scene refused() {
    Scene scene;
    scene
        .series("connect_task_state", {{"connector", "stock"}, {"task", "0"}, {"state", "FAILED"}},
                [](int s) { return s >= fault ? std::optional{1.0} : std::nullopt; })
        .event(fault, task, "exception",
               "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable "
               "exception.\nCaused by: org.apache.kafka.connect.errors.ConnectException: stock.address stock-1:9200: "
               "Connection refused\n\tat com.acme.connect.StockSinkTask.put(StockSinkTask.java:45)\n");
    return scene;
}

TEST(ConnectorCauses, AnAddressThatWasJustChangedIsASettingAndNothingElse) {
    Scene scene = refused();
    scene.event(fault - 4, connector, "config-change", "settings changed", {{"settings", "stock.address"}});
    const auto all = told(scene);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].cause, "connect.option-invalid");
    EXPECT_EQ(all[0].subject, connector);
}

TEST(ConnectorCauses, AnAddressThatNobodyChangedIsADependencyThatIsDown) {
    const auto all = told(refused());
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].cause, "connect.task-failed");
    EXPECT_EQ(all[0].subject, task);
}

// Staging has the connectors, nodes and jobs that production has.
TEST(ConnectorCauses, WhatIsToldOfAnotherClustersConnectorOfThatNameSaysNothingOfThisOne) {
    Finding changed = found("changed-setting-fails", {"staging", "connector", "stock"});
    changed.fields["connector"] = "stock";
    const auto all = told(refused(), {changed});
    ASSERT_EQ(all.size(), 2U);
    for (const Diagnosis& one : all)
        EXPECT_EQ(one.cause, one.subject.cluster == "lab" ? "connect.task-failed" : "connect.option-invalid");
}

TEST(ConnectorCauses, ADeletedTopicExplainsATaskThatStands) {
    const auto all = told(Scene(), {found("connector-topic-absent", connector), found("connector-task-silent", task)});
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].cause, "connect.topic-missing");
    ASSERT_EQ(told(Scene(), {found("connector-task-silent", task)}).at(0).cause, "connect.task-stuck");
}

TEST(ConnectorCauses, ADirThatRanFullExplainsThatItFailed) {
    const Subject dir = Scene::lab("log-dir", "1:/data/kafka");
    Symptom offline;
    offline.id = "KafkaLogDirOffline";
    offline.subject = dir;
    offline.since = Scene::at(fault);
    const auto causes_of = [&](const std::vector<Finding>& findings) {
        Diagnoser diagnoser{Catalogue::load_embedded().value()};
        return Scene().after(fault + 5, [&](View view, const Now& now) {
            view.findings = findings;
            view.symptoms = std::span(&offline, 1);
            std::vector<std::string> causes;
            for (const Diagnosis& one : diagnoser.diagnose(view, now)) causes.push_back(one.cause);
            return causes;
        });
    };
    EXPECT_EQ(causes_of({found("disk-ran-full", dir)}), std::vector<std::string>{"kafka.disk-ran-full"});
    EXPECT_EQ(causes_of({found("disk-ran-full-of-others", dir)}),
              std::vector<std::string>{"kafka.disk-filled-by-others"});
    EXPECT_EQ(causes_of({}), std::vector<std::string>{"kafka.log-dir-failed"});
}

}  // namespace
}  // namespace medic
