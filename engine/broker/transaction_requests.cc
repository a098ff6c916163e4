// Transactions as the partitions know them: who has one open, and the markers that end it. Nobody coordinates any here,
// so no coordinator ever sends such a marker: a transactional batch opens a transaction that hangs until somebody does.
#include <memory>

#include "agent/wire/messages/transactions.h"
#include "agent/wire/records.h"
#include "engine/broker/produce_requests.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {
namespace {

Fault check(const BrokerParts& parts, const Replica* replica, const std::string& topic, std::int32_t partition) {
    const Fault fault = parts.replicas.check_leader(replica, -1);
    const bool elsewhere = fault == Fault::unknown_topic_or_partition && parts.image.partition(topic, partition);
    return elsewhere ? Fault::not_leader_or_follower : fault;
}

Result<std::string> control_batch(const wire::WriteTxnMarkersRequest::Marker& marker, std::int64_t wall_ms) {
    wire::BatchBuilder builder({.producer_id = marker.producer_id,
                                .producer_epoch = marker.producer_epoch,
                                .transactional = true,
                                .control = true});
    wire::append_control(builder, marker.commit ? wire::ControlType::commit : wire::ControlType::abort, wall_ms,
                         marker.coordinator_epoch);
    std::string batch;
    MEDIC_CHECK(builder.finish(batch));
    return batch;
}

// One request: answered once every partition's marker is replicated or refused.
struct Marking {
    BrokerParts parts;
    Incoming request;  // Its body is gone.
    wire::WriteTxnMarkersResponse response{};
    std::size_t left = 1;  // Partitions, and one until all are asked.

    void one_less() {
        if (--left == 0) send_response(parts, request, response);
    }
};

}  // namespace

void Requests::describe_producers(const Incoming& request) {
    const auto asked = wire::decode<wire::DescribeProducersRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    wire::DescribeProducersResponse response;
    for (const auto& topic : asked->topics) {
        auto& topic_reply = response.topics.emplace_back();
        topic_reply.name = topic.name;
        for (const std::int32_t partition : topic.partitions) {
            auto& reply = topic_reply.partitions.emplace_back();
            reply.partition = partition;
            const Replica* replica = parts_.replicas.find(topic.name, partition);
            reply.error = check(parts_, replica, topic.name, partition);
            if (reply.error != Fault::none) continue;
            for (const auto& producer : replica->log->producers().describe())
                reply.producers.push_back({.producer_id = producer.id,
                                           .producer_epoch = producer.epoch,
                                           .last_sequence = producer.last_sequence,
                                           .last_timestamp_ms = producer.timestamp_ms,
                                           .coordinator_epoch = producer.coordinator_epoch,
                                           .transaction_start_offset = producer.transaction_start});
        }
    }
    send_response(parts_, request, response);
}

void Requests::write_txn_markers(const Incoming& request) {
    const auto asked = wire::decode<wire::WriteTxnMarkersRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    const auto marking = std::make_shared<Marking>(parts_, request);
    marking->request.body = {};
    for (const auto& marker : asked->markers) {
        auto& answer = marking->response.markers.emplace_back();
        answer.producer_id = marker.producer_id;
        for (const auto& topic : marker.topics) {
            auto& told = answer.topics.emplace_back();
            told.name = topic.name;
            for (const std::int32_t partition : topic.partitions) told.partitions.push_back({.partition = partition});
        }
    }
    // The answer is laid out first: each partition's outcome finds its place there.
    for (std::size_t m = 0; m < asked->markers.size(); ++m) {
        for (auto& topic : marking->response.markers[m].topics) {
            for (auto& reply : topic.partitions) {
                Replica* replica = parts_.replicas.find(topic.name, reply.partition);
                reply.error = check(parts_, replica, topic.name, reply.partition);
                auto batch = control_batch(asked->markers[m], parts_.loop.wall_ms());
                if (reply.error == Fault::none && !batch) reply.error = Fault::unknown_server_error;
                if (reply.error != Fault::none) continue;
                ++marking->left;
                kept_.produce.append_own(*replica, *std::move(batch), [marking, place = &reply](Fault fault) {
                    place->error = fault;
                    marking->one_less();
                });
            }
        }
    }
    marking->one_less();
}

void Requests::describe_transactions(const Incoming& request) {
    const auto asked = wire::decode<wire::DescribeTransactionsRequest>(request.body, request.header.version);
    if (!asked) return parts_.server.hang_up(request.to);
    wire::DescribeTransactionsResponse response;
    for (const std::string& id : asked->transactional_ids)
        response.transactions.push_back({.error = Fault::not_coordinator, .transactional_id = id});
    send_response(parts_, request, response);
}

// Those that this broker coordinates: none.
void Requests::list_transactions(const Incoming& request) {
    if (!wire::decode<wire::ListTransactionsRequest>(request.body, request.header.version))
        return parts_.server.hang_up(request.to);
    send_response(parts_, request, wire::ListTransactionsResponse{});
}

}  // namespace medic::engine::broker
