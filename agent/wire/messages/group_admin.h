// ListGroups (every broker lists its own), DescribeGroups and DeleteGroups (sent to the group's coordinator).
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct ListGroupsResponse {
    static constexpr ApiKey api = ApiKey::list_groups;
    struct Group {
        std::string group_id;
        std::string protocol_type;
        std::string state;
        std::string type;
        void fields(Codec& c);
        bool operator==(const Group&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::vector<Group> groups;
    void fields(Codec& c);
    bool operator==(const ListGroupsResponse&) const = default;
};

struct ListGroupsRequest {
    static constexpr ApiKey api = ApiKey::list_groups;
    using Response = ListGroupsResponse;
    std::vector<std::string> states;  // Empty: all.
    std::vector<std::string> types;   // Empty: all.
    void fields(Codec& c);
    bool operator==(const ListGroupsRequest&) const = default;
};

struct DescribeGroupsResponse {
    static constexpr ApiKey api = ApiKey::describe_groups;
    struct Group {
        struct Member {
            std::string member_id;
            std::optional<std::string> group_instance_id;
            std::string client_id;
            std::string client_host;
            Bytes metadata;    // ConsumerSubscription
            Bytes assignment;  // ConsumerAssignment
            void fields(Codec& c);
            bool operator==(const Member&) const = default;
        };
        KafkaError error = KafkaError::none;
        std::string group_id;
        std::string state;  // Empty, PreparingRebalance, CompletingRebalance, Stable, Dead.
        std::string protocol_type;
        std::string protocol_data;  // The assignor's name.
        std::vector<Member> members;
        std::int32_t authorized_operations = INT32_MIN;
        void fields(Codec& c);
        bool operator==(const Group&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Group> groups;
    void fields(Codec& c);
    bool operator==(const DescribeGroupsResponse&) const = default;
};

struct DescribeGroupsRequest {
    static constexpr ApiKey api = ApiKey::describe_groups;
    using Response = DescribeGroupsResponse;
    std::vector<std::string> groups;
    bool include_authorized_operations = false;
    void fields(Codec& c);
    bool operator==(const DescribeGroupsRequest&) const = default;
};

struct DeleteGroupsResponse {
    static constexpr ApiKey api = ApiKey::delete_groups;
    struct Group {
        std::string group_id;
        KafkaError error = KafkaError::none;
        void fields(Codec& c);
        bool operator==(const Group&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    std::vector<Group> groups;
    void fields(Codec& c);
    bool operator==(const DeleteGroupsResponse&) const = default;
};

struct DeleteGroupsRequest {
    static constexpr ApiKey api = ApiKey::delete_groups;
    using Response = DeleteGroupsResponse;
    std::vector<std::string> groups;
    void fields(Codec& c);
    bool operator==(const DeleteGroupsRequest&) const = default;
};

}  // namespace medic::wire
