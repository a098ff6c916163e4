#include "engine/broker/client_quotas.h"

#include <gtest/gtest.h>

namespace medic::engine::broker {
namespace {

constexpr Instant at(std::int64_t ms) { return Instant(Duration(ms)); }
constexpr double unlimited = 1e12;

struct Broker {
    ClusterImage image;
    ClientQuotas quotas{image};

    void set(std::optional<std::string> client_id, std::optional<double> value) {
        image.apply(ClientQuotaRecord{std::move(client_id), std::string(producer_byte_rate), value});
    }
    // So many bytes in each second of [from, to): the longest that it was told to wait.
    Duration produce(std::string_view client_id, std::int64_t bytes, int from, int to) {
        Duration longest{0};
        for (int second = from; second < to; ++second)
            longest = std::max(longest, quotas.record_produce(client_id, bytes, at(second * 1'000)));
        return longest;
    }
    std::map<std::string, ClientQuotas::Use> uses(int second) {
        std::map<std::string, ClientQuotas::Use> all;
        quotas.each(at(second * 1'000), [&](const std::string& id, const ClientQuotas::Use& use) { all[id] = use; });
        return all;
    }
};

TEST(ClientQuotas, nothing_is_measured_while_no_quota_is_set) {
    Broker broker;
    EXPECT_EQ(broker.produce("a", 1 << 30, 0, 20), Duration(0));
    EXPECT_TRUE(broker.uses(20).empty());
}

TEST(ClientQuotas, a_default_that_nobody_reaches_makes_every_client_visible) {
    Broker broker;
    broker.set(std::nullopt, unlimited);
    EXPECT_EQ(broker.produce("a", 5'000, 0, 20), Duration(0));
    EXPECT_EQ(broker.produce("b", 100, 0, 20), Duration(0));
    const auto uses = broker.uses(20);
    ASSERT_EQ(uses.size(), 2U);
    EXPECT_NEAR(uses.at("a").bytes_per_second, 5'000, 500);
    EXPECT_NEAR(uses.at("b").bytes_per_second, 100, 10);
    EXPECT_EQ(uses.at("a").throttle_ms, 0);
    EXPECT_EQ(broker.uses(60).at("a").bytes_per_second, 0) << "silent";
    broker.set(std::nullopt, std::nullopt);
    EXPECT_TRUE(broker.uses(20).empty());
}

TEST(ClientQuotas, its_own_quota_goes_before_the_default) {
    Broker broker;
    broker.set(std::nullopt, unlimited);
    broker.set("a", 1'000);
    EXPECT_GT(broker.produce("a", 5'000, 0, 20), Duration(0));
    EXPECT_EQ(broker.produce("b", 5'000, 0, 20), Duration(0));
    EXPECT_GT(broker.uses(20).at("a").throttle_ms, 0);
}

// Five times the quota for a window of ten seconds: it takes forty more until the mean is back (QuotaUtils).
TEST(ClientQuotas, the_wait_brings_the_mean_back_to_the_quota) {
    Broker broker;
    broker.set("a", 1'000);
    EXPECT_EQ(broker.quotas.record_produce("a", 10'000, at(0)), Duration(0)) << "a first burst within ten windows";
    EXPECT_EQ(broker.quotas.record_produce("a", 40'000, at(0)), Duration(40'000));
}

}  // namespace
}  // namespace medic::engine::broker
