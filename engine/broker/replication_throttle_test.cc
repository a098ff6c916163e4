#include "engine/broker/replication_throttle.h"

#include <gtest/gtest.h>

namespace medic::engine::broker {
namespace {

constexpr Instant at(std::int64_t ms) { return Instant(Duration(ms)); }

TEST(ReplicationThrottle, lists_are_read_as_kafka_reads_them) {
    for (const char* good : {"", "*", "0:1", "0:1,1:2,10:3"}) EXPECT_TRUE(is_throttled_list(good)) << good;
    for (const char* bad : {"0", "0:", ":1", "0:1,", ",0:1", "a:1", "-1:2", "0:1;1:2", "**"})
        EXPECT_FALSE(is_throttled_list(bad)) << bad;
    EXPECT_TRUE(throttled_list_names("0:1,1:2", 1, 2));
    EXPECT_FALSE(throttled_list_names("0:1,1:2", 1, 1));
    EXPECT_TRUE(throttled_list_names("*", 7, 7));
    EXPECT_FALSE(throttled_list_names("", 0, 1));
}

TEST(ReplicationThrottle, names_what_the_topic_says_for_its_side_and_broker) {
    ClusterImage image;
    const Config config(2, {});
    const ReplicationThrottle leader(ReplicationThrottle::Side::leader, 2, image, config);
    const ReplicationThrottle follower(ReplicationThrottle::Side::follower, 2, image, config);
    EXPECT_FALSE(leader.names("t", 0));
    image.apply(ConfigRecord{ConfigResource::topic, "t", "leader.replication.throttled.replicas", "0:2,1:3"});
    EXPECT_TRUE(leader.names("t", 0));
    EXPECT_FALSE(leader.names("t", 1)) << "another broker's";
    EXPECT_FALSE(leader.names("u", 0));
    EXPECT_FALSE(follower.names("t", 0));
    image.apply(ConfigRecord{ConfigResource::topic, "t", "leader.replication.throttled.replicas", std::nullopt});
    EXPECT_FALSE(leader.names("t", 0));
}

TEST(ReplicationThrottle, holds_back_beyond_the_rate_and_lets_go_after_a_while) {
    ClusterImage image;
    const Config config(2, {});
    ReplicationThrottle throttle(ReplicationThrottle::Side::follower, 2, image, config);
    throttle.record(1 << 30, at(1'000));
    EXPECT_FALSE(throttle.exceeded(at(1'000))) << "no rate is set";
    image.apply(ConfigRecord{ConfigResource::broker, "2", "follower.replication.throttled.rate", "1000"});
    EXPECT_TRUE(throttle.exceeded(at(1'000)));
    EXPECT_FALSE(throttle.exceeded(at(20'000))) << "what is long past does not count";

    ReplicationThrottle other(ReplicationThrottle::Side::follower, 2, image, config);
    EXPECT_FALSE(other.exceeded(at(0)));
    other.record(3'000, at(0));
    EXPECT_TRUE(other.exceeded(at(2'000)));
    EXPECT_FALSE(other.exceeded(at(3'000))) << "a mean of 1000 a second";
    image.apply(ConfigRecord{ConfigResource::broker, "2", "follower.replication.throttled.rate", std::nullopt});
    other.record(1 << 30, at(3'000));
    EXPECT_FALSE(other.exceeded(at(3'000)));
}

}  // namespace
}  // namespace medic::engine::broker
