#include <gtest/gtest.h>

#include <algorithm>

#include "agent/discovery/fake_outside_internal.h"
#include "agent/discovery/update.h"

namespace medic::discovery {
namespace {

using Kind = Change::Kind;

constexpr const char* kept = R"(# Ours: ask team-platform before changing it.
schema: 1
data_dir: /d
clusters:
  shop:  # the shop
    kafka: {bootstrap: ["kafka-1:9092"]}
    connect: {urls: ["http://worker-1:8083"]}  # [the first one]
    flink:
      - url: http://jm:8081   # blue
    # Pages come with the next release.
    owners: {"job:orders-by-customer": team-a, "topic:old-topic": team-b, "connector:old-*": team-c}
notify:
  - {kind: command, command: [say]}
)";

struct Scene {
    FakeOutside outside;
    ClusterConfig cluster = whole_cluster();

    Result<Update> update(const std::string& text = kept) {
        Picture picture = draw(outside, cluster, look_once(outside, cluster));
        for (const PageLook& page : pages) picture.pages.push_back(page);
        return discovery::update(text, "medic.yaml", cluster, picture);
    }
    std::vector<PageLook> pages;
};

PageLook broker_2_page() {
    return {.config = {.url = "http://kafka-2:7071/metrics", .kind = "kafka-broker", .node = "broker-2"},
            .error = {},
            .broker = {},
            .kind = {}};
}

const Change* find(const Update& update, const std::string& what) {
    const auto found = std::ranges::find(update.changes, what, &Change::what);
    return found == update.changes.end() ? nullptr : &*found;
}

TEST(UpdateFile, adds_what_is_new_and_keeps_every_word_that_people_wrote) {
    Scene scene;
    scene.pages = {broker_2_page()};
    const auto result = scene.update();
    ASSERT_TRUE(result) << result.error().message;
    const auto config = load_config(result->text, "medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->clusters[0].connect_urls,
              (std::vector<std::string>{"http://worker-1:8083", "http://127.0.0.1:28083"}));
    EXPECT_EQ(config->clusters[0].pages.at(0).node, "broker-2");
    EXPECT_EQ(config->clusters[0].nodes.at(0).name, "broker-2");
    for (const char* comment : {"# Ours: ask team-platform before changing it.", "# the shop", "# [the first one]",
                                "# blue", "# Pages come with the next release."})
        EXPECT_NE(result->text.find(comment), std::string::npos) << comment;
    EXPECT_EQ(result->patch, R"(--- medic.yaml
+++ medic.yaml
@@ -4,10 +4,14 @@
 clusters:
   shop:  # the shop
     kafka: {bootstrap: ["kafka-1:9092"]}
-    connect: {urls: ["http://worker-1:8083"]}  # [the first one]
+    connect: {urls: ["http://worker-1:8083", "http://127.0.0.1:28083"]}  # [the first one]
     flink:
       - url: http://jm:8081   # blue
     # Pages come with the next release.
     owners: {"job:orders-by-customer": team-a, "topic:old-topic": team-b, "connector:old-*": team-c}
+    nodes:
+      - {name: "broker-2", role: broker, zone: "r2"}
+    metrics:
+      - {url: "http://kafka-2:7071/metrics", kind: kafka-broker, node: "broker-2"}
 notify:
   - {kind: command, command: [say]}
)");
}

TEST(UpdateFile, a_file_that_has_it_all_is_left_alone) {
    Scene scene;
    scene.pages = {broker_2_page()};
    const auto first = scene.update();
    ASSERT_TRUE(first);
    const auto second = scene.update(first->text);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->patch, "");
    EXPECT_TRUE(std::ranges::none_of(second->changes, [](const Change& one) { return one.kind == Kind::added; }));
}

TEST(UpdateFile, what_was_deleted_from_a_healthy_cluster_is_gone_and_no_fault) {
    Scene scene;
    const auto result = scene.update();
    ASSERT_TRUE(result);
    const Change* gone = find(*result, "topic/old-topic");
    ASSERT_NE(gone, nullptr);
    EXPECT_EQ(gone->kind, Kind::gone);
    EXPECT_NE(gone->text.find("remove \"topic:old-topic\""), std::string::npos) << gone->text;
    EXPECT_EQ(find(*result, "job/orders-by-customer"), nullptr);
    EXPECT_EQ(find(*result, "connector/old-*"), nullptr) << "a pattern names nobody";
}

TEST(UpdateFile, what_is_missing_from_a_cluster_that_is_not_wholly_visible_says_nothing) {
    Scene scene;
    scene.outside.cluster.silent_broker = 2;
    const auto result = scene.update();
    ASSERT_TRUE(result);
    EXPECT_EQ(find(*result, "topic/old-topic")->kind, Kind::unseen);
}

TEST(UpdateFile, a_silent_cluster_loses_nothing) {
    Scene scene;
    scene.outside.cluster.silent = true;
    scene.outside.silent_hosts = {"jm:8081", "worker-1:8083"};
    const auto result = scene.update();
    ASSERT_TRUE(result);
    EXPECT_TRUE(std::ranges::none_of(result->changes, [](const Change& one) { return one.kind == Kind::gone; }));
    EXPECT_EQ(result->patch, "");
}

TEST(UpdateFile, block_lists_grow_at_their_end) {
    Scene scene;
    const auto result = scene.update(R"(schema: 1
data_dir: /d
clusters:
  shop:
    connect:
      urls:
        - http://worker-1:8083
        # keep me
    kafka: {bootstrap: ["kafka-1:9092"]}
    flink: [{url: "http://jm:8081"}]
)");
    ASSERT_TRUE(result);
    EXPECT_NE(
        result->text.find("        - http://worker-1:8083\n        - \"http://127.0.0.1:28083\"\n        # keep me\n"),
        std::string::npos)
        << result->text;
}

TEST(UpdateFile, a_form_that_the_patch_cant_follow_is_left_to_people) {
    Scene scene;
    scene.pages = {broker_2_page()};
    const auto result = scene.update(
        "schema: 1\ndata_dir: /d\nclusters:\n  shop: {kafka: {bootstrap: [\"kafka-1:9092\"]}, connect: {urls: "
        "[\"http://worker-1:8083\",\n   \"http://127.0.0.1:28083\"]}, flink: [{url: \"http://jm:8081\"}]}\n");
    ASSERT_TRUE(result) << result.error().message;
    const Change* page = find(*result, "page kafka-2:7071");
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(page->kind, Kind::by_hand);
    EXPECT_NE(page->text.find("clusters.shop.metrics: {url:"), std::string::npos);
    EXPECT_EQ(result->patch, "");
}

TEST(UpdateFile, refuses_a_file_that_is_none_and_a_cluster_that_is_not_in_it) {
    Scene scene;
    EXPECT_FALSE(scene.update("schema: 2\n"));
    scene.cluster.name = "other";
    const auto result = scene.update();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("no cluster `other`"), std::string::npos);
}

TEST(Compare, tells_deleted_from_invisible_and_names_what_is_new) {
    Scene scene;
    Picture before = draw(scene.outside, scene.cluster, look_once(scene.outside, scene.cluster));
    std::erase(scene.outside.cluster.topics, "lines");
    scene.outside.cluster.topics.emplace_back("fresh");
    Picture after = draw(scene.outside, scene.cluster, look_once(scene.outside, scene.cluster));
    EXPECT_EQ(compare(before, after),
              (std::vector<Change>{{Kind::gone, "topic/lines", "its cluster is healthy: it was deleted"},
                                   {Kind::fresh, "topic/fresh", ""}}));
    scene.outside.silent_hosts = {"jm:8081"};
    after = draw(scene.outside, scene.cluster, look_once(scene.outside, scene.cluster));
    const auto changes = compare(before, after);
    const auto job = std::ranges::find(changes, "job/orders-by-customer", &Change::what);
    ASSERT_NE(job, changes.end());
    EXPECT_EQ(job->kind, Kind::unseen);
}

TEST(Unified, hunks_far_apart_are_counted_on_their_own) {
    std::vector<std::string> lines;
    for (int i = 1; i <= 20; ++i) lines.push_back(std::to_string(i));
    EXPECT_EQ(unified("f", lines, {{19, {"x"}, true}, {1, {"a", "b"}, false}}),
              "--- f\n+++ f\n@@ -1,4 +1,6 @@\n 1\n+a\n+b\n 2\n 3\n 4\n@@ -17,4 +19,4 @@\n 17\n 18\n 19\n-20\n+x\n");
    EXPECT_EQ(unified("f", lines, {}), "");
}

}  // namespace
}  // namespace medic::discovery
