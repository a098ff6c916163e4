#include "engine/workload/open_transaction.h"

#include "agent/wire/messages/produce.h"
#include "agent/wire/messages/producer_id.h"
#include "agent/wire/records.h"

namespace medic::engine::workload {

Result<std::int64_t> leave_transaction_open(KafkaClient& client, const OpenTransaction& what) {
    MEDIC_TRY(const auto identity, client.call(KafkaTarget::any(), wire::InitProducerIdRequest{}));
    MEDIC_CHECK(wire::check(identity.error, "producer id"));
    MEDIC_TRY(const auto metadata, client.metadata(std::vector<std::string>{what.topic}));
    wire::BatchBuilder builder({.producer_id = identity.producer_id,
                                .producer_epoch = identity.producer_epoch,
                                .base_sequence = 0,
                                .transactional = true});
    builder.append(what.timestamp_ms, std::nullopt, what.value);
    wire::Bytes batch;
    MEDIC_CHECK(builder.finish(batch));
    for (const std::int32_t partition : what.partitions) {
        std::int32_t leader = -1;
        for (const auto& topic : metadata.topics)
            for (const auto& one : topic.partitions)
                if (one.partition == partition) leader = one.leader_id;
        if (leader < 0) return fail(ErrorCode::unavailable, "{}-{} has no leader", what.topic, partition);
        wire::ProduceRequest request{.transactional_id = what.transactional_id};
        request.topics.push_back({what.topic, {{partition, batch}}});
        MEDIC_TRY(const auto answer, client.call(KafkaTarget::broker(leader), request));
        for (const auto& topic : answer.topics)
            for (const auto& one : topic.partitions)
                MEDIC_CHECK(
                    wire::check(one.error, "transactional record to " + what.topic, one.error_message.value_or("")));
    }
    return identity.producer_id;
}

}  // namespace medic::engine::workload
