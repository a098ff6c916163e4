#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

constexpr int fault = 100;

struct Place {
    double busy = 0.5, rate = 500, cpu = 0.5;  // Of each subtask; cores of the process.
};

// A job of two subtasks on each of three task managers, of which tm-2 becomes as `after` says.
Scene scene(const Place& after, int subtasks_each = 2, bool processes_known = true, bool rates_known = true) {
    Scene made;
    made.constant("flink_job_state", {{"job", "totals"}, {"state", "RUNNING"}}, 1);
    const auto grows = [](double before, double later) {
        return [=](int s) { return before * std::min(s, fault) + later * std::max(0, s - fault); };
    };
    for (int tm = 1; tm <= 3; ++tm) {
        const std::string name = "tm-" + std::to_string(tm);
        const Place then = tm == 2 ? after : Place{};
        made.attribute(Scene::lab("taskmanager", name), "node", name);
        if (processes_known)
            made.series("process_cpu_seconds_total", {{"node", name}, {"role", "taskmanager"}},
                        grows(Place{}.cpu, then.cpu));
        for (int i = 0; i < subtasks_each; ++i) {
            std::vector<LabelPair> which{
                {"job", "totals"}, {"vertex", "map"}, {"subtask", std::to_string(tm * 10 + i)}};
            made.series("flink_subtask_busy_ratio", which, [=](int s) { return s < fault ? Place{}.busy : then.busy; });
            which.emplace_back("taskmanager", name);
            if (rates_known) made.series("flink_subtask_records_in_total", which, grows(Place{}.rate, then.rate));
        }
    }
    return made;
}
constexpr Place throttled{.busy = 1, .rate = 200, .cpu = 0.15};

TEST(SlowTaskmanager, APlaceThatWorksAllTheTimeAndDoesLess) {
    const auto found = scene(throttled).findings("taskmanager-slow", fault + 30);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("taskmanager", "tm-2"));
    EXPECT_EQ(found[0].fields.at("node"), "tm-2");
    EXPECT_EQ(found[0].weight, 1);
}

TEST(SlowTaskmanager, MoreRecordsAreNoSlowPlace) {
    EXPECT_TRUE(scene({.busy = 1, .rate = 1'000, .cpu = 1}).findings("taskmanager-slow", fault + 30).empty());
}

TEST(SlowTaskmanager, FewerRecordsAndTimeLeftAreNoSlowPlace) {
    EXPECT_TRUE(scene({.busy = 0.2, .rate = 50, .cpu = 0.1}).findings("taskmanager-slow", fault + 30).empty());
}

// Who burns as much of the processor for fewer records has got the hard ones.
TEST(SlowTaskmanager, HardRecordsAreNoSlowPlace) {
    EXPECT_TRUE(scene({.busy = 1, .rate = 200, .cpu = 1}).findings("taskmanager-slow", fault + 30).empty());
    EXPECT_TRUE(scene(throttled, 1).findings("taskmanager-slow", fault + 30).empty());
}

TEST(SlowTaskmanager, WithoutSightOfTheProcessesItWeighsLess) {
    const auto found = scene(throttled, 2, false).findings("taskmanager-slow", fault + 30);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_LT(found[0].weight, 1);
}

TEST(SlowTaskmanager, NothingWithoutRates) {
    EXPECT_TRUE(scene(throttled, 2, true, false).findings("taskmanager-slow", fault + 30).empty());
}

}  // namespace
}  // namespace medic::analyzers
