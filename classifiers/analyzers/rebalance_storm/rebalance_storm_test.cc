#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int from = 100, apart = 10, times = 8, seen_at = from + apart * times + 5;

struct Storm {
    bool counted = true, others_start_anew = true;
    int worker_away_at = 10'000, isolated_at = 10'000;
    std::string version = "3.9.0";
};

// A worker that rebalances every ten seconds from second 100 on; the sink's task begins anew with each rebalance.
Scene scene(const Storm& what = {}) {
    const auto rebalances = [](int s) { return s < from ? 1 : 1 + std::min(times, (s - from) / apart + 1); };
    Scene made;
    if (what.counted)
        made.series("connect_worker_rebalances_total", {{"worker", "w-1"}},
                    [=](int s) { return static_cast<double>(rebalances(s)); });
    made.series("connect_worker_reachable", {{"worker", "w-1"}},
                [=](int s) { return s >= what.worker_away_at && s < what.worker_away_at + 3 ? 0.0 : 1.0; })
        .series("connect_connector_state", {{"connector", "flapping"}, {"state", "STOPPED"}},
                [=](int s) { return s >= what.isolated_at ? std::optional(1.0) : std::nullopt; })
        .series("connect_task_records_total", {{"connector", "sink"}, {"task", "0"}},
                [=](int s) { return what.others_start_anew && s >= from ? 5.0 * ((s - from) % apart) : 5.0 * s; })
        .attribute(Scene::lab("worker", "w-1"), "version", what.version);
    return made;
}

void changes(Scene& made, const std::string& connector, int count = times, int first = from) {
    for (int i = 0; i < count; ++i)
        made.event(first + apart * i, Scene::lab("connector", connector), "config-change", "settings changed: rate");
}

TEST(RebalanceStorm, TheConnectorWhoseChangesComeWithTheRebalances) {
    Scene made = scene();
    changes(made, "flapping");
    const auto found = made.findings("rebalance-storm", seen_at);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("connector", "flapping"));
    EXPECT_EQ(found[0].fields.at("others"), "sink");
    EXPECT_EQ(found[0].fields.at("can_be_stopped"), "true");
    EXPECT_EQ(found[0].fields.at("rebalances"), "8");
}

TEST(RebalanceStorm, OneWhoseTaskFailsAndIsStartedAgainEachTime) {
    Scene made = scene();
    for (int i = 0; i < times; ++i)
        made.event(from + apart * i, Scene::lab("connector-task", "flapping/0"), "state-change", "",
                   {{"from", "RUNNING"}, {"to", "FAILED"}});
    EXPECT_EQ(made.findings("rebalance-storm", seen_at).size(), 1U);
}

TEST(RebalanceStorm, ADeploymentOfSomeConnectorsIsNone) {
    Scene made = scene();
    changes(made, "flapping");
    EXPECT_TRUE(made.findings("rebalance-storm", from + apart * 4).empty()) << "a handful";
    changes(made, "another");
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at).empty()) << "nobody alone";
}

TEST(RebalanceStorm, AWorkerThatComesAndGoesExplainsIt) {
    Scene made = scene({.worker_away_at = from + 30});
    changes(made, "flapping");
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at).empty());
}

TEST(RebalanceStorm, ChangesThatDoNotComeWithTheRebalancesProveNothing) {
    Scene made = scene();
    changes(made, "flapping", 3);
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at).empty());
}

// As cooperative workers do it: only its own tasks begin anew.
TEST(RebalanceStorm, NobodyElseStandsIsNoHarm) {
    Scene made = scene({.others_start_anew = false});
    changes(made, "flapping");
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at).empty());
}

TEST(RebalanceStorm, NeverASecondOneAfterOneWasIsolated) {
    Scene made = scene({.isolated_at = from + 20});
    changes(made, "next");
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at).empty());
}

TEST(RebalanceStorm, IsOverOnceTheRebalancesEnd) {
    Scene made = scene();
    changes(made, "flapping");
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at + 130).empty());
}

TEST(RebalanceStorm, AnOldWorkerOrAnUnknownOneIsTold) {
    Scene old = scene({.version = "3.4.1"});
    changes(old, "flapping");
    EXPECT_EQ(old.findings("rebalance-storm", seen_at).at(0).fields.at("can_be_stopped"), "false");
    Scene unknown = scene({.version = "unknown"});
    changes(unknown, "flapping");
    EXPECT_FALSE(unknown.findings("rebalance-storm", seen_at).at(0).fields.contains("can_be_stopped"));
}

TEST(RebalanceStorm, NothingWithoutTheCountOfRebalances) {
    Scene made = scene({.counted = false});
    changes(made, "flapping");
    EXPECT_TRUE(made.findings("rebalance-storm", seen_at).empty());
}

}  // namespace
}  // namespace medic::analyzers
