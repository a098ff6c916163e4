#include "engine/broker/group.h"

#include <gtest/gtest.h>

#include "engine/broker/group_records.h"

namespace medic::engine::broker {
namespace {
using wire::KafkaError;

constexpr Instant at(std::int64_t ms) { return Instant(Duration(ms)); }

class GroupTest : public ::testing::Test {
protected:
    JoinAsk ask(std::string member = "", std::string metadata = "m") {
        return {.token = ++token_,
                .member_id = std::move(member),
                .instance_id = {},
                .client_id = "c",
                .client_host = "/h",
                .protocol_type = "consumer",
                .protocols = {{"range", std::move(metadata)}},
                .session_timeout = Duration(10'000),
                .rebalance_timeout = Duration(60'000)};
    }
    GroupEffects join(const JoinAsk& asked, Instant now) {
        GroupEffects effects;
        group_.join(asked, now, effects);
        return effects;
    }
    GroupEffects tick(Instant now) {
        GroupEffects effects;
        group_.tick(now, effects);
        return effects;
    }
    GroupEffects sync(const std::string& member, std::int32_t generation,
                      std::map<std::string, std::string> assignments, Instant now) {
        GroupEffects effects;
        group_.sync({.token = ++token_,
                     .member_id = member,
                     .instance_id = {},
                     .generation = generation,
                     .assignments = std::move(assignments)},
                    now, effects);
        return effects;
    }
    // Two members, stable at generation 1: "c-1" leads.
    void settle() {
        join(ask(), at(0));
        join(ask(), at(0));
        ASSERT_EQ(tick(at(3'000)).joins.size(), 2u);
        sync("c-2", 1, {}, at(3'000));
        ASSERT_EQ(sync("c-1", 1, {{"c-1", "p0"}, {"c-2", "p1"}}, at(3'000)).syncs.size(), 2u);
        ASSERT_EQ(group_.state(), Group::State::stable);
    }

    int ids_ = 0;
    GroupToken token_ = 0;
    Group group_{{.initial_delay = Duration(3'000), .new_member_id = [this](const std::string& client) {
                      return client + "-" + std::to_string(++ids_);
                  }}};
};

TEST_F(GroupTest, gathers_first_members_then_the_leader_assigns) {
    EXPECT_TRUE(join(ask(), at(0)).joins.empty()) << "others may be about to come";
    EXPECT_TRUE(join(ask(), at(1'000)).joins.empty());
    EXPECT_TRUE(tick(at(3'999)).joins.empty()) << "each newcomer extends the wait";
    const auto joined = tick(at(4'000));
    ASSERT_EQ(joined.joins.size(), 2u);
    EXPECT_EQ(joined.joins[0].generation, 1);
    EXPECT_EQ(joined.joins[0].leader, "c-1");
    EXPECT_EQ(joined.joins[0].members.size(), 2u);
    EXPECT_TRUE(joined.joins[1].members.empty()) << "only the leader learns the members";

    EXPECT_TRUE(sync("c-2", 1, {}, at(4'100)).syncs.empty()) << "waits for the leader";
    const auto synced = sync("c-1", 1, {{"c-1", "a"}, {"c-2", "b"}}, at(4'200));
    ASSERT_EQ(synced.syncs.size(), 2u);
    EXPECT_TRUE(synced.store);
    EXPECT_EQ(group_.members().at("c-2").assignment, "b");
    EXPECT_EQ(group_.heartbeat("c-2", {}, 1, at(4'300)), KafkaError::none);
}

TEST_F(GroupTest, a_newcomer_makes_everybody_rejoin) {
    settle();
    EXPECT_TRUE(join(ask(), at(5'000)).joins.empty());
    EXPECT_EQ(group_.heartbeat("c-1", {}, 1, at(5'000)), KafkaError::rebalance_in_progress);
    EXPECT_TRUE(join(ask("c-1"), at(5'100)).joins.empty());
    const auto joined = join(ask("c-2"), at(5'200));
    ASSERT_EQ(joined.joins.size(), 3u);
    EXPECT_EQ(joined.joins[0].generation, 2);
    EXPECT_EQ(group_.check_commit("c-1", {}, 1, at(5'200)), KafkaError::illegal_generation);
}

TEST_F(GroupTest, members_that_do_not_rejoin_in_time_are_out) {
    settle();
    join(ask(), at(5'000));
    join(ask("c-1"), at(5'100));
    for (std::int64_t ms = 6'000; ms < 65'000; ms += 1'000) {
        ASSERT_EQ(group_.heartbeat("c-2", {}, 1, at(ms)), KafkaError::rebalance_in_progress);
        ASSERT_TRUE(tick(at(ms)).joins.empty());
    }
    const auto joined = tick(at(65'000));
    EXPECT_EQ(joined.joins.size(), 2u);
    EXPECT_FALSE(group_.members().contains("c-2"));
}

TEST_F(GroupTest, a_silent_member_loses_its_session) {
    settle();
    ASSERT_EQ(group_.heartbeat("c-1", {}, 1, at(12'000)), KafkaError::none);
    tick(at(13'000));
    EXPECT_EQ(group_.state(), Group::State::stable) << "exactly at the time-out it is still there";
    tick(at(13'001));
    EXPECT_FALSE(group_.members().contains("c-2"));
    EXPECT_EQ(group_.state(), Group::State::preparing_rebalance);
    EXPECT_EQ(group_.heartbeat("c-2", {}, 1, at(13'002)), KafkaError::unknown_member_id);
}

TEST_F(GroupTest, the_last_member_leaves_an_empty_group) {
    settle();
    GroupEffects effects;
    EXPECT_EQ(group_.leave("c-1", {}, at(4'000), effects), KafkaError::none);
    join(ask("c-2"), at(4'000));
    EXPECT_EQ(group_.leave("c-2", {}, at(4'100), effects), KafkaError::none);
    EXPECT_EQ(group_.state(), Group::State::empty);
    EXPECT_TRUE(effects.store);
    EXPECT_EQ(group_.leave("c-2", {}, at(4'200), effects), KafkaError::unknown_member_id);
    EXPECT_EQ(group_.check_commit("", {}, -1, at(4'300)), KafkaError::none) << "offsets may be set while nobody is in";
}

TEST_F(GroupTest, a_member_id_is_promised_first_where_the_client_knows_that) {
    JoinAsk asked = ask();
    asked.may_require_member_id = true;
    const auto told = join(asked, at(0));
    ASSERT_EQ(told.joins.size(), 1u);
    EXPECT_EQ(told.joins[0].fault, KafkaError::member_id_required);
    EXPECT_TRUE(group_.members().empty());
    join(ask(told.joins[0].member_id), at(10));
    EXPECT_EQ(group_.members().size(), 1u);
    EXPECT_EQ(join(ask("never-given-out"), at(20)).joins.at(0).fault, KafkaError::unknown_member_id);
}

TEST_F(GroupTest, protocols_must_have_one_in_common) {
    settle();
    JoinAsk asked = ask();
    asked.protocols = {{"sticky", "m"}};
    EXPECT_EQ(join(asked, at(5'000)).joins.at(0).fault, KafkaError::inconsistent_group_protocol);
    asked.protocols = {{"range", "m"}};
    asked.protocol_type = "connect";
    EXPECT_EQ(join(asked, at(5'000)).joins.at(0).fault, KafkaError::inconsistent_group_protocol);
}

TEST_F(GroupTest, a_follower_that_rejoins_unchanged_keeps_the_generation) {
    settle();
    const auto told = join(ask("c-2"), at(5'000));
    ASSERT_EQ(told.joins.size(), 1u);
    EXPECT_EQ(told.joins[0].generation, 1);
    EXPECT_EQ(group_.state(), Group::State::stable);
    EXPECT_TRUE(join(ask("c-2", "other topics"), at(5'000)).joins.empty())
        << "a changed subscription needs a rebalance";
}

TEST_F(GroupTest, a_static_member_takes_its_predecessors_place) {
    JoinAsk asked = ask();
    asked.instance_id = "one";
    join(asked, at(0));
    ASSERT_EQ(tick(at(3'000)).joins.size(), 1u);
    sync("c-1", 1, {{"c-1", "p0"}}, at(3'000));
    JoinAsk again = ask();
    again.instance_id = "one";
    join(again, at(4'000));
    EXPECT_EQ(group_.members().size(), 1u);
    EXPECT_EQ(group_.heartbeat("c-1", "one", 1, at(4'000)), KafkaError::fenced_instance_id);
}

TEST_F(GroupTest, a_static_members_new_id_is_stored_though_nothing_else_changes) {
    for (const char* name : {"one", "two"}) {
        JoinAsk asked = ask();
        asked.instance_id = name;
        join(asked, at(0));
    }
    ASSERT_EQ(tick(at(3'000)).joins.size(), 2u);
    sync("c-1", 1, {{"c-1", "p0"}, {"c-2", "p1"}}, at(3'000));
    JoinAsk again = ask();
    again.instance_id = "two";
    const auto told = join(again, at(4'000));
    ASSERT_EQ(told.joins.size(), 1u);
    EXPECT_EQ(told.joins[0].fault, KafkaError::none) << "no rebalance for one who came back";
    EXPECT_TRUE(told.store);

    Group next{{.initial_delay = Duration(0), .new_member_id = [](const std::string&) { return std::string("x"); }}};
    next.restore(*decode_group(encode_value(group_.stored(), 5)), at(5'000));
    EXPECT_EQ(next.heartbeat(told.joins[0].member_id, "two", 1, at(5'001)), KafkaError::none);
    EXPECT_EQ(next.members().at(told.joins[0].member_id).assignment, "p1");
}

TEST_F(GroupTest, waiting_members_are_told_when_the_coordinator_moves) {
    join(ask(), at(0));
    GroupEffects effects;
    group_.dissolve(effects);
    ASSERT_EQ(effects.joins.size(), 1u);
    EXPECT_EQ(effects.joins[0].fault, KafkaError::not_coordinator);
    EXPECT_EQ(join(ask(), at(1)).joins.at(0).fault, KafkaError::coordinator_not_available);
}

TEST_F(GroupTest, what_is_stored_brings_the_same_members_back) {
    settle();
    const auto stored = decode_group(encode_value(group_.stored(), 5));
    ASSERT_TRUE(stored);
    Group next{{.initial_delay = Duration(0), .new_member_id = [](const std::string&) { return std::string("x"); }}};
    next.restore(*stored, at(50'000));
    EXPECT_EQ(next.state(), Group::State::stable);
    EXPECT_EQ(next.heartbeat("c-2", {}, 1, at(50'001)), KafkaError::none) << "no rebalance for a coordinator's death";
    EXPECT_EQ(next.members().at("c-2").assignment, "p1");
    EXPECT_EQ(next.metadata_of(next.members().at("c-2")), "m");
}

TEST(GroupRecords, keys_and_offsets_read_back_and_refuse_damage) {
    const std::string key = encode_key(OffsetKey{"g", {"topic", 4}});
    const auto read = decode_key(key);
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<OffsetKey>(*read).partition, (TopicPartition{"topic", 4}));
    EXPECT_EQ(std::get<GroupKey>(*decode_key(encode_key(GroupKey{"g"}))).group, "g");
    const auto offset = decode_offset(encode_value(CommittedOffset{42, 3, "note", 7}));
    ASSERT_TRUE(offset);
    EXPECT_EQ(offset->offset, 42);
    EXPECT_EQ(offset->metadata, "note");
    for (std::size_t size = 0; size < key.size(); ++size) EXPECT_FALSE(decode_key(key.substr(0, size))) << size;
    EXPECT_FALSE(decode_offset(""));
}

TEST(GroupRecords, groups_spread_as_kafka_spreads_them) {
    // Java: "g".hashCode() is 103, "ab".hashCode() is 97 * 31 + 98.
    EXPECT_EQ(coordinator_partition("g", 50), 103 % 50);
    EXPECT_EQ(coordinator_partition("ab", 50), (97 * 31 + 98) % 50);
}

}  // namespace
}  // namespace medic::engine::broker
