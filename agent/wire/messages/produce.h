// Produce: appends record batches (records.h) to partitions.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct ProduceResponse {
    static constexpr ApiKey api = ApiKey::produce;
    struct RecordError {
        std::int32_t batch_index = 0;  // Index of the record within the batch.
        std::optional<std::string> message;
        void fields(Codec& c);
        bool operator==(const RecordError&) const = default;
    };
    struct Partition {
        std::int32_t partition = 0;
        KafkaError error = KafkaError::none;
        std::int64_t base_offset = -1;
        std::int64_t log_append_time_ms = -1;  // -1 unless message.timestamp.type=LogAppendTime.
        std::int64_t log_start_offset = -1;
        std::vector<RecordError> record_errors;
        std::optional<std::string> error_message;
        void fields(Codec& c);
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics;
    std::int32_t throttle_time_ms = 0;

    void fields(Codec& c);
    bool operator==(const ProduceResponse&) const = default;
};

// With acks=0 the broker sends no response at all.
struct ProduceRequest {
    static constexpr ApiKey api = ApiKey::produce;
    using Response = ProduceResponse;
    struct Partition {
        std::int32_t partition = 0;
        std::optional<BytesView> records;  // A view: the batches must outlive the message.
        void fields(Codec& c);
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };

    std::optional<std::string> transactional_id;
    std::int16_t acks = -1;            // -1: all in-sync replicas; 1: the leader; 0: no answer.
    std::int32_t timeout_ms = 30'000;  // Kafka's default: request.timeout.ms = 30 s
    std::vector<Topic> topics;

    void fields(Codec& c);
    bool operator==(const ProduceRequest&) const = default;
};

}  // namespace medic::wire
