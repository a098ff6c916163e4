// One agent and many platforms: everything that answers is seen at its interval, and what does not answer delays
// nobody. Judged by counts of looks, never by time.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include <unistd.h>

#include "agent/daemon/agent.h"
#include "agent/world/real/http_client.h"
#include "tests/fleet/fake_fleet.h"

namespace medic::fleet {
namespace {

constexpr auto patience = std::chrono::seconds(120);
constexpr FleetSize small{
    .clusters = 6, .brokers = 3, .topics = 4, .partitions = 3, .groups = 2, .connectors = 3, .flinks = 18};
constexpr Kind kinds[] = {Kind::flink, Kind::connect, Kind::kafka};

struct Running {
    explicit Running(const FakeFleet& fleet, const std::string& more = "") {
        folder =
            std::filesystem::temp_directory_path() / ("fleet_test." + std::to_string(getpid()) + "." +
                                                      testing::UnitTest::GetInstance()->current_test_info()->name());
        auto config = load_config("schema: 1\ndata_dir: " + folder.string() + "\napi: {listen: \"127.0.0.1:0\"}\n" +
                                      "intervals: {flink: 1s, connect: 1s, kafka: 1s}\n" + more + fleet.clusters_yaml(),
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

using Looks = std::map<std::pair<Kind, int>, std::uint64_t>;

Looks looks_of(const FakeFleet& fleet) {
    Looks looks;
    for (const Kind kind : kinds)
        for (int i = 0; i < fleet.count(kind); ++i) looks[{kind, i}] = fleet.looks(kind, i);
    return looks;
}

// Whether each of these has been looked at `more` times since `before`.
bool all_looked_at(const FakeFleet& fleet, const Looks& before, std::uint64_t more,
                   const std::function<bool(Kind, int)>& which) {
    return std::ranges::all_of(before, [&](const auto& one) {
        const auto [kind, index] = one.first;
        return !which(kind, index) || fleet.looks(kind, index) >= one.second + more;
    });
}

TEST(Fleet, every_target_is_seen) {
    const FakeFleet fleet(small, "agent/collectors/testdata");
    const Running running(fleet);
    const auto all = [](Kind, int) { return true; };
    const Looks none = looks_of(fleet);
    EXPECT_TRUE(wait_until([&] { return all_looked_at(fleet, none, 4, all); }));
    EXPECT_TRUE(wait_until([&] { return running.metric("medic_targets_blind") == 0; }));
    EXPECT_EQ(running.metric("medic_targets"), 6 + 6 + 18 + 18);  // Kafka, Connect, Flink, and Flink's logs.
    EXPECT_EQ(running.metric("medic_look_suspects{kind=\"flink\"}"), 0);
    EXPECT_EQ(running.metric("medic_looks_failed_total{kind=\"kafka\"}"), 0);
    EXPECT_GE(running.metric("medic_looks_total{kind=\"flink\"}"), 18);
}

// A third of everything is dead, hangs, stops half-way or is slow. A hanging one holds a look for three seconds and is
// then left alone for a few intervals: if it held up others, they would be looked at no more often than it is.
TEST(Fleet, who_does_not_answer_delays_no_other) {
    const auto manners = [](Kind kind, int index) {
        constexpr Manner troubles[] = {Manner::dead, Manner::hangs, Manner::half, Manner::slow};
        return index % 3 == 2 ? troubles[(index / 3 + static_cast<int>(kind)) % 4] : Manner::answers;
    };
    const auto healthy = [&](Kind kind, int index) { return manners(kind, index) == Manner::answers; };
    const FakeFleet fleet(small, "agent/collectors/testdata", manners);
    const Running running(fleet);
    // At first nobody is a suspect, and those who hang hold their slots once for the length of a time-out.
    ASSERT_TRUE(wait_until([&] { return running.metric("medic_look_suspects{kind=\"flink\"}") >= 3; }));
    const Looks before = looks_of(fleet);
    ASSERT_TRUE(wait_until([&] { return all_looked_at(fleet, before, 12, healthy); }));
    const Looks after = looks_of(fleet);
    std::map<Kind, std::pair<std::uint64_t, std::uint64_t>> range;  // Fewest and most looks at a healthy one.
    for (const auto& [which, looks] : after) {
        if (!healthy(which.first, which.second)) continue;
        auto& [fewest, most] = range.try_emplace(which.first, UINT64_MAX, 0).first->second;
        fewest = std::min(fewest, looks - before.at(which));
        most = std::max(most, looks - before.at(which));
    }
    for (const auto& [kind, fewest_and_most] : range)
        EXPECT_GE(3 * fewest_and_most.first, fewest_and_most.second) << static_cast<int>(kind);
    for (const auto& [which, looks] : after) {
        const Manner manner = manners(which.first, which.second);
        if (manner != Manner::hangs && manner != Manner::half) continue;
        EXPECT_GE(range.at(which.first).first, 2 * (looks - before.at(which)))
            << static_cast<int>(which.first) << " " << which.second;
    }
    EXPECT_GE(running.metric("medic_targets_blind"), 6);
}

}  // namespace
}  // namespace medic::fleet
