// A recorded question must hold all that a remedy may look at, or replay decides from something else.
#include <gtest/gtest.h>

#include <tuple>

#include "remediations/planning/codec_internal.h"

namespace medic {
namespace {

// By structured bindings: a field that is added does not compile here before it is looked at.
auto parts(const NodeInfo& of) {
    const auto& [name, role, zone, spare, cordoned, start, stop, kill, kill_task, grow] = of;
    return std::tuple(name, role, zone, spare, cordoned, start, stop, kill, kill_task, grow);
}
auto parts(const HealthGate& of) {
    const auto& [hold, within, group, lag_max] = of;
    return std::tuple(hold, within, group, lag_max);
}
auto parts(const DeploymentInfo& of) {
    const auto& [job, savepoints, versions, parallelism, parallelism_max, fenced, artifacts, topics, gate] = of;
    return std::tuple(job, savepoints, versions, parallelism, parallelism_max, fenced, artifacts, topics, parts(gate));
}
auto parts(const ManagedBy& of) {
    const auto& [object, by, restarts] = of;
    return std::tuple(object, by, restarts);
}
auto parts(const Fact& of) {
    const auto& [subject, name, value, text, observed_at] = of;
    return std::tuple(subject, name, value, text, observed_at);
}
template <class T>
auto parts(const std::vector<T>& of) {
    std::vector<decltype(parts(of.front()))> all;
    for (const T& one : of) all.push_back(parts(one));
    return all;
}
auto parts(const ClusterInfo& of) {
    const auto& [name, nodes, deployments, managed, dead_letters] = of;
    return std::tuple(name, parts(nodes), parts(deployments), parts(managed), dead_letters);
}
auto parts(const PlanningView& of) {
    const auto& [cluster, facts, floors, quarantined, now, facts_age_max] = of;
    return std::tuple(parts(cluster), parts(facts), floors, quarantined, now, facts_age_max);
}

// No field as it is by default.
PlanningView whole_view() {
    PlanningView view;
    view.cluster.name = "lab";
    view.cluster.nodes = {{.name = "tm-1",
                           .role = "taskmanager",
                           .zone = "a",
                           .spare = true,
                           .cordoned = "ann: its disk",
                           .can_start = true,
                           .can_stop = true,
                           .can_kill = true,
                           .can_kill_task = true,
                           .can_grow = true}};
    view.cluster.deployments = {
        {.job = "orders",
         .savepoints = "/savepoints",
         .versions = {"v1", "v2"},
         .parallelism = {{"v1", 2}},
         .parallelism_max = 8,
         .fenced = true,
         .artifacts = {{"v1", "/jobs/v1.jar"}},
         .topics = {{"v1", {"in", "out"}}},
         .gate = {.hold = Duration{1'000}, .within = Duration{2'000}, .group = "orders", .lag_max = 7}}};
    view.cluster.managed = {{.object = "job:fraud-*", .by = "ci", .restarts = true}};
    view.cluster.dead_letters = "dead-{connector}";
    view.facts = {
        {.subject = {"lab", "job", "orders"}, .name = "state", .value = 1, .text = "RUNNING", .observed_at = {9}}};
    view.floors = {{"topic:in", Duration{3'000}}};
    view.quarantined = {{"orders", "v0"}};
    view.now = {1'700'000'000'000};
    view.facts_age_max = Duration{4'000};
    return view;
}

TEST(PlanningCodec, EveryFieldOfAViewIsThereAgain) {
    const PlanningView view = whole_view();
    const auto again = codec::decode<PlanningView>(codec::encode(view));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(parts(*again), parts(view));
}

TEST(PlanningCodec, AViewOfAnEarlierReleaseReadsWithWhatItDidNotHaveAtItsDefault) {
    auto text = codec::Json::parse(codec::encode(whole_view()));
    auto& cluster = text["cluster"];
    cluster.erase("managed");
    cluster["deployments"][0].erase("fenced");
    for (const char* key : {"can_stop", "cordoned"}) EXPECT_EQ(cluster["nodes"][0].erase(key), 1U) << key;
    const auto old = codec::decode<PlanningView>(text.dump());
    ASSERT_TRUE(old) << old.error().message;
    PlanningView wanted = whole_view();
    wanted.cluster.managed.clear();
    wanted.cluster.deployments[0].fenced = false;
    wanted.cluster.nodes[0].can_stop = false;
    wanted.cluster.nodes[0].cordoned.clear();
    EXPECT_EQ(parts(*old), parts(wanted));
}

}  // namespace
}  // namespace medic
