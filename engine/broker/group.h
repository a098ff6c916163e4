// One consumer group: members, generations and rebalances of Kafka's classic group protocol, as a state machine.
// Sans-I/O: time is handed in; answers to requests that had to wait come out as effects, named by the caller's tokens.
// Offsets and storage are not its business (group_store.h).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/wire/kafka_error.h"

namespace medic::engine::broker {

using GroupToken = std::uint64_t;  // Names a waiting request.

struct GroupProtocol {
    std::string name;
    std::string metadata;
    bool operator==(const GroupProtocol&) const = default;
};

struct JoinAsk {
    GroupToken token = 0;
    std::string member_id;  // "" on the first try.
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::string protocol_type;
    std::vector<GroupProtocol> protocols;
    Duration session_timeout{45'000};
    Duration rebalance_timeout{300'000};
    bool may_require_member_id = false;  // JoinGroup v4+
};

struct JoinAnswer {
    struct Member {
        std::string id;
        std::optional<std::string> instance_id;
        std::string metadata;
    };
    GroupToken token = 0;
    wire::KafkaError fault = wire::KafkaError::none;
    std::string member_id{};
    std::int32_t generation = -1;
    std::string protocol_type{};
    std::string protocol{};
    std::string leader{};
    std::vector<Member> members{};  // For the leader only.
};

struct SyncAsk {
    GroupToken token = 0;
    std::string member_id;
    std::optional<std::string> instance_id;
    std::int32_t generation = -1;
    std::map<std::string, std::string> assignments;  // By member id; from the leader.
};

struct SyncAnswer {
    GroupToken token = 0;
    wire::KafkaError fault = wire::KafkaError::none;
    std::string assignment{};
    std::string protocol_type{};
    std::string protocol{};
};

struct GroupEffects {
    std::vector<JoinAnswer> joins;
    std::vector<SyncAnswer> syncs;
    bool store = false;  // Members or assignments changed: what is stored must follow.
};

class Group {
public:
    enum class State : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable, dead };

    struct Options {
        Duration initial_delay{3'000};  // group.initial.rebalance.delay.ms
        std::function<std::string(const std::string& client_id)> new_member_id;
    };

    struct Member {
        std::string id;
        std::optional<std::string> instance_id;
        std::string client_id;
        std::string client_host;
        Duration session_timeout{45'000};
        Duration rebalance_timeout{300'000};
        std::vector<GroupProtocol> protocols;
        std::string assignment;
        Instant last_seen;
        std::optional<GroupToken> joining;  // Its JoinGroup waits for the others.
        std::optional<GroupToken> syncing;  // Its SyncGroup waits for the leader's.
    };

    explicit Group(Options options) : options_(std::move(options)) {}

    void join(const JoinAsk& ask, Instant now, GroupEffects& effects);
    void sync(const SyncAsk& ask, Instant now, GroupEffects& effects);
    [[nodiscard]] wire::KafkaError heartbeat(const std::string& member_id,
                                             const std::optional<std::string>& instance_id, std::int32_t generation,
                                             Instant now);
    [[nodiscard]] wire::KafkaError leave(const std::string& member_id, const std::optional<std::string>& instance_id,
                                         Instant now, GroupEffects& effects);
    // May this member commit offsets? Generation -1 without member: a consumer outside the group protocol.
    [[nodiscard]] wire::KafkaError check_commit(const std::string& member_id,
                                                const std::optional<std::string>& instance_id, std::int32_t generation,
                                                Instant now);
    void tick(Instant now, GroupEffects& effects);  // Sessions and rebalances that have run out of time.
    void dissolve(GroupEffects& effects);           // The coordinator moves: whoever waits is told NOT_COORDINATOR.

    struct Stored {  // What survives the coordinator's death.
        std::int32_t generation = 0;
        std::string protocol_type;
        std::string protocol;
        std::string leader;
        std::vector<Member> members;
    };
    [[nodiscard]] Stored stored() const;
    void restore(Stored stored, Instant now);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] std::int32_t generation() const { return generation_; }
    [[nodiscard]] const std::string& protocol_type() const { return protocol_type_; }
    [[nodiscard]] const std::string& protocol() const { return protocol_; }
    [[nodiscard]] const std::map<std::string, Member>& members() const { return members_; }
    [[nodiscard]] std::string metadata_of(const Member& member) const;  // Under the chosen protocol.

private:
    [[nodiscard]] wire::KafkaError identify(const std::string& member_id,
                                            const std::optional<std::string>& instance_id) const;
    [[nodiscard]] bool fits(const JoinAsk& ask) const;
    void add_member(const JoinAsk& ask, std::string id, Instant now, GroupEffects& effects);
    void rejoin(Member& member, const JoinAsk& ask, Instant now, GroupEffects& effects);
    [[nodiscard]] JoinAnswer present(const Member& member, GroupToken token) const;
    void prepare_rebalance(Instant now, GroupEffects& effects);
    void complete_if_joined(Instant now, GroupEffects& effects);
    void complete_join(Instant now, GroupEffects& effects);
    void remove_member(const std::string& id, Instant now, GroupEffects& effects, wire::KafkaError told);
    [[nodiscard]] std::string choose_protocol() const;

    Options options_;
    State state_ = State::empty;
    std::int32_t generation_ = 0;
    std::string protocol_type_;
    std::string protocol_;
    std::string leader_;
    std::map<std::string, Member> members_;
    std::map<std::string, Instant> promised_;  // Member ids given out with MEMBER_ID_REQUIRED, and until when.
    Instant rebalance_deadline_;
    Instant initial_deadline_;  // While the first members gather: not complete before.
    Instant initial_limit_;
};

[[nodiscard]] std::string_view to_string(Group::State state);  // "PreparingRebalance", as DescribeGroups gives it.

}  // namespace medic::engine::broker
