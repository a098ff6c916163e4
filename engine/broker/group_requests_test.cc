#include "engine/broker/group_requests.h"

#include <gtest/gtest.h>

#include "agent/wire/messages/membership.h"
#include "engine/broker/broker_scene_internal.h"

namespace medic::engine::broker {
namespace {

class GroupRequestsTest : public ::testing::Test {
protected:
    GroupRequestsTest() {
        offsets_ = &scene_.place({.topic = std::string(offsets_topic),
                                  .replicas = {scene_broker},
                                  .isr = {scene_broker},
                                  .leader = scene_broker});
    }
    // As a client that has hung up already: what it would be told is lost.
    template <class Request>
    void ask(const Request& request, std::int16_t version) {
        const auto frame = wire::encode_request({.version = version}, request);
        ASSERT_TRUE(frame);
        const auto view = wire::decode_request_header(std::string_view(*frame).substr(wire::kSizePrefixBytes));
        ASSERT_TRUE(view);
        scene_.groups.on_request({.to = {}, .header = view->header, .body = view->body});
    }
    void store(const std::string& key, const std::optional<std::string>& value) {
        wire::BatchBuilder builder;
        builder.append(1'000, wire::BytesView(key),
                       value ? std::optional<wire::BytesView>(*value) : std::optional<wire::BytesView>());
        std::string batch;
        ASSERT_TRUE(builder.finish(batch));
        ASSERT_EQ(scene_.append(*offsets_, batch), Fault::none);
    }
    void load_again() { scene_.groups.on_leadership(offsets_->id); }
    std::vector<TopicPartition> tombstones() {
        std::vector<TopicPartition> found;
        for (std::int64_t offset = 0; offset < offsets_->log->end_offset();) {  // One segment at a time.
            const auto bytes = offsets_->log->read(offset, {});
            wire::BatchReader batches(*bytes);
            while (const auto batch = batches.next()) {
                offset = batch->next_offset();
                wire::RecordReader records(*batch);
                wire::Record record;
                while (records.next(record)) {
                    if (!record.value) found.push_back(std::get<OffsetKey>(*decode_key(*record.key)).partition);
                }
            }
        }
        return found;
    }

    TemporaryFolder folder_;
    BrokerScene scene_{folder_.path()};
    Replica* offsets_ = nullptr;
};

TEST_F(GroupRequestsTest, what_members_of_a_deleted_group_ask_does_not_bring_it_back) {
    ask(wire::HeartbeatRequest{.group_id = "g", .generation_id = 1, .member_id = "m"}, 3);
    ask(wire::SyncGroupRequest{.group_id = "g", .generation_id = 1, .member_id = "m"}, 3);
    ask(wire::LeaveGroupRequest{.group_id = "g", .member_id = "m"}, 1);
    ask(wire::LeaveGroupRequest{.group_id = "g", .member_id = "", .members = {{.member_id = "m"}}}, 3);
    EXPECT_EQ(scene_.groups.group_count(), 0u);
}

TEST_F(GroupRequestsTest, the_next_coordinator_does_not_bring_a_deleted_group_back) {
    store(encode_key(OffsetKey{"g", {"t", 0}}), encode_value(CommittedOffset{.offset = 5, .metadata = ""}));
    load_again();
    EXPECT_EQ(scene_.groups.group_count(), 1u);
    store(encode_key(GroupKey{"g"}), std::nullopt);
    store(encode_key(OffsetKey{"g", {"t", 0}}), std::nullopt);
    load_again();
    EXPECT_EQ(scene_.groups.group_count(), 0u);
}

TEST_F(GroupRequestsTest, committed_offsets_go_with_their_topic) {
    for (const TopicPartition& where :
         {TopicPartition{"gone", 0}, TopicPartition{"gone", 3}, TopicPartition{"kept", 0}})
        store(encode_key(OffsetKey{"g", where}), encode_value(CommittedOffset{.offset = 5, .metadata = ""}));
    load_again();
    scene_.groups.forget_topics({"gone", "never-read"});
    EXPECT_EQ(tombstones(), (std::vector<TopicPartition>{{"gone", 0}, {"gone", 3}}));
    scene_.groups.forget_topics({"gone"});
    EXPECT_EQ(tombstones().size(), 2u) << "there is nothing left to forget";
}

}  // namespace
}  // namespace medic::engine::broker
