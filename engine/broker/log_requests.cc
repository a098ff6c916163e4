// Questions about partitions' logs: offsets by time, ends of leader epochs, and the removal of records.
#include <algorithm>

#include "agent/wire/messages/fetch.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/messages/placement.h"
#include "agent/wire/messages/topics.h"
#include "engine/broker/offset_lookup.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {
namespace {

Fault check(const BrokerParts& parts, const Replica* replica, const std::string& topic, std::int32_t partition,
            std::int32_t epoch) {
    const Fault fault = parts.replicas.check_leader(replica, epoch);
    const bool elsewhere = fault == Fault::unknown_topic_or_partition && parts.image.partition(topic, partition);
    return elsewhere ? Fault::not_leader_or_follower : fault;
}

// Kafka's ListOffsetsRequest.DEBUGGING_REPLICA_ID: whatever this broker holds is told, led by it or not, to the very
// end of its log.
constexpr std::int32_t debugging_replica = -2;

Fault check_held(const BrokerParts& parts, const Replica* replica, const std::string& topic, std::int32_t partition) {
    if (parts.replicas.offline()) return Fault::kafka_storage_error;
    if (replica && replica->log) return Fault::none;
    return parts.image.partition(topic, partition) ? Fault::not_leader_or_follower : Fault::unknown_topic_or_partition;
}

}  // namespace

void Requests::list_offsets(const Incoming& request) {
    const auto asked = wire::decode<wire::ListOffsetsRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    constexpr std::int16_t epochs_since = 4;
    wire::ListOffsetsResponse response;
    for (const auto& topic : asked->topics) {
        auto& topic_reply = response.topics.emplace_back();
        topic_reply.name = topic.name;
        for (const auto& partition : topic.partitions) {
            auto& reply = topic_reply.partitions.emplace_back();
            reply.partition = partition.partition;
            Replica* replica = parts_.replicas.find(topic.name, partition.partition);
            const bool debugging = asked->replica_id == debugging_replica;
            reply.error = debugging
                              ? check_held(parts_, replica, topic.name, partition.partition)
                              : check(parts_, replica, topic.name, partition.partition, partition.current_leader_epoch);
            if (reply.error != Fault::none) continue;
            if (request.header.version >= epochs_since) reply.leader_epoch = replica->state.leader_epoch;
            const bool committed = asked->isolation == static_cast<std::int8_t>(wire::Isolation::read_committed);
            const std::int64_t end = asked->replica_id >= 0 || debugging ? replica->log->end_offset()
                                     : committed                         ? replica->last_stable_offset()
                                                                         : replica->high_watermark;
            if (partition.timestamp == wire::kLatestOffset) {
                reply.offset = end;
            } else if (partition.timestamp == wire::kEarliestOffset) {
                reply.offset = replica->log->start_offset();
            } else {
                const auto found =
                    find_offset(*replica->log, std::min(end, replica->high_watermark), partition.timestamp);
                if (!found) {
                    reply.error = Fault::unknown_server_error;
                    continue;
                }
                reply.offset = found->offset;
                reply.timestamp = found->timestamp_ms;
            }
        }
    }
    send_response(parts_, request, response);
}

void Requests::offset_for_leader_epoch(const Incoming& request) {
    const auto asked = wire::decode<wire::OffsetForLeaderEpochRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    wire::OffsetForLeaderEpochResponse response;
    for (const auto& topic : asked->topics) {
        auto& topic_reply = response.topics.emplace_back();
        topic_reply.name = topic.name;
        for (const auto& partition : topic.partitions) {
            auto& reply = topic_reply.partitions.emplace_back();
            reply.partition = partition.partition;
            Replica* replica = parts_.replicas.find(topic.name, partition.partition);
            reply.error = check(parts_, replica, topic.name, partition.partition, partition.current_leader_epoch);
            if (reply.error != Fault::none) continue;
            const auto end = replica->log->end_of_epoch(partition.leader_epoch);
            reply.leader_epoch = end.epoch;
            reply.end_offset = end.end_offset;
        }
    }
    send_response(parts_, request, response);
}

// Followers learn the new start with their next fetch.
void Requests::delete_records(const Incoming& request) {
    const auto asked = wire::decode<wire::DeleteRecordsRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    wire::DeleteRecordsResponse response;
    for (const auto& topic : asked->topics) {
        auto& topic_reply = response.topics.emplace_back();
        topic_reply.name = topic.name;
        for (const auto& partition : topic.partitions) {
            auto& reply = topic_reply.partitions.emplace_back();
            reply.partition = partition.partition;
            Replica* replica = parts_.replicas.find(topic.name, partition.partition);
            reply.error = check(parts_, replica, topic.name, partition.partition, -1);
            if (reply.error != Fault::none) continue;
            const std::int64_t offset = partition.offset == -1 ? replica->high_watermark : partition.offset;
            if (offset < 0 || offset > replica->high_watermark) {
                reply.error = Fault::offset_out_of_range;
                continue;
            }
            parts_.replicas.raise_log_start(*replica, offset);
            reply.low_watermark = replica->log->start_offset();
        }
    }
    send_response(parts_, request, response);
}

}  // namespace medic::engine::broker
