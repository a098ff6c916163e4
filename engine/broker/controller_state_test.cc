#include "engine/broker/controller_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/broker/metadata_log.h"
#include "engine/broker/test_support_internal.h"

namespace medic::engine::broker {
namespace {

constexpr Instant at(std::int64_t ms) { return Instant(Duration(ms)); }

class ControllerTest : public ::testing::Test {
protected:
    ControllerTest() { state_.begin(at(0)); }

    void join(BrokerId id, Instant now = at(0)) {
        epochs_[id] = ++next_epoch_;
        const auto reply = state_.register_broker(
            {.id = id, .incarnation = std::to_string(next_epoch_), .host = "h", .port = 9'000 + id, .cluster_id = ""},
            epochs_[id], now);
        ASSERT_EQ(reply.fault, Fault::none);
        beat(id, now);
    }
    HeartbeatReply beat(BrokerId id, Instant now, bool leaving = false, bool disk_gone = false) {
        return state_.heartbeat({.id = id,
                                 .epoch = epochs_[id],
                                 .metadata_offset = epochs_[id] + 1,
                                 .want_shutdown = leaving,
                                 .log_dir_offline = disk_gone},
                                now);
    }
    void cluster_with_topic(std::int32_t partitions = 1) {
        for (const BrokerId id : {1, 2, 3}) join(id);
        ASSERT_TRUE(state_.create_topic({.name = "t", .partitions = partitions, .replication_factor = 3}).ok());
    }
    // Nobody leads any more, and one is in sync. Returns another one.
    BrokerId lose_everybody() {
        const BrokerId leader = t0().leader;
        EXPECT_EQ(alter(leader, {leader}), Fault::none);
        state_.tick(at(60'000));
        EXPECT_EQ(t0().leader, no_broker);
        return *std::ranges::find_if(t0().replicas, [&](BrokerId id) { return !contains(t0().isr, id); });
    }
    const PartitionState& t0() { return *state_.image().partition("t", 0); }
    Fault alter(BrokerId from, std::vector<BrokerId> isr) {
        const auto reply = state_.alter_partitions({.id = from,
                                                    .epoch = epochs_[from],
                                                    .partitions = {{.topic = "t",
                                                                    .partition = 0,
                                                                    .leader_epoch = t0().leader_epoch,
                                                                    .partition_epoch = t0().partition_epoch,
                                                                    .isr = std::move(isr)}}});
        return reply.fault != Fault::none ? reply.fault : reply.partitions.at(0);
    }

    std::uint8_t next_id_ = 0;
    ControllerState state_{{.config = {}, .session_timeout = Duration(9'000)}, [this] {
                               Uuid id;
                               id.bytes[0] = ++next_id_;
                               return id;
                           }};
    std::map<BrokerId, std::int64_t> epochs_;
    std::int64_t next_epoch_ = 0;
};

TEST_F(ControllerTest, a_broker_serves_only_after_it_has_seen_its_registration) {
    epochs_[1] = 5;
    ASSERT_EQ(
        state_.register_broker({.id = 1, .incarnation = "a", .host = "h", .port = 1, .cluster_id = ""}, 5, at(0)).fault,
        Fault::none);
    EXPECT_TRUE(state_.heartbeat({.id = 1, .epoch = 5, .metadata_offset = 5}, at(0)).fenced);
    EXPECT_FALSE(state_.heartbeat({.id = 1, .epoch = 5, .metadata_offset = 6}, at(0)).fenced);
    EXPECT_EQ(state_.heartbeat({.id = 1, .epoch = 4, .metadata_offset = 6}, at(0)).fault, Fault::stale_broker_epoch);
    EXPECT_EQ(state_.heartbeat({.id = 9, .epoch = 4, .metadata_offset = 6}, at(0)).fault,
              Fault::broker_id_not_registered);
}

TEST_F(ControllerTest, refuses_a_broker_of_another_cluster) {
    const auto reply =
        state_.register_broker({.id = 1, .incarnation = "a", .host = "h", .port = 1, .cluster_id = "other"}, 1, at(0));
    EXPECT_NE(reply.fault, Fault::none);
}

TEST_F(ControllerTest, spreads_leaders_and_refuses_what_cannot_be_placed) {
    cluster_with_topic(3);
    std::set<BrokerId> leaders;
    for (const auto& partition : state_.image().topic("t")->partitions) {
        leaders.insert(partition.leader);
        EXPECT_EQ(partition.isr.size(), 3u);
    }
    EXPECT_EQ(leaders.size(), 3u);
    EXPECT_EQ(state_.create_topic({.name = "t", .partitions = 1, .replication_factor = 1}).fault,
              Fault::topic_already_exists);
    EXPECT_EQ(state_.create_topic({.name = "u", .partitions = 1, .replication_factor = 4}).fault,
              Fault::invalid_replication_factor);
    EXPECT_EQ(state_.create_topic({.name = "a b"}).fault, Fault::invalid_topic_exception);
    EXPECT_EQ(state_.create_topic({.name = "u", .configs = {{"retention.ms", "soon"}}}).fault, Fault::invalid_config);
    EXPECT_TRUE(state_.create_topic({.name = "u", .validate_only = true}).ok());
    EXPECT_EQ(state_.image().topic("u"), nullptr);
}

TEST_F(ControllerTest, a_new_leader_comes_from_the_isr_when_the_session_ends) {
    cluster_with_topic();
    const BrokerId first = t0().leader;
    const std::int32_t epoch = t0().leader_epoch;
    for (const BrokerId id : {1, 2, 3}) {
        if (id != first) beat(id, at(9'000));
    }
    state_.tick(at(9'000));
    EXPECT_EQ(t0().leader, first) << "exactly at the time-out it still has its session";
    state_.tick(at(9'001));
    EXPECT_NE(t0().leader, first);
    EXPECT_GT(t0().leader_epoch, epoch);
    EXPECT_EQ(t0().isr.size(), 2u);
    EXPECT_EQ(std::ranges::count(t0().isr, first), 0);
}

TEST_F(ControllerTest, the_last_in_sync_replica_keeps_its_place_and_leads_again_when_back) {
    cluster_with_topic();
    const BrokerId leader = t0().leader;
    ASSERT_EQ(alter(leader, {leader}), Fault::none);
    for (const BrokerId id : {1, 2, 3}) {
        if (id != leader) beat(id, at(20'000));
    }
    state_.tick(at(20'000));
    EXPECT_EQ(t0().leader, no_broker) << "others lack acknowledged records";
    EXPECT_EQ(t0().isr, std::vector<BrokerId>{leader});
    join(leader, at(21'000));
    EXPECT_EQ(t0().leader, leader);
}

TEST_F(ControllerTest, unclean_election_gives_records_up_only_where_the_topic_allows_it) {
    cluster_with_topic();
    const std::vector<ConfigChange> allow{{.key = "unclean.leader.election.enable", .value = "true"}};
    ASSERT_TRUE(state_.alter_configs(ConfigResource::topic, "t", allow).ok());
    const BrokerId leader = t0().leader;
    ASSERT_EQ(alter(leader, {leader}), Fault::none);
    for (const BrokerId id : {1, 2, 3}) {
        if (id != leader) beat(id, at(20'000));
    }
    state_.tick(at(20'000));
    EXPECT_NE(t0().leader, no_broker);
    EXPECT_NE(t0().leader, leader);
    EXPECT_EQ(t0().isr, std::vector<BrokerId>{t0().leader});
}

TEST_F(ControllerTest, an_heir_that_returns_later_leads_uncleanly_where_the_topic_allows_it) {
    cluster_with_topic();
    const std::vector<ConfigChange> allow{{.key = "unclean.leader.election.enable", .value = "true"}};
    ASSERT_TRUE(state_.alter_configs(ConfigResource::topic, "t", allow).ok());
    const BrokerId heir = lose_everybody();
    const std::int32_t epoch = t0().leader_epoch;
    join(heir, at(61'000));
    EXPECT_EQ(t0().leader, heir);
    EXPECT_EQ(t0().isr, std::vector<BrokerId>{heir});
    EXPECT_GT(t0().leader_epoch, epoch);
}

TEST_F(ControllerTest, an_heir_that_returns_later_does_not_lead_where_records_must_not_be_lost) {
    cluster_with_topic();
    const BrokerId heir = lose_everybody();
    const auto isr = t0().isr;
    join(heir, at(61'000));
    EXPECT_EQ(t0().leader, no_broker);
    EXPECT_EQ(t0().isr, isr);
}

TEST_F(ControllerTest, an_unclean_election_takes_the_first_replica_that_serves) {
    cluster_with_topic();
    const BrokerId leader = t0().leader;
    EXPECT_EQ(state_.elect_unclean("t", 0).fault, Fault::election_not_needed) << "whatever leads is left alone";
    EXPECT_EQ(state_.elect_unclean("none", 0).fault, Fault::unknown_topic_or_partition);
    EXPECT_EQ(state_.elect_unclean("t", 99).fault, Fault::unknown_topic_or_partition);
    ASSERT_EQ(alter(leader, {leader}), Fault::none);
    for (const BrokerId id : {1, 2, 3}) {
        if (id != leader) beat(id, at(20'000));
    }
    state_.tick(at(20'000));
    ASSERT_EQ(t0().leader, no_broker);
    const std::int32_t epoch = t0().leader_epoch;
    ASSERT_TRUE(state_.elect_unclean("t", 0).ok());
    const auto serves = [&](BrokerId id) { return id != leader; };
    EXPECT_EQ(t0().leader, *std::ranges::find_if(t0().replicas, serves));
    EXPECT_EQ(t0().isr, std::vector<BrokerId>{t0().leader});
    EXPECT_GT(t0().leader_epoch, epoch) << "the old leader must see that its log is of another time";
    const BrokerId heir = t0().leader;
    join(leader, at(21'000));
    EXPECT_EQ(t0().leader, heir) << "who was in sync once follows";
}

TEST_F(ControllerTest, an_unclean_election_needs_somebody_who_serves) {
    cluster_with_topic();
    state_.tick(at(60'000));
    ASSERT_EQ(t0().leader, no_broker);
    EXPECT_EQ(state_.elect_unclean("t", 0).fault, Fault::eligible_leaders_not_available);
    EXPECT_EQ(t0().leader, no_broker);
}

TEST_F(ControllerTest, isr_changes_need_the_leader_its_epoch_and_usable_replicas) {
    cluster_with_topic();
    const BrokerId leader = t0().leader;
    const BrokerId other = t0().replicas[1];
    EXPECT_EQ(alter(other, {other}), Fault::not_leader_or_follower);
    EXPECT_EQ(alter(leader, {other}), Fault::invalid_request) << "a leader is always in sync";
    EXPECT_EQ(alter(leader, {leader, 9}), Fault::invalid_request);
    auto stale = state_.alter_partitions({.id = leader,
                                          .epoch = epochs_[leader],
                                          .partitions = {{.topic = "t",
                                                          .partition = 0,
                                                          .leader_epoch = t0().leader_epoch,
                                                          .partition_epoch = 77,
                                                          .isr = {leader}}}});
    EXPECT_EQ(stale.partitions.at(0), Fault::invalid_update_version);
    ASSERT_EQ(alter(leader, {leader}), Fault::none);
    beat(other, at(0), true);
    EXPECT_EQ(alter(leader, {leader, other}), Fault::ineligible_replica) << "it is shutting down";
}

TEST_F(ControllerTest, a_controlled_shutdown_moves_leaders_first) {
    cluster_with_topic(6);
    EXPECT_FALSE(beat(1, at(0)).may_shut_down);
    EXPECT_TRUE(beat(1, at(1), true).may_shut_down);
    for (const auto& partition : state_.image().topic("t")->partitions) EXPECT_NE(partition.leader, 1);
}

TEST_F(ControllerTest, leaders_leave_a_broker_whose_disk_failed) {
    cluster_with_topic(3);
    beat(2, at(0), false, true);
    for (const auto& partition : state_.image().topic("t")->partitions) {
        EXPECT_NE(partition.leader, 2);
        EXPECT_EQ(std::ranges::count(partition.isr, 2), 0);
    }
}

TEST_F(ControllerTest, a_reassignment_cuts_over_when_all_targets_are_in_sync) {
    for (const BrokerId id : {1, 2, 3, 4}) join(id);
    ASSERT_TRUE(state_.create_topic({.name = "t", .assignment = {{1, 2, 3}}}).ok());
    ASSERT_TRUE(state_.reassign("t", 0, std::vector<BrokerId>{4, 2, 3}).ok());
    EXPECT_EQ(t0().adding, std::vector<BrokerId>{4});
    EXPECT_EQ(t0().removing, std::vector<BrokerId>{1});
    EXPECT_EQ(t0().leader, 1) << "data stays where it is until the new replica has it";
    ASSERT_EQ(alter(1, {1, 2, 3, 4}), Fault::none);
    EXPECT_FALSE(t0().reassigning());
    EXPECT_EQ(t0().replicas, (std::vector<BrokerId>{4, 2, 3}));
    EXPECT_EQ(t0().isr, (std::vector<BrokerId>{2, 3, 4}));
    EXPECT_EQ(t0().leader, 4);
}

TEST_F(ControllerTest, a_cancelled_reassignment_keeps_the_replicas_that_hold_the_data) {
    for (const BrokerId id : {1, 2, 3, 4}) join(id);
    ASSERT_TRUE(state_.create_topic({.name = "t", .assignment = {{1, 2, 3}}}).ok());
    EXPECT_EQ(state_.reassign("t", 0, std::nullopt).fault, Fault::no_reassignment_in_progress);
    ASSERT_TRUE(state_.reassign("t", 0, std::vector<BrokerId>{4, 2, 3}).ok());
    ASSERT_TRUE(state_.reassign("t", 0, std::nullopt).ok());
    EXPECT_FALSE(t0().reassigning());
    auto replicas = t0().replicas;
    std::ranges::sort(replicas);
    EXPECT_EQ(replicas, (std::vector<BrokerId>{1, 2, 3}));
    EXPECT_EQ(state_.reassign("t", 0, std::vector<BrokerId>{4, 4}).fault, Fault::invalid_replica_assignment);
    EXPECT_EQ(state_.reassign("t", 0, std::vector<BrokerId>{9}).fault, Fault::invalid_replica_assignment);
}

TEST_F(ControllerTest, the_preferred_leader_comes_back_only_in_sync) {
    cluster_with_topic();
    const BrokerId preferred = t0().replicas.front();
    EXPECT_EQ(state_.elect_preferred("t", 0).fault, Fault::election_not_needed);
    EXPECT_EQ(state_.elect_preferred("u", 0).message, "No such topic as u");
    EXPECT_EQ(state_.elect_preferred("t", 1).message, "No such partition as t-1");
    beat(preferred, at(0), true);
    EXPECT_EQ(state_.elect_preferred("t", 0).fault, Fault::preferred_leader_not_available);
    join(preferred, at(1));
    ASSERT_EQ(alter(t0().leader, {1, 2, 3}), Fault::none);
    state_.balance_leaders();
    EXPECT_EQ(t0().leader, preferred);
}

TEST_F(ControllerTest, configurations_are_checked_before_any_is_applied) {
    cluster_with_topic();
    const std::vector<ConfigChange> mixed{{.key = "retention.ms", .value = "1000"},
                                          {.key = "no.such.key", .value = "1"}};
    EXPECT_EQ(state_.alter_configs(ConfigResource::topic, "t", mixed).fault, Fault::invalid_config);
    EXPECT_TRUE(state_.image().overrides(ConfigResource::topic, "t").empty());
    const std::vector<ConfigChange> good{{.key = "retention.ms", .value = "1000"}};
    ASSERT_TRUE(state_.alter_configs(ConfigResource::topic, "t", good, ApplyMode::check).ok());
    EXPECT_TRUE(state_.image().overrides(ConfigResource::topic, "t").empty());
    ASSERT_TRUE(state_.alter_configs(ConfigResource::topic, "t", good).ok());
    EXPECT_EQ(state_.image().overrides(ConfigResource::topic, "t").at("retention.ms"), "1000");
    const std::vector<ConfigChange> back{{.key = "retention.ms", .action = ConfigChange::Action::remove, .value = ""}};
    ASSERT_TRUE(state_.alter_configs(ConfigResource::topic, "t", back).ok());
    EXPECT_TRUE(state_.image().overrides(ConfigResource::topic, "t").empty());
    const std::vector<ConfigChange> fixed{{.key = "broker.session.timeout.ms", .value = "1"}};
    EXPECT_EQ(state_.alter_configs(ConfigResource::broker, "1", fixed).fault, Fault::invalid_request)
        << "only at start";
}

TEST_F(ControllerTest, the_log_rebuilds_the_same_image_and_survives_a_torn_write) {
    const TemporaryFolder folder;
    cluster_with_topic(2);
    ASSERT_TRUE(state_.delete_topic("t").ok());
    ASSERT_TRUE(state_.create_topic({.name = "u", .partitions = 2, .replication_factor = 2}).ok());
    const auto records = state_.take_records();
    {
        MetadataLog log(folder.path());
        ASSERT_TRUE(log.open([](const MetadataRecord&) {}));
        ASSERT_TRUE(log.append(records));
        EXPECT_EQ(log.end_offset(), static_cast<std::int64_t>(records.size()));
        EXPECT_EQ(log.since(0)->size(), records.size());
        EXPECT_FALSE(log.since(log.end_offset() + 1));
    }
    const auto file = folder.path() / "metadata.log";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
    ClusterImage image;
    MetadataLog log(folder.path());
    ASSERT_TRUE(log.open([&](const MetadataRecord& record) { image.apply(record); }));
    EXPECT_EQ(log.end_offset(), static_cast<std::int64_t>(records.size()) - 1);
    EXPECT_EQ(image.topic("t"), nullptr);
    ASSERT_NE(image.topic("u"), nullptr);
    ASSERT_TRUE(log.append(std::span(records).last(1)));
    ClusterImage again;
    MetadataLog reopened(folder.path());
    ASSERT_TRUE(reopened.open([&](const MetadataRecord& record) { again.apply(record); }));
    ASSERT_EQ(again.dump().size(), state_.image().dump().size());
    for (std::size_t i = 0; i < again.dump().size(); ++i) {
        EXPECT_EQ(encode_record(again.dump()[i]), encode_record(state_.image().dump()[i]));
    }
}

TEST(MetadataRecords, damaged_bytes_are_no_record) {
    const std::string good = encode_record(TopicRecord{"topic", {}});
    ASSERT_TRUE(decode_record(good));
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode_record(good.substr(0, size))) << size;
    EXPECT_FALSE(decode_record("\xFF"));
}

TEST_F(ControllerTest, client_quotas_are_kept_and_what_has_no_effect_is_refused) {
    const std::string key = "producer_byte_rate";
    ASSERT_TRUE(state_.alter_client_quotas("a", std::vector<ClientQuotaChange>{{key, 1'000.0}}).ok());
    ASSERT_TRUE(state_.alter_client_quotas(std::nullopt, std::vector<ClientQuotaChange>{{key, 1e12}}).ok());
    EXPECT_EQ(state_.image().client_quotas().at("a").at(key), 1'000);
    for (const ClientQuotaChange& bad : std::vector<ClientQuotaChange>{{key, 0.0}, {key, -1.0}, {"bytes", 1.0}})
        EXPECT_EQ(state_.alter_client_quotas("a", std::vector{bad}).fault, Fault::invalid_request) << bad.key;
    EXPECT_EQ(state_.alter_client_quotas("", std::vector<ClientQuotaChange>{{key, 1.0}}).fault, Fault::invalid_request);
    ASSERT_TRUE(state_.alter_client_quotas("a", std::vector<ClientQuotaChange>{{key, 5.0}}, ApplyMode::check).ok());
    EXPECT_EQ(state_.image().client_quotas().at("a").at(key), 1'000) << "validated only";

    ClusterImage replayed;
    for (const auto& record : state_.image().dump()) replayed.apply(*decode_record(encode_record(record)));
    EXPECT_EQ(replayed.client_quotas(), state_.image().client_quotas());
    ASSERT_TRUE(state_.alter_client_quotas("a", std::vector<ClientQuotaChange>{{key, std::nullopt}}).ok());
    EXPECT_FALSE(state_.image().client_quotas().contains("a"));
}

}  // namespace
}  // namespace medic::engine::broker
