// Kafka operations whose time is over: no call begins.
#include "agent/daemon/kafka_door.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

class OverdueChange : public testing::TestWithParam<OperationBody> {};

TEST_P(OverdueChange, IsNotSent) {
    // Nobody listens there: to ask for anything would fail in another way.
    KafkaClient client({.bootstrap = {"127.0.0.1:1"}});
    const Operation operation{.key = "I1/1/1", .cluster = "c", .body = GetParam()};
    const Instant until{Duration{5'000}};
    const auto done = change_kafka(client, operation, TimeLeft(until, [&] { return until; }));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unavailable);
    EXPECT_EQ(done.error().message, "not sent: the operation's time is over");
}
INSTANTIATE_TEST_SUITE_P(
    Operations, OverdueChange,
    testing::Values(AlterConfigs{.name = "t", .set = {{"retention.ms", "1"}}},
                    AlterReassignments{{{.topic = "t", .partition = 0, .replicas = {1}}}},
                    ElectLeaders{{{.topic = "t", .partition = 0}}}, ElectUncleanLeader{.topic = "t", .expected = 1},
                    RemoveGroupMembers{{{.group = "g", .client_ids = {"a"}}, {.group = "h", .client_ids = {"b"}}}},
                    AlterClientQuota{.user = "", .client_id = "loud", .set = {{"producer_byte_rate", 1}}},
                    AbortTransaction{.topic = "t"}));

}  // namespace
}  // namespace medic
