#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

// Three brokers; topic "orders" has two partitions on each, topic "logs" one. Broker 2 is the one that stands out.
struct Load {
    double usual = 10e6, logs = 1e6;  // Bytes in per second of each broker and topic.
    double orders_on_2 = 30e6;
    double busy_2 = 0.7;
    std::vector<double> rates = {100, 100, 100, 100, 100, 100};  // Records per second of orders 0 … 5.
    std::vector<int> leaders = {1, 2, 3, 1, 2, 3};
    bool topics_known = true, busy_known = true;
    int down = 0;
};

Scene scene_of(const Load& load) {
    Scene scene;
    const auto page = [](double value, bool counts) {
        return [=](int s) -> std::optional<double> {
            if (s % 60 != 0) return std::nullopt;
            return counts ? value * s : value;
        };
    };
    std::string assignment;
    std::map<int, double> led;
    for (std::size_t p = 0; p < load.rates.size(); ++p) {
        const int preferred = static_cast<int>(p % 3) + 1;
        const std::vector<LabelPair> which{{"topic", "orders"}, {"partition", std::to_string(p)}};
        scene.constant("kafka_partition_leader", which, load.leaders[p])
            .counter("kafka_partition_log_end_offset", which, load.rates[p]);
        assignment += (p == 0 ? "" : ";") + std::to_string(p) + ":" + std::to_string(preferred) + "," +
                      std::to_string(preferred % 3 + 1);
        led[load.leaders[p]] += 1;
    }
    scene.attribute(Scene::lab("topic", "orders"), "assignment", assignment);
    for (int b = 1; b <= 3; ++b) {
        const std::vector<LabelPair> broker{{"broker", std::to_string(b)}};
        const auto of = [&](const char* topic) {
            auto labels = broker;
            labels.emplace_back("topic", topic);
            return labels;
        };
        const double orders = b == 2 ? load.orders_on_2 : load.usual;
        scene.constant("kafka_broker_up", broker, b == load.down ? 0 : 1)
            .constant("kafka_broker_leaders", broker, led[b])
            .series("kafka_broker_bytes_in_total", broker, page(orders + load.logs, true));
        if (load.busy_known)
            scene.series("kafka_broker_request_handler_idle_ratio", broker,
                         page(1 - (b == 2 ? load.busy_2 : 0.2), false));
        if (!load.topics_known) continue;
        scene.series("kafka_topic_bytes_in_total", of("orders"), page(orders, true))
            .series("kafka_topic_bytes_in_total", of("logs"), page(load.logs, true));
    }
    return scene;
}

std::vector<Finding> skews(const Load& load, int seconds = 420) {
    return scene_of(load).after(seconds, [](const View& view, const Now& now) {
        auto found = analyze(view, now);
        std::erase_if(found,
                      [](const Finding& one) { return one.id != "topic-loads-broker" && one.id != "leaders-uneven"; });
        return found;
    });
}

TEST(BrokerSkew, HotPartitionOfATopicIsNamed) {
    const auto found = skews({.rates = {100, 500, 100, 100, 100, 100}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "topic-loads-broker");
    EXPECT_EQ(found[0].subject, Scene::lab("topic", "orders"));
    EXPECT_EQ(found[0].fields.at("broker"), "2");
    EXPECT_EQ(found[0].fields.at("partition"), "1");
    EXPECT_NE(found[0].summary.find("partition 1 gets 500 records/s, the topic's others 100"), std::string::npos)
        << found[0].summary;
}

TEST(BrokerSkew, TopicWhosePartitionsLieOnOneBrokerIsNamedWithoutAPartition) {
    const auto found = skews({});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "topic-loads-broker");
    EXPECT_FALSE(found[0].fields.contains("partition"));
    EXPECT_NE(found[0].summary.find("of whose 6 partitions it leads 2"), std::string::npos) << found[0].summary;
}

TEST(BrokerSkew, LeadersOutOfPlaceAreTheReasonWhereTheyMakeTheDifference) {
    const auto found = skews({.leaders = {2, 2, 3, 2, 2, 1}});
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].id, "leaders-uneven");
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "2"));
    EXPECT_EQ(found[0].fields.at("not_preferred"), "2");
    const auto hot = skews({.rates = {100, 500, 100, 100, 100, 100}, .leaders = {2, 2, 3, 2, 2, 1}});
    ASSERT_EQ(hot.size(), 1U);
    EXPECT_EQ(hot[0].id, "topic-loads-broker") << "it stays hot wherever its leader is";
}

TEST(BrokerSkew, HealthyLookAlikesAreSilent) {
    EXPECT_TRUE(skews({.orders_on_2 = 20e6}).empty()) << "less than twice";
    EXPECT_TRUE(skews({.busy_2 = 0.4}).empty()) << "it does not feel it";
    EXPECT_TRUE(skews({.usual = 0.1e6, .logs = 0, .orders_on_2 = 0.9e6}).empty()) << "hardly any traffic";
    EXPECT_TRUE(skews({.down = 3}).empty()) << "the others carry what the lost one did";
    EXPECT_TRUE(skews({.leaders = {2, 2, 2, 1, 2, 2}}).empty()) << "one that is just back leads nothing yet";
}

TEST(BrokerSkew, NothingWithoutTopicsHandlersOrEnoughLooks) {
    EXPECT_TRUE(skews({.topics_known = false}).empty());
    EXPECT_TRUE(skews({.busy_known = false}).empty());
    EXPECT_TRUE(skews({}, 60).empty());
}

}  // namespace
}  // namespace medic::analyzers
