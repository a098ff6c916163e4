// ConsumerGroupDescribe: groups of the consumer protocol of KIP-848, which DescribeGroups does not describe. Sent to
// the group's coordinator.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct ConsumerGroupDescribeResponse {
    static constexpr ApiKey api = ApiKey::consumer_group_describe;
    struct Group {
        struct Member {
            struct Assignment {
                struct Topic {
                    Uuid topic_id;
                    std::string name;
                    std::vector<std::int32_t> partitions;
                    void fields(Codec& c);
                    bool operator==(const Topic&) const = default;
                };
                std::vector<Topic> topics;
                void fields(Codec& c);
                bool operator==(const Assignment&) const = default;
            };
            std::string member_id;
            std::optional<std::string> instance_id;
            std::optional<std::string> rack;
            std::int32_t member_epoch = 0;
            std::string client_id;
            std::string client_host;
            std::vector<std::string> subscribed_topics;
            std::optional<std::string> subscribed_regex;
            Assignment assignment;         // What it has.
            Assignment target;             // What it is to have.
            std::int8_t member_type = -1;  // 0: classic protocol, 1: consumer protocol, -1: unknown.
            void fields(Codec& c);
            bool operator==(const Member&) const = default;
        };
        KafkaError error = KafkaError::none;  // GROUP_ID_NOT_FOUND also for a classic group.
        std::optional<std::string> error_message;
        std::string group_id;
        std::string state;  // Empty, Assigning, Reconciling, Stable, Dead.
        std::int32_t group_epoch = 0;
        std::int32_t assignment_epoch = 0;
        std::string assignor;
        std::vector<Member> members;
        std::int32_t authorized_operations = INT32_MIN;
        void fields(Codec& c);
        bool operator==(const Group&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Group> groups;
    void fields(Codec& c);
    bool operator==(const ConsumerGroupDescribeResponse&) const = default;
};

struct ConsumerGroupDescribeRequest {
    static constexpr ApiKey api = ApiKey::consumer_group_describe;
    using Response = ConsumerGroupDescribeResponse;
    std::vector<std::string> groups;
    bool include_authorized_operations = false;
    void fields(Codec& c);
    bool operator==(const ConsumerGroupDescribeRequest&) const = default;
};

}  // namespace medic::wire
