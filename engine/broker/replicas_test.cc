#include "engine/broker/replicas.h"

#include <gtest/gtest.h>

#include "engine/broker/broker_scene_internal.h"

namespace medic::engine::broker {
namespace {

constexpr BrokerId follower = 2;

PartitionState led(std::vector<BrokerId> isr) {
    return {.topic = "t", .replicas = {scene_broker, follower}, .isr = std::move(isr), .leader = scene_broker};
}

PartitionState followed() {
    return {.topic = "t", .replicas = {scene_broker, follower}, .isr = {scene_broker, follower}, .leader = follower};
}

class ReplicasTest : public ::testing::Test {
protected:
    void fetched(Replica& replica, std::int64_t offset) {
        scene_.replicas.on_follower_fetch(replica, follower, offset, scene_.loop.now());
    }
    // Appends a record that waits for the follower; `told_` is what its writer hears.
    void write_and_wait(Replica& replica) {
        scene_.produce.append_own(replica, make_batch(), [this](Fault fault) { told_ = fault; });
    }

    TemporaryFolder folder_;
    BrokerScene scene_{folder_.path()};
    std::optional<Fault> told_;
};

TEST_F(ReplicasTest, a_topic_created_again_under_its_name_begins_with_an_empty_log) {
    Replica& old = scene_.place(led({scene_broker}));
    ASSERT_EQ(scene_.append(old, make_batch()), Fault::none);
    ASSERT_EQ(scene_.place(led({scene_broker})).log->end_offset(), 1) << "the same topic keeps it";
    EXPECT_EQ(scene_.place(led({scene_broker}), 2).log->end_offset(), 0);
    EXPECT_EQ(scene_.replicas.find("t", 0)->high_watermark, 0);
}

TEST_F(ReplicasTest, who_writes_to_a_topic_that_is_deleted_and_created_again_hears_it) {
    write_and_wait(scene_.place(led({scene_broker, follower})));
    scene_.place(led({scene_broker, follower}), 2);
    scene_.produce.flush();
    EXPECT_EQ(told_, Fault::unknown_topic_or_partition);
}

TEST_F(ReplicasTest, records_that_wait_are_committed_though_a_reassignment_ends_meanwhile) {
    PartitionState state = led({scene_broker, follower});
    Replica& replica = scene_.place(state);
    write_and_wait(replica);
    const std::size_t before = scene_.leaderships.size();
    ++state.leader_epoch;
    scene_.place(state);
    scene_.produce.flush();
    EXPECT_FALSE(told_) << "they are stored, and nobody else has led";
    EXPECT_EQ(scene_.leaderships.size(), before) << "what was loaded from this log is still right";
    fetched(replica, 1);
    scene_.produce.flush();
    EXPECT_EQ(told_, Fault::none);
}

TEST_F(ReplicasTest, records_that_wait_are_given_up_when_another_may_have_led_in_between) {
    PartitionState state = led({scene_broker, follower});
    write_and_wait(scene_.place(state));
    state.leader_epoch += 2;
    scene_.place(state);
    scene_.produce.flush();
    EXPECT_EQ(told_, Fault::not_leader_or_follower);
}

TEST_F(ReplicasTest, an_answer_to_an_older_wish_leaves_the_present_one_alone) {
    scene_.image.apply(BrokerRecord{{.id = follower, .fenced = false}});
    PartitionState state = led({scene_broker});
    Replica& replica = scene_.place(state);
    fetched(replica, 0);
    ASSERT_EQ(scene_.wishes.size(), 1u);
    const AlterPartition older = scene_.wishes[0];
    ++state.partition_epoch;  // Something else has changed.
    scene_.place(state);
    fetched(replica, 0);
    const AlterPartition present = scene_.wishes.at(0);
    ASSERT_EQ(present.partition_epoch, 1);

    scene_.replicas.isr_answer(older, Fault::ineligible_replica);
    ASSERT_EQ(scene_.append(replica, make_batch()), Fault::none);
    EXPECT_EQ(replica.high_watermark, 0) << "the follower may be in sync any moment";
    scene_.replicas.isr_answer(present, Fault::invalid_update_version);
    ASSERT_EQ(scene_.append(replica, make_batch()), Fault::none);
    EXPECT_EQ(replica.high_watermark, 0) << "the controller's newer word may be that very wish";
    scene_.replicas.isr_answer(present, Fault::ineligible_replica);
    ASSERT_EQ(scene_.append(replica, make_batch()), Fault::none);
    EXPECT_EQ(replica.high_watermark, 3);
}

TEST_F(ReplicasTest, a_transaction_that_ended_long_ago_holds_nobody_up_after_a_crash) {
    {
        BrokerScene crashed(folder_.path());
        Replica& replica = crashed.place(led({scene_broker}));
        const std::string batch = make_batch({.producer_id = 7, .epoch = 0, .sequence = 0, .transactional = true});
        ASSERT_EQ(crashed.append(replica, batch), Fault::none);
        ASSERT_EQ(crashed.append(replica, make_marker(), Origin::broker), Fault::none);
        ASSERT_EQ(replica.last_stable_offset(), 2);
        crashed.replicas.store_high_watermarks();
    }
    BrokerScene again(folder_.path());
    EXPECT_EQ(again.place(led({scene_broker})).last_stable_offset(), 2);
}

TEST_F(ReplicasTest, a_transaction_below_the_high_watermark_holds_nobody_up_after_a_cut) {
    Replica& replica = scene_.place(followed());
    const std::string batches =
        make_batch({.producer_id = 7, .epoch = 0, .sequence = 0, .leader_epoch = 0, .transactional = true}) +
        make_marker({.base_offset = 1}) + make_batch({.base_offset = 2, .leader_epoch = 0});
    ASSERT_TRUE(scene_.replicas.append_fetched(replica, batches, 2, 1'000));
    scene_.replicas.truncate(replica, 2);
    ASSERT_EQ(replica.log->end_offset(), 2);
    EXPECT_EQ(replica.last_stable_offset(), 2);
}

}  // namespace
}  // namespace medic::engine::broker
