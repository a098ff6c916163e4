// Health is only told where everything that was asked has told all of it.
#include "agent/daemon/diagnose_once.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

using Verdict = DiagnoseResult::Verdict;

constexpr WallTime now{100'000};

Config config_of(const std::string& clusters) {
    return load_config("schema: 1\ndata_dir: d\nclusters:\n" + clusters, "medic.yaml").value();
}

const char* with_prometheus =
    "  c: {flink: [{url: 'http://f'}], kafka: {bootstrap: ['k:9092']}, prometheus: {url: 'http://p', match: '{}'}}\n";

struct Seen {
    Config config;
    Knowledge knowledge{config};

    explicit Seen(const std::string& clusters = with_prometheus) : config(config_of(clusters)) {
        for (const ClusterConfig& cluster : config.clusters)
            for (const char* part : {"/flink/f", "/kafka", "/prometheus"}) {
                knowledge.expect(cluster.name + part, cluster.name, Duration{1'000});
                answers(cluster.name + part);
            }
    }
    void answers(const std::string& target, const std::string& lacks = "") {
        Observation seen;
        seen.target = target;
        seen.at = now;
        if (!lacks.empty()) seen.lacks(lacks);
        knowledge.apply(std::move(seen));
    }
    void fails(const std::string& target, const std::string& why) {
        Observation seen;
        seen.target = target;
        seen.at = now;
        seen.outcome = ScrapeOutcome::failed;
        seen.error = why;
        knowledge.apply(std::move(seen));
    }
    [[nodiscard]] DiagnoseResult result() const {
        DiagnoseResult result;
        note_sight(result, config, knowledge, now);
        result.verdict = verdict_of(result);
        return result;
    }
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(DiagnoseOnce, WhatIsWhollySeenAndHasNothingWrongIsHealthy) {
    const DiagnoseResult result = Seen().result();
    EXPECT_TRUE(result.blind.empty());
    EXPECT_EQ(result.verdict, Verdict::healthy);
}

TEST(DiagnoseOnce, APrometheusWithTargetsDownCannotTellAndNamesThem) {
    Seen seen;
    seen.answers("c/prometheus", "Prometheus cannot scrape 1 of 3 targets: kafka-2:7071 (job kafka)");
    const DiagnoseResult result = seen.result();
    EXPECT_EQ(result.verdict, Verdict::cannot_tell);
    ASSERT_EQ(result.blind.size(), 1u);
    EXPECT_EQ(result.blind[0].target, "c/prometheus");
    EXPECT_TRUE(says(result.blind[0].why, "kafka-2:7071"));
}

TEST(DiagnoseOnce, APrometheusWithoutSeriesOfAClusterCannotTellOfIt) {
    Seen seen(std::string(with_prometheus) +
              "  d: {flink: [{url: 'http://f'}], kafka: {bootstrap: ['k:9092']}, prometheus: {url: 'http://p', match: "
              "'{cluster=\"d\"}'}}\n");
    EXPECT_EQ(seen.result().verdict, Verdict::healthy);
    seen.answers("d/prometheus", "no series of the cluster; does `match` select any?");
    const DiagnoseResult result = seen.result();
    EXPECT_EQ(result.verdict, Verdict::cannot_tell);
    ASSERT_EQ(result.blind.size(), 1u);
    EXPECT_EQ(result.blind[0].target, "d/prometheus");
}

TEST(DiagnoseOnce, APrometheusThatWasNotHeardIsToldOnce) {
    Seen seen;
    seen.fails("c/prometheus", "connection refused");
    const DiagnoseResult result = seen.result();
    EXPECT_EQ(result.verdict, Verdict::cannot_tell);
    EXPECT_EQ(result.blind.size(), 1u);
}

TEST(DiagnoseOnce, APartialAnswerOfAnotherSourceIsNoBlindness) {
    Seen seen;
    seen.answers("c/kafka", "DescribeLogDirs: not authorized");
    EXPECT_EQ(seen.result().verdict, Verdict::healthy);
}

TEST(DiagnoseOnce, AKafkaThatDoesNotAnswerIsListedWithWhatItHides) {
    Seen seen;
    seen.fails("c/kafka", "cannot connect");
    const DiagnoseResult result = seen.result();
    EXPECT_EQ(result.verdict, Verdict::cannot_tell);
    ASSERT_EQ(result.blind.size(), 1u);
    EXPECT_TRUE(says(result.blind[0].why, "cannot connect; meanwhile lag, full disks and lost brokers"));
}

TEST(DiagnoseOnce, WithoutKafkaItIsSaidWhatIsNotWatchedAndTheLineThatMendsIt) {
    const auto dark = [](const std::string& clusters) {
        std::string all;
        for (const std::string& line : unobserved(config_of(clusters))) all += line + "\n";
        return all;
    };
    EXPECT_FALSE(says(dark(with_prometheus), "Kafka is not watched"));
    for (const char* without : {"  c: {flink: [{url: 'http://f'}]}\n", "  c: {connect: {urls: ['http://w']}}\n"}) {
        EXPECT_TRUE(says(dark(without), "c: Kafka is not watched")) << without;
        EXPECT_TRUE(says(dark(without), "add kafka: {bootstrap: [")) << without;
    }
}

// The diagnosis is about a task; a rule protects its connector.
TEST(DiagnoseOnce, WhatWouldHappenByItselfHeedsRulesOfWhatWouldBeChanged) {
    const Seen seen;
    DiagnosisReport report;
    Diagnosis& failed = report.diagnoses.emplace_back();
    failed.cause = "connect.task-failed";
    failed.subject = {"c", "connector-task", "orders/0"};
    failed.remedies = {"connect.restart-task"};
    failed.facts = {{"connector", "orders"}, {"task", "0"}};
    DiagnoseResult result = result_of(report, {}, seen.config, seen.knowledge, now);
    const auto said = [&](const std::string& object) {
        say_by_itself(result, load_policy("policy:\n  - {object: \"" + object +
                                              "\", mode: observe}\n  - {remedy: connect.restart-task, mode: auto}\n",
                                          "policy.yaml")
                                  .value());
        return result.by_itself.at(0);
    };
    EXPECT_TRUE(says(said("connector:orders"), "only proposed")) << said("connector:orders");
    EXPECT_TRUE(says(said("connector:audit"), "would have done it")) << said("connector:audit");
}

}  // namespace
}  // namespace medic
