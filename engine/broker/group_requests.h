// The group coordinator: FindCoordinator, joins and syncs, heartbeats, committed offsets. A group lives on the leader
// of its partition of __consumer_offsets; what it stores there is replicated like any record, so that the next leader
// carries on with the same members and offsets.
#pragma once

#include <unordered_map>

#include "engine/broker/group_records.h"
#include "engine/broker/produce_requests.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {

inline constexpr std::string_view offsets_topic = "__consumer_offsets";

class GroupRequests {
public:
    GroupRequests(BrokerParts parts, ProduceRequests& produce) : parts_(parts), produce_(produce) {}

    void on_request(const Incoming& request);
    void on_leadership(const TopicPartition& partition);     // This broker leads it anew, or no longer.
    void tick();                                             // Sessions and rebalances: every 100 ms.
    void expire_offsets();                                   // offsets.retention.minutes: every few minutes.
    void forget_topics(const std::set<std::string>& names);  // They are gone, and with them what was committed there.
    // The thread that serves this partition of the offsets topic never comes back, as one in a deadlock: what is asked
    // of its groups on this broker stays without an answer until the process ends. Other partitions go on. A fault to
    // practise on.
    void block(std::int32_t partition);

    // Asks the controller for a topic: the offsets topic, or one that may be created automatically. -1: defaults.
    void create_topic(const std::string& name, std::int32_t partitions, std::int32_t replication_factor);

    [[nodiscard]] std::size_t group_count() const { return groups_.size(); }

private:
    struct Coordinated {
        Group group;
        std::map<TopicPartition, CommittedOffset> offsets;
        std::int64_t idle_since_ms = 0;  // Wall time since it has no members; 0 while it has some.
    };
    struct Record {
        std::string key;
        std::optional<std::string> value;  // Absent: a tombstone.
    };

    [[nodiscard]] Fault check_coordinator(const std::string& group) const;
    [[nodiscard]] std::int32_t partition_of(const std::string& group) const;
    [[nodiscard]] bool is_blocked(const std::string& group) const;
    [[nodiscard]] bool meets_blocked(const Incoming& request) const;
    [[nodiscard]] Coordinated& group(const std::string& id);
    [[nodiscard]] Group* known_group(const std::string& id);  // Null when there is none here.
    [[nodiscard]] GroupToken keep(const Incoming& request);
    void load(Replica& replica);
    void take_record(std::string_view key, std::optional<std::string_view> value);
    void forget(std::int32_t partition);
    void store(const std::string& group_id, const std::vector<Record>& records, ProduceRequests::Done done);
    void apply(const std::string& group_id, GroupEffects effects);
    void answer(const JoinAnswer& answer);
    void answer(const SyncAnswer& answer);

    void find_coordinator(const Incoming& request);
    void join(const Incoming& request);
    void sync(const Incoming& request);
    void heartbeat(const Incoming& request);
    void leave(const Incoming& request);
    void commit(const Incoming& request);
    void fetch_offsets(const Incoming& request);
    void list(const Incoming& request);
    void describe(const Incoming& request);
    void remove(const Incoming& request);

    BrokerParts parts_;
    ProduceRequests& produce_;
    std::map<std::string, Coordinated> groups_;
    std::set<std::int32_t> led_;                        // Partitions of the offsets topic whose groups are here.
    std::set<std::int32_t> blocked_;                    // Led or not.
    std::unordered_map<GroupToken, Incoming> waiting_;  // Joins and syncs.
    GroupToken next_token_ = 0;
    std::set<std::string> creating_;  // Topics asked for and not answered yet.
};

}  // namespace medic::engine::broker
