#include "agent/store/event.h"

#include <gtest/gtest.h>

#include "agent/store/topology.h"

namespace medic {
namespace {

Event event(std::int64_t at, std::string kind, std::string id, std::string job = "j") {
    return {.at = {at},
            .subject = {"lab", "job", std::move(job)},
            .kind = std::move(kind),
            .text = "text",
            .fields = {},
            .id = std::move(id)};
}

TEST(Timeline, orders_by_time_and_stores_an_id_once) {
    Timeline timeline;
    EXPECT_TRUE(timeline.record(event(20, "restart", "b")));
    EXPECT_TRUE(timeline.record(event(10, "exception", "a")));
    EXPECT_FALSE(timeline.record(event(30, "exception", "a")));
    EXPECT_TRUE(timeline.record(event(30, "log", "", "other")));
    EXPECT_TRUE(timeline.record(event(30, "log", "", "other")));  // Without an id nothing is known to be the same.
    ASSERT_EQ(timeline.since({10}).size(), 4U);
    EXPECT_EQ(timeline.since({10})[0]->id, "a");
    EXPECT_EQ(timeline.since({11}).size(), 3U);
    EXPECT_EQ(timeline.about({"lab", "job", "j"}, {0}).size(), 2U);
}

TEST(Timeline, drops_the_oldest_but_no_exception_while_there_is_another) {
    Timeline timeline({.events_max = 3, .text_bytes_max = 2});
    timeline.record(event(1, "exception", "first"));
    timeline.record(event(2, "restart", "r1"));
    timeline.record(event(3, "restart", "r2"));
    timeline.record(event(4, "exception", "second"));
    ASSERT_EQ(timeline.size(), 3U);
    EXPECT_EQ(timeline.since({0})[0]->id, "first");
    EXPECT_EQ(timeline.since({0})[1]->id, "r2");
    EXPECT_EQ(timeline.dropped(), 1U);
    EXPECT_EQ(timeline.since({0})[0]->text, "te…");
    EXPECT_TRUE(timeline.record(event(5, "restart", "r1")));  // Its id went with it.
}

TEST(Timeline, one_clusters_noise_leaves_the_others_past_alone) {
    Timeline timeline({.events_max = 100, .events_per_cluster_max = 10});
    Event other = event(1, "restart", "quiet");
    other.subject.cluster = "quiet";
    timeline.record(other);
    timeline.record(event(2, "exception", "first"));
    timeline.record(event(3, "restart", "r"));
    for (int i = 0; i < 500; ++i) timeline.record(event(10 + i, "log", "l" + std::to_string(i)));
    EXPECT_EQ(timeline.size(), 11U);
    EXPECT_EQ(timeline.since({0})[0]->id, "quiet");
    EXPECT_EQ(timeline.since({0})[1]->id, "first");
    EXPECT_EQ(timeline.since({0})[2]->id, "r");  // Log lines go before anything else.
}

TEST(Timeline, keeps_within_its_bytes) {
    Timeline timeline({.bytes_max = 100'000});
    for (int i = 0; i < 100; ++i) {
        Event big = event(i, i == 0 ? "exception" : "restart", "e" + std::to_string(i));
        big.text = std::string(20'000, 'x');
        timeline.record(std::move(big));
        EXPECT_LE(timeline.bytes(), 100'000U);
    }
    EXPECT_GE(timeline.size(), 3U);
    EXPECT_EQ(timeline.since({0})[0]->id, "e0");
}

TEST(Topology, answers_from_all_sources_and_the_newest_attribute_wins) {
    Topology topology;
    const Subject job{"lab", "job", "j"}, topic{"lab", "topic", "t"}, tm{"lab", "taskmanager", "tm-1"};
    topology.replace("a", {{job, "reads", topic}, {job, "runs-on", tm}}, {{job, {{"state", "RUNNING"}, {"id", "1"}}}},
                     {10});
    topology.replace("b", {{job, "reads", topic}}, {{job, {{"state", "FAILING"}}}}, {20});
    EXPECT_EQ(topology.from(job, "reads"), std::vector<Subject>{topic});
    EXPECT_EQ(topology.to(tm, "runs-on"), std::vector<Subject>{job});
    EXPECT_EQ(topology.attribute(job, "state"), "FAILING");
    EXPECT_EQ(topology.attribute(job, "id"), "1");
    EXPECT_EQ(topology.attribute(job, "missing"), std::nullopt);
    EXPECT_EQ(topology.all("lab", "taskmanager"), std::vector<Subject>{tm});
    EXPECT_TRUE(topology.all("other", "taskmanager").empty());
    topology.replace("a", {}, {}, {30});
    EXPECT_TRUE(topology.to(tm, "runs-on").empty());
    EXPECT_EQ(topology.attribute(job, "id"), std::nullopt);
}

TEST(Topology, what_a_source_no_longer_says_is_forgotten) {
    Topology topology;
    const Subject job{"lab", "job", "j"}, manager{"lab", "taskmanager", "t"};
    topology.replace("a", {{job, "runs-on", manager}}, {{job, {{"id", "1"}}}}, {10});
    topology.replace("b", {{job, "runs-on", manager}}, {}, {10});
    const auto generation = topology.generation();
    topology.replace("a", {{job, "runs-on", manager}}, {{job, {{"id", "1"}}}}, {20});
    EXPECT_EQ(topology.generation(), generation);  // Nothing new.
    topology.replace("a", {}, {}, {30});
    EXPECT_EQ(topology.from(job, "runs-on"), std::vector{manager});
    EXPECT_EQ(topology.attribute(job, "id"), std::nullopt);
    EXPECT_EQ(topology.all("lab", "job"), std::vector{job});
    topology.replace("b", {}, {}, {30});
    EXPECT_TRUE(topology.from(job, "runs-on").empty());
    EXPECT_TRUE(topology.to(manager, "runs-on").empty());
    EXPECT_TRUE(topology.all("lab", "job").empty());
    EXPECT_TRUE(topology.all("lab", "taskmanager").empty());
}

}  // namespace
}  // namespace medic
