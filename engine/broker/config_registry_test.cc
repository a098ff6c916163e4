#include "engine/broker/config_registry.h"

#include <gtest/gtest.h>

namespace medic::engine::broker {
namespace {

ClusterImage image_with(std::initializer_list<ConfigRecord> records) {
    ClusterImage image;
    for (const auto& record : records) image.apply(record);
    return image;
}

TEST(ConfigRegistry, every_default_is_legal_and_every_topic_key_has_its_broker_key) {
    for (const auto& definition : config_definitions()) {
        EXPECT_TRUE(check_config(definition.resource, definition.name, definition.fallback)) << definition.name;
        if (definition.resource != ConfigResource::topic) continue;
        // Which replicas are throttled is each topic's own affair: in Kafka, too, no broker's setting stands behind it.
        if (definition.name.ends_with(".replication.throttled.replicas")) continue;
        const auto* broker = find_config(ConfigResource::broker, definition.broker_name);
        ASSERT_NE(broker, nullptr) << definition.name;
        EXPECT_EQ(broker->fallback, definition.fallback);
    }
}

TEST(ConfigRegistry, refuses_unknown_keys_and_values_that_do_not_fit) {
    EXPECT_FALSE(check_config(ConfigResource::topic, "no.such.key", "1"));
    EXPECT_FALSE(check_config(ConfigResource::topic, "retention.ms", "soon"));
    EXPECT_FALSE(check_config(ConfigResource::topic, "retention.ms", "-2"));
    EXPECT_TRUE(check_config(ConfigResource::topic, "retention.ms", "-1"));
    EXPECT_FALSE(check_config(ConfigResource::topic, "segment.bytes", "3000000000")) << "an INT in Kafka";
    EXPECT_FALSE(check_config(ConfigResource::topic, "unclean.leader.election.enable", "yes"));
    EXPECT_FALSE(check_config(ConfigResource::topic, "cleanup.policy", "keep"));
    EXPECT_FALSE(check_config(ConfigResource::topic, "leader.replication.throttled.replicas", "0"));
    EXPECT_TRUE(check_config(ConfigResource::topic, "leader.replication.throttled.replicas", "0:1,1:2"));
    EXPECT_FALSE(check_config(ConfigResource::broker, "leader.replication.throttled.rate", "-1"));
}

TEST(ConfigRegistry, the_nearest_setting_wins) {
    const Config config(1, {{"log.retention.ms", "400"}});
    const auto value = [&](const ClusterImage& image) { return config.topic(image, "t", "retention.ms"); };
    ClusterImage image;
    EXPECT_EQ(value(image).value, "400");
    EXPECT_EQ(value(image).source, ConfigSource::static_broker);
    image = image_with({{ConfigResource::broker, "", "log.retention.ms", "300"}});
    EXPECT_EQ(value(image).source, ConfigSource::dynamic_default_broker);
    image = image_with({{ConfigResource::broker, "", "log.retention.ms", "300"},
                        {ConfigResource::broker, "1", "log.retention.ms", "200"}});
    EXPECT_EQ(value(image).value, "200");
    image.apply(ConfigRecord{ConfigResource::topic, "t", "retention.ms", "100"});
    EXPECT_EQ(value(image).value, "100");
    EXPECT_EQ(value(image).source, ConfigSource::topic);
    EXPECT_EQ(config.topic_number(image, "other", "retention.ms"), 200);
    image.apply(ConfigRecord{ConfigResource::topic, "t", "retention.ms", std::nullopt});
    EXPECT_EQ(value(image).value, "200");
}

}  // namespace
}  // namespace medic::engine::broker
