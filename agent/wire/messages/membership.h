// FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup: how consumers share a group's partitions.
// All but FindCoordinator go to the group's coordinator. What JoinGroup and SyncGroup carry as bytes is in
// consumer_protocol.h.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct FindCoordinatorResponse {
    static constexpr ApiKey api = ApiKey::find_coordinator;
    struct Coordinator {
        std::string key;
        std::int32_t node_id = -1;
        std::string host;
        std::int32_t port = -1;
        KafkaError error = KafkaError::none;
        std::optional<std::string> error_message;
        void fields(Codec& c);
        bool operator==(const Coordinator&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    std::int32_t node_id = -1;
    std::string host;
    std::int32_t port = -1;
    std::vector<Coordinator> coordinators;
    void fields(Codec& c);
    bool operator==(const FindCoordinatorResponse&) const = default;
};

struct FindCoordinatorRequest {
    static constexpr ApiKey api = ApiKey::find_coordinator;
    using Response = FindCoordinatorResponse;
    std::string key;                // The group id or transactional id.
    std::int8_t key_type = 0;       // 0: group, 1: transaction.
    std::vector<std::string> keys;  // From v4 on several at once, instead of `key`.
    void fields(Codec& c);
    bool operator==(const FindCoordinatorRequest&) const = default;
};

struct JoinGroupResponse {
    static constexpr ApiKey api = ApiKey::join_group;
    struct Member {
        std::string member_id;
        std::optional<std::string> group_instance_id;
        Bytes metadata;
        void fields(Codec& c);
        bool operator==(const Member&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;  // MEMBER_ID_REQUIRED (v4+): join again with the member id given here.
    std::int32_t generation_id = -1;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name = std::string();
    std::string leader;  // Member id of the one that assigns.
    bool skip_assignment = false;
    std::string member_id;
    std::vector<Member> members;  // Filled in for the leader only.
    void fields(Codec& c);
    bool operator==(const JoinGroupResponse&) const = default;
};

struct JoinGroupRequest {
    static constexpr ApiKey api = ApiKey::join_group;
    using Response = JoinGroupResponse;
    struct Protocol {
        std::string name;  // The assignor: "range", "roundrobin", …
        Bytes metadata;
        void fields(Codec& c);
        bool operator==(const Protocol&) const = default;
    };
    std::string group_id;
    std::int32_t session_timeout_ms = 45'000;     // Kafka's default: session.timeout.ms = 45 s
    std::int32_t rebalance_timeout_ms = 300'000;  // Kafka's default: max.poll.interval.ms = 5 min
    std::string member_id;                        // Empty on the first try.
    std::optional<std::string> group_instance_id;
    std::string protocol_type;  // "consumer"
    std::vector<Protocol> protocols;
    std::optional<std::string> reason;
    void fields(Codec& c);
    bool operator==(const JoinGroupRequest&) const = default;
};

struct SyncGroupResponse {
    static constexpr ApiKey api = ApiKey::sync_group;
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name;
    Bytes assignment;
    void fields(Codec& c);
    bool operator==(const SyncGroupResponse&) const = default;
};

struct SyncGroupRequest {
    static constexpr ApiKey api = ApiKey::sync_group;
    using Response = SyncGroupResponse;
    struct Assignment {
        std::string member_id;
        Bytes assignment;
        void fields(Codec& c);
        bool operator==(const Assignment&) const = default;
    };
    std::string group_id;
    std::int32_t generation_id = 0;
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol_name;
    std::vector<Assignment> assignments;  // From the leader; empty from the others.
    void fields(Codec& c);
    bool operator==(const SyncGroupRequest&) const = default;
};

struct HeartbeatResponse {
    static constexpr ApiKey api = ApiKey::heartbeat;
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;  // REBALANCE_IN_PROGRESS: join again.
    void fields(Codec& c);
    bool operator==(const HeartbeatResponse&) const = default;
};

struct HeartbeatRequest {
    static constexpr ApiKey api = ApiKey::heartbeat;
    using Response = HeartbeatResponse;
    std::string group_id;
    std::int32_t generation_id = 0;
    std::string member_id;
    std::optional<std::string> group_instance_id;
    void fields(Codec& c);
    bool operator==(const HeartbeatRequest&) const = default;
};

struct LeaveGroupResponse {
    static constexpr ApiKey api = ApiKey::leave_group;
    struct Member {
        std::string member_id;
        std::optional<std::string> group_instance_id;
        KafkaError error = KafkaError::none;
        void fields(Codec& c);
        bool operator==(const Member&) const = default;
    };
    std::int32_t throttle_time_ms = 0;
    KafkaError error = KafkaError::none;
    std::vector<Member> members;
    void fields(Codec& c);
    bool operator==(const LeaveGroupResponse&) const = default;
};

struct LeaveGroupRequest {
    static constexpr ApiKey api = ApiKey::leave_group;
    using Response = LeaveGroupResponse;
    struct Member {
        std::string member_id;
        std::optional<std::string> group_instance_id;
        std::optional<std::string> reason;
        void fields(Codec& c);
        bool operator==(const Member&) const = default;
    };
    std::string group_id;
    std::string member_id;
    std::vector<Member> members;
    void fields(Codec& c);
    bool operator==(const LeaveGroupRequest&) const = default;
};

}  // namespace medic::wire
