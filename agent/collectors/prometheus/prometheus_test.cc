#include <gtest/gtest.h>
#include <libdeflate.h>

#include "agent/collectors/prometheus/page_target.h"
#include "agent/collectors/prometheus/server.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

std::string gunzip(const std::string& packed) {
    std::string out(32 << 20, '\0');
    libdeflate_decompressor* decompressor = libdeflate_alloc_decompressor();
    std::size_t size = 0;
    const auto result =
        libdeflate_gzip_decompress(decompressor, packed.data(), packed.size(), out.data(), out.size(), &size);
    libdeflate_free_decompressor(decompressor);
    EXPECT_EQ(result, LIBDEFLATE_SUCCESS);
    out.resize(size);
    return out;
}

struct Page {
    SeriesStore store;
    PageTarget target;
    ScrapeBatch batch;
    explicit Page(PageOwner owner) : target("c/page", std::move(owner)) {}
    void read(std::string body, WallTime at = {1000}) {
        batch = target.read(HttpAnswer{200, "text/plain; version=0.0.4", std::move(body)}, store, at);
    }
    [[nodiscard]] std::optional<double> value(const std::string& series) const {
        for (const auto& [id, sample] : batch.samples)
            if (store.labels(id).to_string() == series) return sample;
        return std::nullopt;
    }
};

PageOwner broker_page() {
    return {
        .cluster = "c", .node = "b1", .role = "broker", .broker = "1", .worker = "", .taskmanager = "", .watched = {}};
}

TEST(CanonicalNames, BuiltInFilesAreUnderstood) {
    EXPECT_GT(CanonicalNames::built_in().series().size(), 60u);
    EXPECT_NE(CanonicalNames::built_in().find("kafka_log_dir_usable_bytes"), nullptr);
}

TEST(CanonicalNames, RefusesWhatItDoesNotUnderstand) {
    const EmbeddedFile file{"x.yaml", "- {name: a, unit: b, labels: [c], meaning: d, from: [{pages: x}]}\n"};
    const auto loaded = CanonicalNames::load({&file, 1});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("x.yaml:1:"), std::string::npos);
    EXPECT_NE(loaded.error().message.find("page"), std::string::npos);
}

TEST(Pages, UsualRuleSetOfRealBrokersIsUnderstood) {
    for (const std::string folder : {"kafka-3.9.1-flink-1.20.1", "kafka-4.1.0-flink-2.0.0"}) {
        Page page(broker_page());
        page.read(gunzip(recorded::file(folder + "/kafka-broker1.prom.gz")));
        EXPECT_EQ(page.batch.outcome, ScrapeOutcome::complete) << page.batch.error;
        EXPECT_GT(page.value(R"(kafka_broker_bytes_in_total{broker="1",cluster="c"})").value_or(0), 1000);
        EXPECT_GT(page.value(R"(kafka_topic_bytes_in_total{broker="1",cluster="c",topic="orders"})").value_or(0), 1000);
        EXPECT_GT(page.value(R"(kafka_broker_partitions{broker="1",cluster="c"})").value_or(0), 5);
        EXPECT_GT(page.value(R"(kafka_broker_replication_bytes_in_total{broker="1",cluster="c"})").value_or(0), 1000);
        EXPECT_NEAR(page.value(R"(kafka_broker_produce_seconds{broker="1",cluster="c"})").value_or(0), 0.05, 0.04);
        EXPECT_EQ(page.value(R"(kafka_broker_offline_log_dirs{broker="1",cluster="c"})"), 0);
        EXPECT_GT(page.value(R"(process_resident_memory_bytes{cluster="c",node="b1",role="broker"})").value_or(0), 1e8);
    }
}

TEST(Pages, ConnectTotalsOfSourcesAndSinksAreOneSeries) {
    PageOwner owner = broker_page();
    owner.role = "connect-worker";
    owner.worker = "127.0.0.1:28083";
    Page page(owner);
    page.read(recorded::file("kafka-4.1.0-flink-2.0.0/connect-worker.prom"));
    EXPECT_EQ(
        page.value(
            R"(connect_task_records_total{cluster="c",connector="tick-source",task="0",worker="127.0.0.1:28083"})"),
        550);
    EXPECT_EQ(page.value(
                  R"(connect_task_polls_total{cluster="c",connector="tick-source",task="0",worker="127.0.0.1:28083"})"),
              551);
    EXPECT_EQ(
        page.value(
            R"(connect_task_records_active{cluster="c",connector="json-sink",task="0",worker="127.0.0.1:28083"})"),
        3);
    EXPECT_EQ(page.value(
                  R"(connect_task_records_total{cluster="c",connector="json-sink",task="0",worker="127.0.0.1:28083"})"),
              1121);
}

TEST(Pages, CatchAllRuleSetIsUnderstoodAndConnectionsAddUp) {
    Page page(broker_page());
    page.read(
        "kafka_server_BrokerTopicMetrics_Count{name=\"BytesInPerSec\"} 7\n"
        "kafka_server_BrokerTopicMetrics_Count{name=\"BytesInPerSec\",topic=\"t\"} 5\n"
        "kafka_server_BrokerTopicMetrics_Count{name=\"BytesOutPerSec\"} 9\n"
        "kafka_server_BrokerTopicMetrics_Count{name=\"ReplicationBytesInPerSec\"} 8\n"
        "kafka_network_RequestMetrics_99thPercentile{name=\"LocalTimeMs\",request=\"Produce\"} 250\n"
        "kafka_network_RequestMetrics_99thPercentile{name=\"LocalTimeMs\",request=\"Fetch\"} 900\n"
        "kafka_network_RequestMetrics_99thPercentile{name=\"TotalTimeMs\",request=\"Produce\"} 500\n"
        "kafka_log_LogFlushStats_999thPercentile{name=\"LogFlushRateAndTimeMs\"} 44\n"
        "kafka_server_socket_server_metrics_connection_count{listener=\"A\",networkProcessor=\"0\"} 2\n"
        "kafka_server_socket_server_metrics_connection_count{listener=\"A\",networkProcessor=\"1\"} 3\n");
    EXPECT_EQ(page.value(R"(kafka_broker_bytes_in_total{broker="1",cluster="c"})"), 7);
    EXPECT_EQ(page.value(R"(kafka_topic_bytes_in_total{broker="1",cluster="c",topic="t"})"), 5);
    EXPECT_EQ(page.value(R"(kafka_broker_replication_bytes_in_total{broker="1",cluster="c"})"), 8);
    EXPECT_EQ(page.value(R"(kafka_broker_produce_local_seconds{broker="1",cluster="c"})"), 0.25);
    EXPECT_EQ(page.value(R"(kafka_broker_produce_seconds{broker="1",cluster="c"})"), 0.5);
    EXPECT_DOUBLE_EQ(page.value(R"(kafka_broker_log_flush_seconds{broker="1",cluster="c"})").value_or(0), 0.044);
    EXPECT_EQ(page.value(R"(kafka_broker_bytes_out_total{broker="1",cluster="c"})"), 9);
    EXPECT_EQ(page.value(R"(kafka_broker_connections{broker="1",cluster="c"})"), 5);
}

TEST(Pages, WhatIsWatchedItselfIsNotReadFromPages) {
    PageOwner owner = broker_page();
    owner.watched = {"kafka", "process"};
    Page page(owner);
    page.read(
        "kafka_server_replicamanager_partitioncount 5\nprocess_open_fds "
        "7\nkafka_log_logmanager_offlinelogdirectorycount 0\n");
    ASSERT_EQ(page.batch.samples.size(), 1u);
    EXPECT_EQ(page.value(R"(kafka_broker_offline_log_dirs{broker="1",cluster="c"})"), 0);
}

TEST(Pages, AnUnknownBrokerMakesThePagePartialUntilItIsKnown) {
    PageOwner owner = broker_page();
    owner.broker.clear();
    Page page(owner);
    const std::string body = "kafka_log_logmanager_offlinelogdirectorycount 0\n";
    page.read(body);
    EXPECT_EQ(page.batch.outcome, ScrapeOutcome::partial);
    EXPECT_TRUE(page.batch.samples.empty());
    page.target.set_owner(broker_page());
    page.read(body, {2000});
    EXPECT_EQ(page.batch.outcome, ScrapeOutcome::complete);
    EXPECT_EQ(page.batch.samples.size(), 1u);
}

TEST(Pages, SilenceAndHtmlAreNotHealth) {
    Page page(broker_page());
    page.batch = page.target.read(fail(ErrorCode::unavailable, "refused"), page.store, {1000});
    EXPECT_EQ(page.batch.outcome, ScrapeOutcome::failed);
    page.read("<html><body>login</body></html>\n");
    EXPECT_NE(page.batch.outcome, ScrapeOutcome::complete);
    EXPECT_TRUE(page.batch.samples.empty());
}

// A fake server: answers queries that ask for a name with the series of that name.
struct FakePrometheus {
    std::vector<std::pair<std::string, std::string>> series;  // Labels as JSON with __name__, value
    std::string age = "7", warnings;
    std::vector<std::string> asked;

    Result<HttpAnswer> operator()(const std::string& url) {
        asked.push_back(url);
        std::string found;
        if (url.find("timestamp%28") != std::string::npos) {
            found = R"({"metric":{},"value":[1,")" + age + R"("]})";
        } else {
            for (const auto& [metric, value] : series) {
                const auto from = metric.find(R"("__name__":")") + 12;
                const std::string name = metric.substr(from, metric.find('"', from) - from);
                if (!names(url, name)) continue;
                found +=
                    (found.empty() ? "" : ",") + (R"({"metric":)" + metric + R"(,"value":[1,")" + value + R"("]})");
            }
        }
        return recorded::ok(R"({"status":"success",)" + warnings + R"("data":{"resultType":"vector","result":[)" +
                            found + "]}}");
    }
    static bool names(const std::string& url, const std::string& name) {
        for (auto at = url.find(name); at != std::string::npos; at = url.find(name, at + 1)) {
            const std::string_view before = std::string_view(url).substr(at - 3, 3);
            const std::string_view after = std::string_view(url).substr(at + name.size(), 3);
            if ((before == "%22" || before == "%7C") && (after == "%22" || after == "%7C")) return true;
        }
        return false;
    }
};

PrometheusCollectorOptions at_server(std::string match = "{}") {
    return {.cluster = "c", .url = "http://p", .match = std::move(match), .target = "c/prometheus", .watched = {}};
}

FakePrometheus healthy() {
    return {
        .series = {
            {R"({"__name__":"kafka_server_brokertopicmetrics_bytesin_total","broker":"1","topic":"t"})", "7"},
            {R"({"__name__":"kafka_server_BrokerTopicMetrics_Count","name":"BytesOutPerSec","node_id":"2"})", "9"},
            {R"({"__name__":"kafka_server_socket_server_metrics_connection_count","broker":"1","listener":"A"})", "2"},
            {R"({"__name__":"kafka_server_socket_server_metrics_connection_count","broker":"1","listener":"B"})", "3"},
            {R"({"__name__":"kafka_server_replicamanager_partitioncount","pod":"main-kafka-0"})", "11"},
            {R"({"__name__":"kafka_server_replicamanager_leadercount","kubernetes_pod_name":"main-pool-b-12"})", "4"},
            {R"({"__name__":"flink_jobmanager_job_numRestarts","job_name":"j"})", "NaN"},
            {R"({"__name__":"flink_jobmanager_job_lastCheckpointDuration","job_name":"j"})", "1500"},
            {R"({"__name__":"up","instance":"h:1"})", "1"},
        }};
}

TEST(PrometheusServer, BoundedQueriesGiveCanonicalSeries) {
    PrometheusCollector collector(at_server("{env=\"x\"}"));
    FakePrometheus fake = healthy();
    const auto seen = recorded::look(collector, {1000}, std::ref(fake));
    EXPECT_GT(fake.asked.size(), 3U);
    for (const auto& url : fake.asked) {
        EXPECT_LT(url.size(), 4'000U);
        EXPECT_NE(url.find("env%3D%22x%22"), std::string::npos) << url;
    }
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(recorded::value(seen, R"(kafka_topic_bytes_in_total{broker="1",cluster="c",topic="t"})"), 7);
    EXPECT_EQ(recorded::value(seen, R"(kafka_broker_bytes_out_total{broker="2",cluster="c"})"), 9);
    EXPECT_EQ(recorded::value(seen, R"(kafka_broker_connections{broker="1",cluster="c"})"), 5);
    EXPECT_EQ(recorded::value(seen, R"(kafka_broker_partitions{broker="0",cluster="c"})"), 11);
    EXPECT_EQ(recorded::value(seen, R"(kafka_broker_leaders{broker="12",cluster="c"})"), 4);
    EXPECT_EQ(recorded::value(seen, R"(flink_checkpoint_last_duration_seconds{cluster="c",job="j"})"), 1.5);
    EXPECT_EQ(seen.samples.size(), 6U);  // NaN is no value.
}

TEST(PrometheusServer, SaysWhatItDoesNotSee) {
    PrometheusCollector collector(at_server());
    FakePrometheus fake = healthy();
    fake.warnings = R"("warnings":["store gateway 2 did not answer"],)";
    fake.series.push_back({R"({"__name__":"up","instance":"h:2","job":"kafka"})", "0"});
    fake.series.push_back({R"({"__name__":"kafka_log_logmanager_offlinelogdirectorycount"})", "0"});
    const auto seen = recorded::look(collector, {1000}, std::ref(fake));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(seen.samples.size(), 6U);
    for (const std::string_view part :
         {"store gateway 2 did not answer", "cannot scrape 1 of 2 targets: h:2 (job kafka)", "label `broker`"})
        EXPECT_NE(seen.error.find(part), std::string::npos) << seen.error;
}

TEST(PrometheusServer, OldSamplesAreNotNow) {
    PrometheusCollector collector(at_server());
    FakePrometheus fake = healthy();
    fake.age = "240";
    const auto seen = recorded::look(collector, {1000}, std::ref(fake));
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_TRUE(seen.samples.empty());
    EXPECT_NE(seen.error.find("240 s old"), std::string::npos) << seen.error;
}

TEST(PrometheusServer, ARefusalEndsTheLookWithItsReason) {
    PrometheusCollector collector(at_server());
    for (const auto& [status, body, reason] :
         {std::tuple{401, "", "credentials"},
          {404, "<html>", "without /api/v1"},
          {422, R"({"status":"error","error":"too many samples"})", "too many samples"},
          {503, "busy", "HTTP status 503"}}) {
        std::size_t asked = 0;
        const auto seen = recorded::look(
            collector, {1000},
            [&](const std::string&) -> Result<HttpAnswer> { return HttpAnswer{status, "text/plain", body}; }, &asked);
        EXPECT_EQ(asked, 1U);
        EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
        EXPECT_NE(seen.error.find(reason), std::string::npos) << seen.error;
    }
}

TEST(PrometheusServer, AFailedConnectionIsToldWithoutTheQuery) {
    PrometheusCollector collector(at_server());
    const auto seen = recorded::look(collector, {1000}, [](const std::string& url) -> Result<HttpAnswer> {
        return fail(ErrorCode::unavailable, "{}: connection refused", url);
    });
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_EQ(seen.error, "http://p/api/v1/query: connection refused");
}

TEST(PrometheusServer, AnErrorOrNothingIsNotHealth) {
    PrometheusCollector collector(at_server());
    const auto play = [&](const std::string& body) {
        return recorded::look(collector, {1000}, [&](const std::string&) { return recorded::ok(body); }).outcome;
    };
    EXPECT_EQ(play("<html>"), ScrapeOutcome::failed);
    EXPECT_EQ(play(R"({"status":"error","error":"parse error"})"), ScrapeOutcome::failed);
    EXPECT_EQ(play(R"({"status":"success","data":{"resultType":"vector","result":[]}})"), ScrapeOutcome::partial);
    EXPECT_EQ(with_matcher("{}", "a=\"b\""), "{a=\"b\"}");
    EXPECT_EQ(with_matcher("{ x=\"y\"}", "a=\"b\""), "{a=\"b\",x=\"y\"}");
}

}  // namespace
}  // namespace medic
