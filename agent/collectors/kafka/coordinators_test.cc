// Whether the coordinator of each partition of __consumer_offsets answers.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "agent/collectors/kafka/fake_kafka_internal.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::count;
using recorded::value;

std::optional<double> answers(const Observation& seen, int partition) {
    return value(seen,
                 fmt::format(R"(kafka_coordinator_answers{{cluster="c",partition="{}",topic="__consumer_offsets"}})",
                             partition));
}
std::string groups(const Observation& seen, int partition) {
    const auto found = seen.attributes.find({"c", "partition", fmt::format("__consumer_offsets-{}", partition)});
    return found == seen.attributes.end() ? "" : found->second.at("groups");
}

// As Java hashes them: "g", "audit" and "billing" lie in partition 3 of 4, "h" in 0, "m" and "größe" in 1, "a😀b" in 2.
struct Busy : FakeKafka {
    Busy() {
        coordinators = 4;
        more_groups = {"audit", "billing", "h", "größe", "a😀b"};
    }
};

TEST(KafkaCoordinators, EachPartitionThatCoordinatesGroupsAnswers) {
    Busy kafka;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    for (const int partition : {0, 1, 2, 3}) EXPECT_EQ(answers(seen, partition), 1) << partition;
    EXPECT_EQ(groups(seen, 3), "g,audit,billing");
    EXPECT_EQ(groups(seen, 0), "h");
    EXPECT_EQ(groups(seen, 1), "größe");
    EXPECT_EQ(groups(seen, 2), "a😀b");
    EXPECT_EQ(value(seen, R"(kafka_coordinator_groups{cluster="c",partition="3",topic="__consumer_offsets"})"), 3);
}

TEST(KafkaCoordinators, NothingIsToldWithoutTheTopicOrOfPartitionsWithoutGroups) {
    FakeKafka kafka;
    auto look = collector();
    EXPECT_EQ(count(look.look(kafka, {1000}), "kafka_coordinator_answers"), 0u);
    kafka.coordinators = 4;
    const auto seen = look.look(kafka, {2000});
    EXPECT_EQ(count(seen, "kafka_coordinator_answers"), 1u) << "only the one of g";
    EXPECT_EQ(answers(seen, 3), 1);
}

TEST(KafkaCoordinators, OneThatHangsIsFoundAmongThoseOfABrokerThatListsNone) {
    for (const bool lists : {false, true}) {
        Busy kafka;
        auto look = collector();
        (void)look.look(kafka, {1000});
        kafka.stuck_groups = {"g", "audit", "billing"};
        kafka.lists_all_the_same = lists;
        for (const std::int64_t at : {2000, 3000}) {
            const auto seen = look.look(kafka, {at});
            EXPECT_EQ(answers(seen, 3), 0) << at;
            for (const int partition : {0, 1, 2}) EXPECT_EQ(answers(seen, partition), 1) << at << ": " << partition;
            EXPECT_EQ(groups(seen, 3), "g,audit,billing") << "whom it keeps waiting";
            EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="h"})"), 2) << "others are still told";
            EXPECT_EQ(count(seen, "kafka_group_members"), 3u);
        }
        kafka.stuck_groups.clear();
        EXPECT_EQ(answers(look.look(kafka, {4000}), 3), 1);
    }
}

TEST(KafkaCoordinators, WhoWasNeverListedIsNotKnown) {
    Busy kafka;
    kafka.stuck_groups = {"g"};
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(count(seen, "kafka_coordinator_answers"), 0u);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
}

}  // namespace
}  // namespace medic
