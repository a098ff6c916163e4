// Quotas for clients as the agent sets them, against the embedded brokers: told by every broker, kept by the
// controller, and felt by a client that is not ours (librdkafka).
#include <algorithm>

#include "agent/daemon/kafka_door.h"
#include "agent/wire/messages/quotas.h"
#include "engine/workload/kafka_delivery.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

using wire::KafkaError;
using Quotas = std::map<std::string, double>;  // Of producer_byte_rate, by client-id; "" is the default.

constexpr const char* key = "producer_byte_rate";

class ClientQuota : public ::testing::Test {
protected:
    Result<std::string> set(const std::string& client_id, std::optional<double> value, const std::string& user = {}) {
        return change_kafka(client,
                            {.key = "I1/1/1",
                             .cluster = "c",
                             .body = AlterClientQuota{.user = user, .client_id = client_id, .set = {{key, value}}}});
    }
    // As each broker tells them; nullopt: they don't agree (yet).
    std::optional<Quotas> told() {
        const auto answers = client.call_every_broker(wire::DescribeClientQuotasRequest{});
        if (!answers || answers->empty()) return std::nullopt;
        std::optional<Quotas> all;
        for (const auto& [broker, answer] : *answers) {
            if (!answer || answer->error != KafkaError::none || !answer->entries) return std::nullopt;
            Quotas mine;
            for (const auto& entry : *answer->entries)
                mine[entry.entity.at(0).name.value_or("")] = entry.values.at(0).value;
            if (all && *all != mine) return std::nullopt;
            all = std::move(mine);
        }
        return all;
    }
    KafkaError answer(wire::AlterClientQuotasRequest::Entry entry, std::string* message = nullptr) {
        wire::AlterClientQuotasRequest request;
        request.entries.push_back(std::move(entry));
        const auto response = client.call(KafkaTarget::controller(), request);
        if (!response) return KafkaError::network_exception;
        if (message != nullptr) *message = response->entries.at(0).error_message.value_or("");
        return response->entries.at(0).error;
    }
    // How long that client needs for so many records of 100 kB.
    Duration deliver(const std::string& client_id, int records) {
        auto delivery = engine::workload::KafkaDelivery::connect(cluster.bootstrap_list(), {.client_id = client_id});
        EXPECT_TRUE(delivery);
        const auto began = std::chrono::steady_clock::now();
        const std::vector<engine::workload::OutgoingRecord> all(static_cast<std::size_t>(records),
                                                                {0, "", std::string(100'000, 'x')});
        const auto done = (*delivery)->deliver("orders", all);
        EXPECT_TRUE(done) << (done ? "" : done.error().message);
        return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
    }

    KafkaCluster cluster{2, {"broker.session.timeout.ms=2000", "broker.heartbeat.interval.ms=200"}};
    KafkaClient client{{.bootstrap = cluster.bootstrap()}};
};

TEST_F(ClientQuota, IsToldByEveryBrokerKeptByTheControllerAndTakenBack) {
    EXPECT_EQ(told(), Quotas());
    ASSERT_TRUE(set("replay", 1'000'000));
    const Quotas one{{"replay", 1'000'000}};
    EXPECT_TRUE(wait_until([&] { return told() == one; }));
    ASSERT_TRUE(set("replay", 1'000'000)) << "done twice is done once";
    cluster.kill_controller();
    cluster.start_controller();
    EXPECT_TRUE(wait_until([&] { return set("other", 5).has_value(); }));
    const Quotas both{{"other", 5}, {"replay", 1'000'000}};
    EXPECT_TRUE(wait_until([&] { return told() == both; }));
    ASSERT_TRUE(set("replay", std::nullopt));
    ASSERT_TRUE(set("other", std::nullopt));
    EXPECT_TRUE(wait_until([&] { return told() == Quotas(); }));
    ASSERT_TRUE(set("other", std::nullopt)) << "nothing to take away";
}

TEST_F(ClientQuota, NobodyIsHeldBackByMistake) {
    EXPECT_EQ(set("", 5).error().code, ErrorCode::invalid) << "that would be the default of all others";
    EXPECT_FALSE(set("", 5, "alice")) << "the embedded brokers know no users";
    std::string message;
    EXPECT_EQ(answer({.entity = {{"client-id", "a"}}, .changes = {{key, 0, false}}}, &message),
              KafkaError::invalid_request);
    EXPECT_EQ(message, "Quota producer_byte_rate must be greater than 0.");
    EXPECT_EQ(answer({.entity = {{"client-id", "a"}}, .changes = {{"request_percentage", 5, false}}}),
              KafkaError::invalid_request)
        << "nothing is accepted that has no effect";
    EXPECT_EQ(told(), Quotas());
}

// Ten seconds' worth passes at once, as with Kafka; for the rest the mean has to come down first.
TEST_F(ClientQuota, HoldsTheClientBackThatItNamesAndNoOther) {
    cluster.create_topic("orders", 1, 1);
    ASSERT_TRUE(set("loud", 500'000));
    ASSERT_TRUE(wait_until([&] { return told() == Quotas{{"loud", 500'000}}; }));
    const Duration loud = deliver("loud", 80), quiet = deliver("quiet", 80);
    EXPECT_GE(loud, Duration(2'000)) << "8 MB; 4 s and more as it is reckoned";
    EXPECT_LT(quiet, loud);
}

}  // namespace
}  // namespace medic::contract
