#include "agent/collectors/kafka/fake_kafka_internal.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <fmt/format.h>

#include "agent/collectors/recorded_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

using recorded::count;
using recorded::value;

TEST(Kafka, AHealthyClusterBecomesCanonicalSeries) {
    FakeKafka kafka;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_active_controller{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_cluster_partitions{cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_partitions{broker="1",cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_leaders{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_partition_in_sync_replicas{cluster="c",partition="1",topic="t"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_replicas_out_of_sync{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_replicas_out_of_sync{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_usable_bytes{broker="1",cluster="c",log_dir="/d"})"), 400);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_online{broker="1",cluster="c",log_dir="/e"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_log_dir_usable_bytes{broker="1",cluster="c",log_dir="/e"})"), std::nullopt);
    EXPECT_EQ(value(seen, R"(kafka_replica_size_bytes{broker="1",cluster="c",log_dir="/d",partition="0",topic="t"})"),
              70);
    EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="g",partition="0",topic="t"})"), 10);
    EXPECT_EQ(count(seen, "kafka_group_lag_records"), 1u);
    EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="g"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_partition_reassigning{cluster="c",partition="1",topic="t"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_cluster_partitions_reassigning{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_replicas_adding{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_replicas_adding{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(seen.attributes.at({"c", "broker", "1"}).at("adding_partitions"), "t:1");
    ASSERT_EQ(seen.under_way.size(), 1u);
    EXPECT_EQ(seen.under_way[0].kind, "reassignment");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("assignment"), "0:1,2;1:2,1");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("retention.ms"), "86400000");
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("overridden"), "retention.ms");
    EXPECT_EQ(value(seen, R"(kafka_quorum_leader{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_quorum_replica_lag_records{cluster="c",node="2",role="voter"})"), 10);
    EXPECT_EQ(value(seen, R"(kafka_quorum_replica_behind_seconds{cluster="c",node="3",role="observer"})"), 0.5);
    EXPECT_EQ(count(seen, "kafka_quorum_replica_behind_seconds"), 2u) << "a replica that never was is no zero";
    EXPECT_EQ(
        value(seen, R"(kafka_client_quota{client="<default>",cluster="c",quota="producer_byte_rate",user="alice"})"),
        1024);
    EXPECT_EQ(value(seen, R"(kafka_client_quotas_set{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_transactions_open{cluster="c"})"), 0);
    EXPECT_EQ(count(seen, "kafka_partition_last_stable_offset"), 0u);
}

TEST(Kafka, OfAPartitionWithoutALeaderIsToldWhoWasInSyncAndHowFarTheOthersGot) {
    FakeKafka kafka;
    kafka.replica_ends = {{1, 77}, {2, 99}};
    auto look = collector();
    const auto led = look.look(kafka, {1000});
    EXPECT_EQ(count(led, "kafka_replica_log_end_offset"), 0u);
    EXPECT_FALSE(led.attributes.contains({"c", "partition", "t-1"}));

    kafka.broker_2_gone = true;
    const auto seen = look.look(kafka, {2000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(kafka_replica_log_end_offset{broker="1",cluster="c",partition="1",topic="t"})"), 77);
    EXPECT_EQ(count(seen, "kafka_replica_log_end_offset"), 1u) << "who is away is not asked";
    EXPECT_EQ(seen.attributes.at({"c", "partition", "t-1"}).at("in_sync"), "2");
    EXPECT_EQ(seen.attributes.at({"c", "partition", "t-1"}).at("serving"), "1");

    kafka.isr_of_1 = {};
    kafka.replica_ends.clear();
    const auto silent = look.look(kafka, {3000});
    EXPECT_EQ(silent.attributes.at({"c", "partition", "t-1"}).at("in_sync"), no_replica);
    EXPECT_EQ(silent.outcome, ScrapeOutcome::partial) << "who does not answer is missing, not at 0";
    EXPECT_EQ(count(silent, "kafka_replica_log_end_offset"), 0u);

    // Its broker answers, and has given its disk up.
    kafka.broker_2_gone = false;
    kafka.leader_of_1 = -1;
    kafka.offline_of_1 = {2};
    kafka.replica_ends = {{1, 77}, {2, 99}};
    const auto failed = look.look(kafka, {4000});
    EXPECT_EQ(failed.attributes.at({"c", "partition", "t-1"}).at("serving"), "1");
    EXPECT_EQ(count(failed, "kafka_replica_log_end_offset"), 1u);
}

TEST(Kafka, WhatOlderBrokersOrOurRightsHideIsSaidAndTheLookStaysWhole) {
    FakeKafka kafka;
    kafka.modern_group = true;
    for (bool FakeKafka::* hidden : {&FakeKafka::old, &FakeKafka::forbidden}) {
        kafka.old = kafka.forbidden = false;
        kafka.*hidden = true;
        auto look = collector();
        (void)look.look(kafka, {1000});
        const auto seen = look.look(kafka, {2000});
        EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
        const std::string& what = seen.attributes.at({"c", "cluster", "c"}).at("kafka_not_visible");
        for (const char* part : {"controllers' quorum: ", "quotas: ", "transactions: "})
            EXPECT_NE(what.find(part), std::string::npos) << what;
        EXPECT_EQ(count(seen, "kafka_quorum_leader"), 0u);
        EXPECT_EQ(count(seen, "kafka_transactions_open"), 0u) << "not told is not none";
        EXPECT_EQ(count(seen, "kafka_client_quota"), 0u);
        EXPECT_EQ(count(seen, "kafka_client_quotas_set"), 0u);
        EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="g"})"), 2);
        EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="m",partition="0",topic="t"})"), 10);
    }
}

TEST(Kafka, GroupsOfTheConsumerProtocolAreDescribedInTheirOwnWay) {
    FakeKafka kafka;
    kafka.modern_group = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
    EXPECT_EQ(value(seen, R"(kafka_group_members{cluster="c",group="m"})"), 3);
    EXPECT_EQ(value(seen, R"(kafka_group_state{cluster="c",group="m",state="Reconciling"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_group_lag_records{cluster="c",group="m",partition="0",topic="t"})"), 10);
    EXPECT_EQ(std::ranges::count(seen.under_way, std::string("rebalance"), &WorkUnderWay::kind), 1);
}

TEST(Kafka, ATransactionThatHoldsUpReadersIsSeenFromBothSides) {
    FakeKafka kafka;
    kafka.open_transaction = true;
    auto look = collector();
    auto seen = look.look(kafka, {1'000});
    EXPECT_EQ(value(seen, R"(kafka_transactions_open{cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_transaction_open_seconds{cluster="c",state="Ongoing",transactional_id="tx-1"})"),
              0.6);
    EXPECT_EQ(value(seen, R"(kafka_partition_last_stable_offset{cluster="c",partition="0",topic="t"})"), 60);
    EXPECT_EQ(kafka.producer_calls, 0) << "one look can't tell whether it stands still";
    for (int i = 2; i <= 4; ++i) seen = look.look(kafka, {i * 1'000});
    EXPECT_EQ(kafka.producer_calls, 1);
    EXPECT_EQ(
        value(seen,
              R"(kafka_partition_transaction_silent_seconds{cluster="c",partition="0",producer_id="9",topic="t"})"),
        3);
    EXPECT_EQ(count(seen, "kafka_partition_transaction_silent_seconds"), 1u);
}

// Looks until a standing transaction has been judged twice; the producer's last record is of second 1.
Observation after_long(FakeKafka& kafka, KafkaCollector& look, std::int64_t until_ms = 20 * 60'000) {
    Observation seen;
    for (int i = 9; i >= 0; --i) seen = look.look(kafka, {until_ms - i * 5'000});
    return seen;
}

constexpr const char* hanging =
    R"(kafka_partition_hanging_transaction_seconds{cluster="c",coordinator_epoch="-1",partition="0",)"
    R"(producer_epoch="-1",producer_id="9",start_offset="60",topic="t"})";

TEST(Kafka, ATransactionHangsThatNoCoordinatorWillEnd) {
    for (bool FakeKafka::* lacks : {&FakeKafka::coordinated, &FakeKafka::counted}) {
        FakeKafka kafka;
        kafka.open_transaction = true;
        kafka.*lacks = false;
        auto look = collector();
        const auto seen = after_long(kafka, look);
        EXPECT_EQ(value(seen, hanging), 20 * 60 - 1);
        EXPECT_EQ(value(seen, R"(kafka_partitions_held_up{cluster="c"})"), 1);
        kafka.open_transaction = false;
        const auto ended = after_long(kafka, look, 21 * 60'000);
        EXPECT_EQ(count(ended, "kafka_partition_hanging_transaction_seconds"), 0u);
        EXPECT_EQ(value(ended, R"(kafka_partitions_held_up{cluster="c"})"), 0);
    }
}

TEST(Kafka, ATransactionThatItsCoordinatorKnowsOrThatMayLastDoesNotHang) {
    FakeKafka kafka;
    kafka.open_transaction = true;
    auto known = collector();
    EXPECT_EQ(count(after_long(kafka, known), "kafka_partition_hanging_transaction_seconds"), 0u);
    kafka.coordinated = false;
    auto young = collector();
    EXPECT_EQ(count(after_long(kafka, young, 10 * 60'000), "kafka_partition_hanging_transaction_seconds"), 0u)
        << "Kafka's default: transaction.max.timeout.ms = 15 min";
    auto once = collector();
    EXPECT_EQ(count(after_long(kafka, once), "kafka_partition_hanging_transaction_seconds"), 1u);
    kafka.start_offset = 70;
    for (int i = 1; i <= 3; ++i)
        EXPECT_EQ(count(once.look(kafka, {20 * 60'000 + i * 5'000}), "kafka_partition_hanging_transaction_seconds"),
                  i == 3 ? 0u : 1u)
            << "another one has to be found twice as well";
}

TEST(Kafka, NoTransactionIsCalledUnknownWhereACoordinatorIsNotHeard) {
    for (auto change :
         {+[](FakeKafka& kafka) { kafka.may_describe = false; },
          +[](FakeKafka& kafka) { kafka.coordinator_loads = true; }, +[](FakeKafka& kafka) { kafka.state_led = false; },
          +[](FakeKafka& kafka) { kafka.old = true; }, +[](FakeKafka& kafka) { kafka.forbidden = true; }}) {
        FakeKafka kafka;
        kafka.open_transaction = true;
        kafka.coordinated = false;
        change(kafka);
        auto look = collector();
        const auto seen = after_long(kafka, look);
        EXPECT_EQ(count(seen, "kafka_partition_hanging_transaction_seconds"), 0u);
        EXPECT_EQ(count(seen, "kafka_partitions_held_up"), kafka.state_led ? 1u : 0u);
        const auto about = seen.attributes.find({"c", "cluster", "c"});
        const std::string told =
            seen.error + (about == seen.attributes.end() ? "" : about->second.at("kafka_not_visible"));
        EXPECT_NE(told.find(kafka.old || kafka.forbidden ? "transactions" : "hanging transactions"), std::string::npos)
            << told;
    }
}

TEST(Kafka, ABrokerThatLeftMetadataIsToldAsDown) {
    FakeKafka kafka;
    auto look = collector();
    (void)look.look(kafka, {1000});
    kafka.broker_2_gone = true;
    const auto seen = look.look(kafka, {2000});
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_partition_leader{cluster="c",partition="1",topic="t"})"), -1);
    EXPECT_EQ(kafka.config_calls, 1);
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("retention.ms"), "86400000");
}

TEST(Kafka, ABrokerThatHoldsReplicasIsMissedThoughItWasNeverSeen) {
    FakeKafka kafka;
    kafka.broker_2_gone = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="1",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 0);
}

TEST(Kafka, ASilentBrokerIsUnreachableAndTheLookPartial) {
    FakeKafka kafka;
    kafka.broker_2_silent = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::partial);
    EXPECT_EQ(value(seen, R"(kafka_broker_up{broker="2",cluster="c"})"), 1);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_NE(seen.error.find("broker 2: no answer"), std::string::npos);
}

TEST(Kafka, NobodyAnsweringIsAFailedLook) {
    FakeKafka kafka;
    kafka.metadata_fails = true;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_TRUE(seen.samples.empty()) << "nobody knows which brokers there are";
}

TEST(Kafka, NobodyAnsweringAnyMoreIsToldOfEveryBrokerThatWasSeen) {
    FakeKafka kafka;
    auto look = collector();
    (void)look.look(kafka, {1000});
    kafka.metadata_fails = true;
    const auto seen = look.look(kafka, {2000});
    EXPECT_EQ(seen.outcome, ScrapeOutcome::failed);
    EXPECT_EQ(seen.error, "nobody answers");
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="1",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_reachable{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(seen.samples.size(), 2u) << "what metadata would have said is not known";
    kafka.metadata_error = ErrorCode::invalid;
    EXPECT_TRUE(look.look(kafka, {2500}).samples.empty()) << "who refuses our login is there";
    kafka.metadata_fails = false;
    EXPECT_EQ(value(look.look(kafka, {3000}), R"(kafka_broker_reachable{broker="2",cluster="c"})"), 1);
}

TEST(Kafka, ALeaderIsDisplacedWhileThePreferredOneIsInSyncAndDoesNotLead) {
    FakeKafka kafka;
    const auto displaced = [&](const char* broker) {
        auto look = collector();
        const auto seen = look.look(kafka, {1000});
        EXPECT_EQ(value(seen, R"(kafka_broker_leaders_preferred{broker="2",cluster="c"})"), 1);
        const auto& about = seen.attributes.at({"c", "broker", "2"});
        const auto named = about.find("displaced_partitions");
        return std::pair(
            value(seen, fmt::format(R"(kafka_broker_leaders_displaced{{broker="{}",cluster="c"}})", broker)),
            named == about.end() ? std::string() : named->second);
    };
    EXPECT_EQ(displaced("2"), std::pair(std::optional(0.0), std::string()));
    kafka.leader_of_1 = 1;
    kafka.isr_of_1 = {1};
    EXPECT_EQ(displaced("2"), std::pair(std::optional(0.0), std::string())) << "out of sync: it can't lead yet";
    kafka.isr_of_1 = {1, 2};
    EXPECT_EQ(displaced("2"), std::pair(std::optional(1.0), std::string("t:1")));
    EXPECT_EQ(displaced("1"), std::pair(std::optional(0.0), std::string("t:1")));
    kafka.broker_2_gone = true;
    auto look = collector();
    EXPECT_EQ(value(look.look(kafka, {1000}), R"(kafka_broker_leaders_displaced{broker="2",cluster="c"})"), 0)
        << "no leader at all is another trouble";
}

// One that was put last in all replicas, as a slow broker is: what was wanted is then known, not missing.
TEST(Kafka, ThatABrokerIsToLeadNothingIsTold) {
    FakeKafka kafka;
    kafka.replicas_of_1 = {1, 2};
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(value(seen, R"(kafka_broker_leaders_preferred{broker="1",cluster="c"})"), 2);
    EXPECT_EQ(value(seen, R"(kafka_broker_leaders_preferred{broker="2",cluster="c"})"), 0);
    EXPECT_EQ(value(seen, R"(kafka_broker_leaders_displaced{broker="2",cluster="c"})"), 0);
    kafka.broker_2_gone = true;
    EXPECT_EQ(value(look.look(kafka, {2000}), R"(kafka_broker_leaders_preferred{broker="2",cluster="c"})"),
              std::nullopt)
        << "nobody tells of one that is away";
}

TEST(Kafka, WhomABrokerLeadsOrShouldLeadIsToldWithWhoCouldDoItInstead) {
    FakeKafka kafka;
    const auto leadership = [&](const char* broker) {
        auto look = collector();
        const auto seen = look.look(kafka, {1000});
        const auto& about = seen.attributes.at({"c", "broker", broker});
        const auto found = about.find("leadership");
        return found == about.end() ? std::string("(not told)") : found->second;
    };
    EXPECT_EQ(leadership("1"), "t:0=1|1,2|1,2");
    EXPECT_EQ(leadership("2"), "t:1=2|2,1|2");
    kafka.leader_of_1 = 1;
    EXPECT_EQ(leadership("1"), "t:0=1|1,2|1,2;t:1=1|2,1|2");
    EXPECT_EQ(leadership("2"), "t:1=1|2,1|2") << "it does not lead it, and should";
    kafka.broker_2_gone = true;
    EXPECT_EQ(leadership("2"), "(not told)") << "one that is away could be asked for nothing";
}

TEST(Kafka, EachBrokersOwnSettingsAreToldAndWhatIsHiddenIsSaid) {
    FakeKafka kafka;
    auto look = collector();
    const auto seen = look.look(kafka, {1000});
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("auto.leader.rebalance.enable"), "false");
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("address"), "h:9093");
    kafka.broker_2_gone = true;
    const auto gone = look.look(kafka, {2000}).attributes.at({"c", "broker", "2"});
    EXPECT_FALSE(gone.contains("auto.leader.rebalance.enable"));
    EXPECT_EQ(gone.at("kafka_broker_needed_by"), needed_by_nothing) << "also of one that the cluster no longer lists";
    kafka.broker_2_gone = false;
    kafka.forbidden = true;
    auto other = collector();
    const auto hidden = other.look(kafka, {1000});
    EXPECT_FALSE(hidden.attributes.at({"c", "broker", "2"}).contains("auto.leader.rebalance.enable"));
    EXPECT_NE(hidden.attributes.at({"c", "cluster", "c"}).at("kafka_not_visible").find("settings of broker 2"),
              std::string::npos);
}

TEST(Kafka, ThrottlesThatNameReplicasAreToldWithTheirRates) {
    FakeKafka kafka;
    kafka.rate_of_2 = "1000";
    const auto look_at = [&] {
        auto look = collector();
        return look.look(kafka, {1000});
    };
    auto seen = look_at();
    const char* const throttled = R"(kafka_topic_throttled_replicas{cluster="c",side="follower",topic="t"})";
    EXPECT_EQ(value(seen, throttled), 2);
    EXPECT_EQ(
        value(seen, R"(kafka_broker_replication_throttle_bytes_per_second{broker="2",cluster="c",side="leader"})"),
        1000);
    EXPECT_EQ(count(seen, "kafka_broker_replication_throttle_bytes_per_second"), 1u) << "not set is no limit";
    EXPECT_EQ(seen.attributes.at({"c", "broker", "1"}).at("leader.replication.throttled.rate"), "none");
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("leader.replication.throttled.rate"), "1000");
    kafka.throttled = "*";
    kafka.rate_source = wire::ConfigSource::dynamic_default_broker;
    seen = look_at();
    EXPECT_EQ(count(seen, "kafka_broker_replication_throttle_bytes_per_second"), 0u) << "of all brokers alike";
    EXPECT_EQ(seen.attributes.at({"c", "broker", "2"}).at("leader.replication.throttled.rate"), "none");
    EXPECT_EQ(count(seen, "kafka_topic_throttled_replicas"), 0u) << "a standing limit";
    EXPECT_EQ(seen.attributes.at({"c", "topic", "t"}).at("follower.replication.throttled.replicas"), "*");
    kafka.throttled = "";
    EXPECT_EQ(look_at().attributes.at({"c", "topic", "t"}).at("follower.replication.throttled.replicas"), "none");
}

TEST(Kafka, AGroupAheadOfTheEndThatWasReadHasNoLag) {
    FakeKafka kafka;
    kafka.committed_offset = 120;
    auto look = collector();
    EXPECT_EQ(
        value(look.look(kafka, {1000}), R"(kafka_group_lag_records{cluster="c",group="g",partition="0",topic="t"})"),
        0);
}

}  // namespace
}  // namespace medic
