// How a job is cut into vertices, what a snapshot file keeps, and how channels push back.
#include "engine/flow/runtime/job_graph.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "engine/flow/runtime/gate.h"
#include "engine/flow/runtime/snapshot.h"

namespace medic::engine::flow {
namespace {

DataStream<std::int64_t> numbers(Environment& environment) {
    return environment.generator_source<std::int64_t>("numbers", {}, [](int, std::int64_t index) { return index; });
}
std::int64_t same(const std::int64_t& n) { return n; }

TEST(JobGraph, ChainsUpToAKeyByAndNumbersVerticesByUid) {
    Environment environment;
    numbers(environment)
        .map("a", same)
        .filter("b", [](const std::int64_t&) { return true; })
        .key_by(same)
        .process<int, int>("c", [](const std::int64_t&, int&, const std::int64_t&, Collector<int>&) {})
        .sink("d", [](const int&) {});
    const auto graph = build_graph(environment, {.parallelism = 3});
    ASSERT_TRUE(graph);
    ASSERT_EQ(graph->vertices.size(), 2U);
    EXPECT_EQ(graph->vertices[0].name, "Source: numbers -> a -> b");
    EXPECT_EQ(graph->vertices[1].name, "c -> Sink: d");
    EXPECT_EQ(graph->vertices[1].id, hash_id("c"));
    EXPECT_EQ(graph->edges[0].shipping, Shipping::hash);
    EXPECT_EQ(graph->slots(), 3);
    EXPECT_EQ(graph->subtasks(), 6);
    const auto copy = graph_from_json(to_json(*graph));
    ASSERT_TRUE(copy);
    EXPECT_EQ(to_json(*copy), to_json(*graph));
}

TEST(JobGraph, AnotherParallelismBreaksTheChain) {
    Environment environment;
    numbers(environment).parallelism(1).map("a", same);
    const auto graph = build_graph(environment, {.parallelism = 2});
    ASSERT_TRUE(graph);
    ASSERT_EQ(graph->vertices.size(), 2U);
    EXPECT_EQ(graph->edges[0].shipping, Shipping::rebalance);
}

TEST(JobGraph, AParallelismOfAVertexsOwnIsSetAfterChaining) {
    Environment environment;
    numbers(environment)
        .map("a", same)
        .key_by(same)
        .process<int, int>("c", [](const std::int64_t&, int&, const std::int64_t&, Collector<int>&) {});
    const auto built = [&](const std::string& overrides) {
        return build_graph(environment,
                           {.parallelism = 2, .settings = {{std::string(parallelism_overrides), overrides}}});
    };
    const auto graph = built(hash_id("c") + ":5," + hash_id("numbers") + ":3");
    ASSERT_TRUE(graph);
    ASSERT_EQ(graph->vertices.size(), 2U);
    EXPECT_EQ(graph->vertices[0].parallelism, 3);
    EXPECT_EQ(graph->vertices[1].parallelism, 5);
    EXPECT_EQ(graph->slots(), 5);
    EXPECT_FALSE(built("0123:2")) << "no such vertex";
    EXPECT_FALSE(built(hash_id("c") + ":0"));
    EXPECT_FALSE(built(hash_id("c") + ":129")) << "more than the maximum parallelism";
    EXPECT_FALSE(built("c"));
}

TEST(JobGraph, SettingsOfTheStartWinOverThoseOfTheJob) {
    Environment environment;
    environment.set("execution.checkpointing.interval", "10 s");
    environment.parallelism(4);
    numbers(environment);
    const auto graph =
        build_graph(environment, {.parallelism = 2, .settings = {{"execution.checkpointing.interval", "1 s"}}});
    ASSERT_TRUE(graph);
    EXPECT_EQ(graph->settings.at("execution.checkpointing.interval"), "1 s");
    EXPECT_EQ(graph->slots(), 2);
}

TEST(JobGraph, RefusesWhatCannotRun) {
    Environment twice;
    numbers(twice).map("a", same).map("a", same);
    EXPECT_EQ(build_graph(twice, {}).error().code, ErrorCode::invalid);
    Environment empty;
    EXPECT_EQ(build_graph(empty, {}).error().code, ErrorCode::invalid);
    Environment wide;
    numbers(wide);
    EXPECT_EQ(build_graph(wide, {.parallelism = 129}).error().code, ErrorCode::invalid);
    struct Bare {};
    Environment bare;
    numbers(bare)
        .map("to-bare", [](const std::int64_t&) { return Bare{}; })
        .rebalance()
        .map("from-bare", [](const Bare&) { return 1; });
    const auto refused = build_graph(bare, {});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("Serializer"), std::string::npos);
}

TEST(Durations, AreReadAsFlinkWritesThem) {
    EXPECT_EQ(parse_duration_ms("2000").value_or(-1), 2'000);
    EXPECT_EQ(parse_duration_ms("10 s").value_or(-1), 10'000);
    EXPECT_EQ(parse_duration_ms("5min").value_or(-1), 300'000);
    EXPECT_FALSE(parse_duration_ms("soon"));
    EXPECT_FALSE(parse_duration_ms("-1 s"));
}

class SnapshotTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = std::filesystem::temp_directory_path().string() + "/medic-snapshot-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        SnapshotWriter writer;
        const auto a = writer.of_operator("a"), b = writer.of_operator("b");
        a->keyed(3, "three");
        a->keyed(90, "ninety");
        a->list("item");
        b->list("other");
        bytes_ = std::move(writer).finish();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string folder_, bytes_;
};

TEST_F(SnapshotTest, GivesEachOperatorItsOwnAndOnlyTheWantedGroups) {
    ASSERT_TRUE(write_durably(folder_ + "/s", bytes_));
    const auto states = read_snapshots({folder_ + "/s"}, {0, 63});
    ASSERT_TRUE(states) << states.error().message;
    std::vector<std::string> seen;
    states->at("a").each_keyed(
        [&](int group, std::string_view value) { seen.push_back(std::to_string(group) + std::string(value)); });
    states->at("a").each_list([&](std::string_view item) { seen.emplace_back(item); });
    EXPECT_EQ(seen, (std::vector<std::string>{"3three", "item"}));
    EXPECT_TRUE(states->contains("b"));
}

TEST_F(SnapshotTest, RefusesATornOrChangedFile) {
    for (std::size_t kept = 0; kept < bytes_.size(); kept += 7) {
        ASSERT_TRUE(write_durably(folder_ + "/s", bytes_.substr(0, kept)));
        EXPECT_FALSE(read_snapshots({folder_ + "/s"}, {0, 127})) << kept << " bytes";
    }
    std::string changed = bytes_;
    changed[12] = static_cast<char>(changed[12] ^ 1);
    ASSERT_TRUE(write_durably(folder_ + "/s", changed));
    EXPECT_EQ(read_snapshots({folder_ + "/s"}, {0, 127}).error().code, ErrorCode::invalid);
    EXPECT_EQ(read_snapshots({folder_ + "/absent"}, {0, 127}).error().code, ErrorCode::unavailable);
}

TEST(InputGate, ABlockedChannelIsNotReadUntilUnblocked) {
    InputGate gate(2, 4);
    const std::atomic<bool> cancelled = false;
    WaitClock wait;
    std::string a = "a", b = "b", frame;
    ASSERT_TRUE(gate.offer(0, a, cancelled, wait));
    ASSERT_TRUE(gate.offer(1, b, cancelled, wait));
    gate.block(0);
    int channel = -1;
    Mail mail;
    ASSERT_EQ(gate.next({}, channel, frame, mail, wait), InputGate::Woken::frame);
    EXPECT_EQ(frame, "b");
    EXPECT_EQ(gate.next(std::chrono::steady_clock::now(), channel, frame, mail, wait), InputGate::Woken::deadline);
    gate.unblock_all();
    ASSERT_EQ(gate.next({}, channel, frame, mail, wait), InputGate::Woken::frame);
    EXPECT_EQ(frame, "a");
}

TEST(InputGate, AFullChannelMakesItsProducerWaitAndMeasuresIt) {
    InputGate gate(1, 1);
    std::atomic<bool> cancelled = false;
    WaitClock wait, idle;
    std::string first = "1", second = "2", frame;
    ASSERT_TRUE(gate.offer(0, first, cancelled, wait));
    std::atomic<bool> done = false;
    std::thread producer([&] {
        EXPECT_TRUE(gate.offer(0, second, cancelled, wait));
        done = true;
    });
    while (wait.total_ns() == 0) std::this_thread::yield();
    EXPECT_FALSE(done);
    int channel = -1;
    Mail mail;
    ASSERT_EQ(gate.next({}, channel, frame, mail, idle), InputGate::Woken::frame);
    producer.join();
    EXPECT_GT(wait.total_ns(), 0);
}

TEST(InputGate, CancellationFreesAWaitingProducer) {
    InputGate gate(1, 1);
    std::atomic<bool> cancelled = false;
    WaitClock wait;
    std::string first = "1", second = "2";
    ASSERT_TRUE(gate.offer(0, first, cancelled, wait));
    std::thread producer([&] { EXPECT_FALSE(gate.offer(0, second, cancelled, wait)); });
    while (wait.total_ns() == 0) std::this_thread::yield();
    cancelled = true;
    producer.join();
}

TEST(InputGate, ARemoteSenderBeyondItsCreditsIsCaught) {
    InputGate gate(1, 1);
    EXPECT_TRUE(gate.deliver(0, "1"));
    EXPECT_FALSE(gate.deliver(0, "2"));
}

}  // namespace
}  // namespace medic::engine::flow
