#include "classifiers/diagnosis/planned.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "classifiers/analyzers/scene_internal.h"
#include "classifiers/diagnosis/diagnoser.h"

namespace medic {
namespace {

using analyzers::Scene;

// What the rules would hold about a broker that is away.
Symptom symptom(const char* id, Subject subject, const char* severity = "critical") {
    return {.id = id,
            .subject = std::move(subject),
            .since = Scene::at(62),
            .value = 1,
            .summary = id,
            .labels = {{"severity", severity}}};
}

// Broker 2 goes at second 60: signed off, or killed.
Scene broker(bool clean, int back = 1 << 20) {
    Scene scene;
    const std::vector<LabelPair> id{{"broker", "2"}};
    const auto there = [back](int s) { return s < 60 || s >= back; };
    scene.series("process_up", {{"node", "broker-2"}, {"role", "broker"}}, [=](int s) { return there(s) ? 1.0 : 0.0; })
        .series("kafka_broker_reachable", id, [=](int s) { return there(s) ? 1.0 : 0.0; })
        .series("kafka_broker_up", id, [=](int s) { return there(s) || (!clean && s < 69) ? 1.0 : 0.0; })
        .series("kafka_broker_leaders", id, [=](int s) { return there(s) || (!clean && s < 69) ? 2.0 : 0.0; })
        .constant("kafka_broker_partitions", id, 6)
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    return scene;
}

std::vector<Diagnosis> diagnose(const Scene& scene, int second, std::vector<Symptom> symptoms) {
    return scene.after(second, [&](const View& seen, const Now& now) {
        auto findings = analyzers::analyze(seen, now);
        auto catalogue = Catalogue::load_embedded();
        Diagnoser diagnoser{*std::move(catalogue)};
        return diagnoser.diagnose({.series = seen.series,
                                   .timeline = seen.timeline,
                                   .topology = seen.topology,
                                   .symptoms = symptoms,
                                   .findings = findings},
                                  now);
    });
}

bool hints(const Diagnosis& diagnosis) {
    return std::ranges::any_of(diagnosis.evidence,
                               [](const Evidence& one) { return one.ref == "finding:planned-work"; });
}

const std::vector<Symptom> away{symptom("KafkaBrokerDown", {"lab", "broker", "2"}),
                                symptom("KafkaBrokerUnreachable", {"lab", "broker", "2"}, "warning"),
                                symptom("KafkaUnderReplicated", {"lab", "topic", "orders"}, "warning")};

TEST(Planned, ABrokerStoppedInGoodOrderIsNobodysFault) {
    EXPECT_TRUE(diagnose(broker(true), 62, {}).empty());
    EXPECT_TRUE(diagnose(broker(true), 200, away).empty());
    EXPECT_TRUE(diagnose(broker(true, 100), 110, away).empty()) << "symptoms that linger after its return";
}

TEST(Planned, AKilledOneIsLostAtOnce) {
    const auto told = diagnose(broker(false), 62, {});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "kafka.broker-lost");
    EXPECT_FALSE(hints(told[0]));
}

TEST(Planned, WithoutAWordOfHowItWentItIsLost) {
    Scene scene;
    scene.series("process_up", {{"node", "broker-2"}, {"role", "broker"}}, [](int s) { return s < 60 ? 1.0 : 0.0; })
        .series("kafka_broker_reachable", {{"broker", "2"}}, [](int s) { return s < 60 ? 1.0 : 0.0; })
        .relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
    scene.series("kafka_broker_up", {{"broker", "2"}},
                 [](int s) { return s < 55 ? std::optional(1.0) : std::nullopt; });
    EXPECT_EQ(diagnose(scene, 63, {}).size(), 1U);
}

TEST(Planned, OneThatDoesNotComeBackIsLostWithAHint) {
    const auto told = diagnose(broker(true), 365, away);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "kafka.broker-lost");
    EXPECT_TRUE(hints(told[0]));
}

TEST(Planned, APartitionWithoutLeaderIsAnIncidentAllTheSame) {
    Scene scene = broker(true);
    scene.series("kafka_partition_leader", {{"topic", "orders"}, {"partition", "0"}},
                 [](int s) { return s < 60 ? 2.0 : -1.0; });
    auto symptoms = away;
    symptoms.push_back(symptom("KafkaPartitionOffline", {"lab", "topic", "orders"}));
    const auto told = diagnose(scene, 80, symptoms);
    ASSERT_FALSE(told.empty());
    EXPECT_TRUE(std::ranges::any_of(told, hints));
}

// The job's writer gives records up at second `failed`, and again and again until `until`; by then it runs.
Scene& writer_fails(Scene& scene, int failed, int until) {
    for (int s = failed; s < until; s += 20)
        scene.event(s, Scene::lab("job", "totals"), "exception",
                    "org.apache.flink.util.FlinkRuntimeException: Failed to send data to Kafka totals-0@-1\nCaused by: "
                    "org.apache.kafka.common.errors.TimeoutException: Expiring 4 record(s) for totals-2:120000 ms has "
                    "passed since batch creation");
    for (const char* state : {"RUNNING", "RESTARTING"})
        scene.series("flink_job_state", {{"job", "totals"}, {"state", state}}, [=](int s) {
            return (s < failed || s >= until) == (std::string_view(state) == "RUNNING") ? 1.0 : 0.0;
        });
    return scene;
}

// As an agent does: a diagnosis every ten seconds, told is whatever the last one says.
std::vector<Diagnosis> watched(const Scene& scene, int second) {
    auto catalogue = Catalogue::load_embedded();
    Diagnoser diagnoser{*std::move(catalogue)};
    std::vector<Diagnosis> told;
    for (int s = second % 10 + 50; s <= second; s += 10)
        told = scene.after(s, [&](const View& seen, const Now& now) {
            const auto findings = analyzers::analyze(seen, now);
            return diagnoser.diagnose(
                {.series = seen.series, .timeline = seen.timeline, .topology = seen.topology, .findings = findings},
                now);
        });
    return told;
}

TEST(Planned, WhatAClientSuffersFromARollIsItsEffect) {
    Scene rolled = broker(true, 100);
    writer_fails(rolled, 180, 200);
    EXPECT_TRUE(watched(rolled, 185).empty()) << "the roll is over and told no more: 120 s of delivery.timeout.ms";
    EXPECT_TRUE(watched(rolled, 230).empty());
}

TEST(Planned, AClientsTroubleThatOutlastsTheRollIsTold) {
    Scene rolled = broker(true, 100);
    writer_fails(rolled, 110, 1'000);
    EXPECT_TRUE(watched(rolled, 300).empty());
    const auto told = watched(rolled, 360);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "kafka.brokers-unreachable");
}

TEST(Planned, ALongRollDoesNotHideAClientForLong) {
    std::map<std::string, BrokerWork> known;
    const Finding work{.id = "planned-work",
                       .subject = Scene::lab("broker", "2"),
                       .since = Scene::at(60),
                       .weight = 1,
                       .summary = "",
                       .fields = {{"kind", "roll"}, {"broker", "2"}, {"explains", "true"}},
                       .evidence = {}};
    const auto hidden = [&](const Finding& finding, int second) {
        const Now now{Instant{Duration{second * 1'000}}, Scene::at(second)};
        remember_broker_work(std::span(&finding, 1), now, known);
        return comes_of_broker_work("kafka.brokers-unreachable", Scene::lab("job", "totals"), Scene::at(100), now,
                                    known);
    };
    EXPECT_TRUE(hidden(work, 600));
    EXPECT_FALSE(hidden(work, 701)) << "ten minutes";
    EXPECT_FALSE(comes_of_broker_work("kafka.disk-full", Scene::lab("job", "totals"), Scene::at(100),
                                      {Instant{}, Scene::at(600)}, known));
    for (const char* kind : {"decommission", "maintenance"}) {
        known.clear();
        Finding other = work;
        other.fields["kind"] = kind;
        EXPECT_FALSE(hidden(other, 200)) << kind;
    }
}

TEST(Planned, WithoutAWordOfHowTheBrokerWentItsClientsTroubleIsTold) {
    Scene none;
    none.constant("kafka_broker_reachable", {{"broker", "2"}}, 1);
    writer_fails(none, 80, 100);
    const auto told = watched(none, 85);
    ASSERT_EQ(told.size(), 1U) << "no roll at all";
    EXPECT_EQ(told[0].cause, "kafka.brokers-unreachable");
    Scene before = broker(true, 100);
    writer_fails(before, 50, 90);
    EXPECT_FALSE(watched(before, 75).empty()) << "it began before the roll";
    Scene worker;
    worker.event(10, Scene::lab("worker", "w1"), "maintenance", "new disks",
                 {{"until_ms", std::to_string(Scene::at(600).unix_ms)}});
    writer_fails(worker, 80, 100);
    EXPECT_FALSE(watched(worker, 85).empty()) << "work on something else";
}

TEST(Planned, ABrokerKilledDuringTheRollIsLostAndSoAreItsClients) {
    Scene rolled = broker(true);
    rolled.series("kafka_broker_reachable", {{"broker", "3"}}, [](int s) { return s < 90 ? 1.0 : 0.0; })
        .series("kafka_broker_up", {{"broker", "3"}}, [](int s) { return s < 99 ? 1.0 : 0.0; })
        .constant("kafka_broker_partitions", {{"broker", "3"}}, 6)
        .series("process_up", {{"node", "broker-3"}, {"role", "broker"}}, [](int s) { return s < 90 ? 1.0 : 0.0; })
        .relation(Scene::lab("broker", "3"), "hosted-by", Scene::lab("node", "broker-3"));
    writer_fails(rolled, 100, 1'000);
    const auto told = watched(rolled, 115);
    const auto of = [&](const char* cause) {
        return std::ranges::any_of(told, [&](const Diagnosis& one) { return one.cause == cause; });
    };
    EXPECT_TRUE(of("kafka.broker-lost"));
    EXPECT_TRUE(of("kafka.brokers-unreachable"));
}

TEST(Planned, MaintenanceExplainsEvenAKill) {
    Scene scene = broker(false);
    scene.event(10, Scene::lab("broker", "2"), "maintenance", "new disks",
                {{"until_ms", std::to_string(Scene::at(600).unix_ms)}});
    EXPECT_TRUE(diagnose(scene, 80, away).empty());
    EXPECT_FALSE(diagnose(scene, 610, away).empty()) << "over its time";
    Scene other = broker(false);
    other.event(10, Scene::lab("broker", "3"), "maintenance", "new disks",
                {{"until_ms", std::to_string(Scene::at(600).unix_ms)}});
    EXPECT_FALSE(diagnose(other, 80, away).empty()) << "of another broker";
}

TEST(Planned, OnlyWorkOnTheWholeClusterExplainsThatNoWorkerAnswers) {
    const std::vector<Symptom> none_answers{symptom("ConnectUnreachable", Scene::lab("cluster", "lab"))};
    const auto left = [&](const char* kind, const char* name) {
        const Finding work{.id = std::string(planned_work_id),
                           .subject = Scene::lab(kind, name),
                           .fields = {{kind, name}, {"explains", "true"}}};
        return set_aside_planned(none_answers, std::vector{work}).symptoms.size();
    };
    EXPECT_EQ(left("cluster", "lab"), 0U);
    EXPECT_EQ(left("worker", "w1"), 1U);
}

TEST(Planned, AJobIsLostThoughItWasDeployedAMomentBeforeItsJobManagerWent) {
    const Finding lost{.id = "job-lost", .subject = Scene::lab("job", "fleet"), .fields = {{"job", "fleet"}}};
    const auto work = [](const char* kind) {
        return Finding{.id = std::string(planned_work_id),
                       .subject = Scene::lab("job", "fleet"),
                       .fields = {{"job", "fleet"}, {"kind", kind}, {"explains", "true"}}};
    };
    EXPECT_EQ(set_aside_planned({}, std::vector{lost, work("deploy")}).findings.size(), 1U);
    EXPECT_EQ(set_aside_planned({}, std::vector{lost, work("stop")}).findings.size(), 0U);
}

}  // namespace
}  // namespace medic
