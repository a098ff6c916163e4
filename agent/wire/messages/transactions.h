// ListTransactions and DescribeTransactions (a broker answers for the transactional ids that it coordinates),
// DescribeProducers (a partition's leader answers): KIP-664, for finding transactions that hang. WriteTxnMarkers ends
// them where they lie: a coordinator sends it to partitions' leaders, and so does who aborts one that no coordinator
// knows.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct ListTransactionsResponse {
    static constexpr ApiKey api = ApiKey::list_transactions;
    struct Transaction {
        std::string transactional_id;
        std::int64_t producer_id = -1;
        std::string state;  // Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, Dead, …
        void fields(Codec& c);
        bool operator==(const Transaction&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::vector<std::string> unknown_states;
    std::vector<Transaction> transactions;
    void fields(Codec& c);
    bool operator==(const ListTransactionsResponse&) const = default;
};

struct ListTransactionsRequest {
    static constexpr ApiKey api = ApiKey::list_transactions;
    using Response = ListTransactionsResponse;
    std::vector<std::string> states;         // Empty: all.
    std::vector<std::int64_t> producer_ids;  // Empty: all.
    std::int64_t duration_ms_min = -1;       // -1: however short.
    void fields(Codec& c);
    bool operator==(const ListTransactionsRequest&) const = default;
};

struct DescribeTransactionsResponse {
    static constexpr ApiKey api = ApiKey::describe_transactions;
    struct Transaction {
        struct Topic {
            std::string name;
            std::vector<std::int32_t> partitions;
            void fields(Codec& c);
            bool operator==(const Topic&) const = default;
        };
        KafkaError error = KafkaError::none;
        std::string transactional_id;
        std::string state;
        std::int32_t timeout_ms = 0;
        std::int64_t started_at_ms = -1;  // Unix time; -1: none is open.
        std::int64_t producer_id = -1;
        std::int16_t producer_epoch = -1;
        std::vector<Topic> topics;
        void fields(Codec& c);
        bool operator==(const Transaction&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Transaction> transactions;
    void fields(Codec& c);
    bool operator==(const DescribeTransactionsResponse&) const = default;
};

struct DescribeTransactionsRequest {
    static constexpr ApiKey api = ApiKey::describe_transactions;
    using Response = DescribeTransactionsResponse;
    std::vector<std::string> transactional_ids;
    void fields(Codec& c);
    bool operator==(const DescribeTransactionsRequest&) const = default;
};

struct DescribeProducersResponse {
    static constexpr ApiKey api = ApiKey::describe_producers;
    struct Topic {
        struct Partition {
            struct Producer {
                std::int64_t producer_id = -1;
                std::int32_t producer_epoch = -1;
                std::int32_t last_sequence = -1;
                std::int64_t last_timestamp_ms = -1;
                std::int32_t coordinator_epoch = -1;
                std::int64_t transaction_start_offset = -1;  // -1: none is open here.
                void fields(Codec& c);
                bool operator==(const Producer&) const = default;
            };
            std::int32_t partition = 0;
            KafkaError error = KafkaError::none;
            std::optional<std::string> error_message;
            std::vector<Producer> producers;
            void fields(Codec& c);
            bool operator==(const Partition&) const = default;
        };
        std::string name;
        std::vector<Partition> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const DescribeProducersResponse&) const = default;
};

struct DescribeProducersRequest {
    static constexpr ApiKey api = ApiKey::describe_producers;
    using Response = DescribeProducersResponse;
    struct Topic {
        std::string name;
        std::vector<std::int32_t> partitions;
        void fields(Codec& c);
        bool operator==(const Topic&) const = default;
    };
    std::vector<Topic> topics;
    void fields(Codec& c);
    bool operator==(const DescribeProducersRequest&) const = default;
};

struct WriteTxnMarkersResponse {
    static constexpr ApiKey api = ApiKey::write_txn_markers;
    struct Marker {
        struct Topic {
            struct Partition {
                std::int32_t partition = 0;
                KafkaError error = KafkaError::none;
                void fields(Codec& c);
                bool operator==(const Partition&) const = default;
            };
            std::string name;
            std::vector<Partition> partitions;
            void fields(Codec& c);
            bool operator==(const Topic&) const = default;
        };
        std::int64_t producer_id = -1;
        std::vector<Topic> topics;
        void fields(Codec& c);
        bool operator==(const Marker&) const = default;
    };
    std::vector<Marker> markers;
    void fields(Codec& c);
    bool operator==(const WriteTxnMarkersResponse&) const = default;
};

struct WriteTxnMarkersRequest {
    static constexpr ApiKey api = ApiKey::write_txn_markers;
    using Response = WriteTxnMarkersResponse;
    struct Marker {
        struct Topic {
            std::string name;
            std::vector<std::int32_t> partitions;
            void fields(Codec& c);
            bool operator==(const Topic&) const = default;
        };
        std::int64_t producer_id = -1;
        std::int16_t producer_epoch = -1;
        bool commit = false;
        std::vector<Topic> topics;
        std::int32_t coordinator_epoch = 0;
        void fields(Codec& c);
        bool operator==(const Marker&) const = default;
    };
    std::vector<Marker> markers;
    void fields(Codec& c);
    bool operator==(const WriteTxnMarkersRequest&) const = default;
};

}  // namespace medic::wire
