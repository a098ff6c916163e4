// One agent and many platforms: everything that answers is seen at its interval, and what does not answer delays
// nobody. Judged by counts of looks, never by time.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <unistd.h>

#include "agent/daemon/agent.h"
#include "agent/world/real/http_client.h"
#include "tests/fleet/fake_fleet.h"

namespace medic::fleet {
namespace {

constexpr auto patience = std::chrono::seconds(120);
constexpr FleetSize small{
    .clusters = 6, .brokers = 3, .topics = 4, .partitions = 3, .groups = 2, .connectors = 3, .flinks = 30};
constexpr Kind kinds[] = {Kind::flink, Kind::connect, Kind::kafka};

struct Running {
    explicit Running(const FakeFleet& fleet, const std::string& more = "") {
        folder =
            std::filesystem::temp_directory_path() / ("fleet_test." + std::to_string(getpid()) + "." +
                                                      testing::UnitTest::GetInstance()->current_test_info()->name());
        auto config =
            load_config("schema: 1\ndata_dir: " + folder.string() + "\napi: {listen: \"127.0.0.1:0\"}\n" +
                            "intervals: {flink: 500ms, connect: 500ms, kafka: 500ms}\n" + more + fleet.clusters_yaml(),
                        "medic.yaml");
        EXPECT_TRUE(config) << config.error().message;
        auto started = Agent::start({.config = *std::move(config), .policy = {}, .rules_directory = {}});
        EXPECT_TRUE(started) << started.error().message;
        agent = *std::move(started);
    }
    ~Running() {
        agent->stop();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    // The value of a series on the agent's own page; -1: it is not there.
    [[nodiscard]] double metric(const std::string& series) const {
        HttpClient client;
        const auto page = client.perform({.url = "http://127.0.0.1:" + std::to_string(agent->port()) + "/metrics"});
        if (!page) return -1;
        const auto at = page->body.find("\n" + series + " ");
        return at == std::string::npos ? -1 : std::atof(page->body.c_str() + at + series.size() + 2);
    }
    std::filesystem::path folder;
    std::unique_ptr<Agent> agent;
};

bool wait_until(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

// Looks of those that answer: fewest and most.
std::pair<std::uint64_t, std::uint64_t> looks_of_healthy(const FakeFleet& fleet, const FakeFleet::Manners& manners) {
    std::pair<std::uint64_t, std::uint64_t> range{UINT64_MAX, 0};
    for (const Kind kind : kinds)
        for (int i = 0; i < fleet.count(kind); ++i) {
            if (manners(kind, i) != Manner::answers) continue;
            range.first = std::min(range.first, fleet.looks(kind, i));
            range.second = std::max(range.second, fleet.looks(kind, i));
        }
    return range;
}

TEST(Fleet, every_target_is_seen) {
    const FakeFleet fleet(small, "agent/collectors/testdata");
    const Running running(fleet);
    const auto all = [](Kind, int) { return Manner::answers; };
    EXPECT_TRUE(wait_until([&] { return looks_of_healthy(fleet, all).first >= 5; }));
    EXPECT_TRUE(wait_until([&] { return running.metric("medic_targets_blind") == 0; }));
    EXPECT_EQ(running.metric("medic_targets"), 42);
    EXPECT_EQ(running.metric("medic_look_suspects{kind=\"flink\"}"), 0);
    EXPECT_EQ(running.metric("medic_looks_failed_total{kind=\"kafka\"}"), 0);
    EXPECT_GE(running.metric("medic_looks_total{kind=\"flink\"}"), 30);
}

// A third of everything is dead, hangs, stops half-way or is slow: all others are looked at as often as ever, and as
// often as each other.
TEST(Fleet, who_does_not_answer_delays_no_other) {
    const auto manners = [](Kind kind, int index) {
        constexpr Manner troubles[] = {Manner::dead, Manner::hangs, Manner::half, Manner::slow};
        return index % 3 == 2 ? troubles[(index / 3 + static_cast<int>(kind)) % 4] : Manner::answers;
    };
    const FakeFleet fleet(small, "agent/collectors/testdata", manners);
    const Running running(fleet);
    // At first nobody is a suspect, and those who hang hold their slots once for the length of a time-out.
    ASSERT_TRUE(wait_until([&] { return running.metric("medic_look_suspects{kind=\"flink\"}") >= 5; }));
    const auto before = looks_of_healthy(fleet, manners);
    ASSERT_TRUE(wait_until([&] { return looks_of_healthy(fleet, manners).first >= before.second + 20; }));
    const auto after = looks_of_healthy(fleet, manners);
    // Whoever was ahead has made the same 20 looks meanwhile, and no more than a few besides.
    EXPECT_LE(after.second - after.first, before.second - before.first + 4);
    for (const Kind kind : kinds)
        for (int i = 0; i < fleet.count(kind); ++i)
            if (manners(kind, i) != Manner::answers) {
                EXPECT_LE(fleet.looks(kind, i), after.second) << static_cast<int>(kind) << " " << i;
            }
    EXPECT_GE(running.metric("medic_targets_blind"), 8);
}

}  // namespace
}  // namespace medic::fleet
