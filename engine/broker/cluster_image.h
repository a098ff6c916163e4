// What the cluster is: brokers, topics, partitions, configurations; the sum of all metadata records in their order.
// The controller decides and writes records; controller and brokers apply the same records and so hold the same image.
// No I/O, no clock.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <utility>
#include <variant>

#include "engine/broker/archive.h"

namespace medic::engine::broker {

using BrokerId = std::int32_t;
[[nodiscard]] inline bool contains(const std::vector<BrokerId>& ids, BrokerId id) {
    return std::ranges::find(ids, id) != ids.end();
}
inline constexpr BrokerId no_broker = -1;

struct BrokerState {
    BrokerId id = no_broker;
    std::int64_t epoch = -1;  // Metadata offset of its registration; older incarnations are refused by it.
    std::string incarnation;  // Random per process.
    std::string host;
    std::int32_t port = 0;
    bool fenced = true;            // Registered, but not (or no longer) serving.
    bool shutting_down = false;    // Controlled shutdown: leads nothing, joins no ISR.
    bool log_dir_offline = false;  // Its disk failed: the process answers, its replicas don't.
    MEDIC_FIELDS(id, epoch, incarnation, host, port, fenced, shutting_down, log_dir_offline)

    [[nodiscard]] bool can_hold_isr() const { return !fenced && !shutting_down && !log_dir_offline; }
};

struct PartitionState {
    std::string topic;
    std::int32_t partition = 0;
    std::vector<BrokerId> replicas{};  // During a reassignment: target first, then what will be removed.
    std::vector<BrokerId> isr{};
    std::vector<BrokerId> adding{};
    std::vector<BrokerId> removing{};
    BrokerId leader = no_broker;
    std::int32_t leader_epoch = 0;
    std::int32_t partition_epoch = 0;  // Grows with every change; AlterPartition must name the current one.
    MEDIC_FIELDS(topic, partition, replicas, isr, adding, removing, leader, leader_epoch, partition_epoch)

    [[nodiscard]] bool reassigning() const { return !adding.empty() || !removing.empty(); }
};

struct TopicState {
    std::string name;
    Uuid id{};
    std::vector<PartitionState> partitions;
};

enum class ConfigResource : std::int8_t { topic = 2, broker = 4 };  // Kafka's ConfigResource.Type ids.

// --- Records
// -----------------------------------------------------------------------------------------------------------
struct BrokerRecord {
    BrokerState broker;
    MEDIC_FIELDS(broker)
};
struct TopicRecord {
    std::string name;
    Uuid id{};
    MEDIC_FIELDS(name, id)
};
struct RemoveTopicRecord {
    std::string name;
    MEDIC_FIELDS(name)
};
struct PartitionRecord {
    PartitionState state;
    MEDIC_FIELDS(state)
};
struct ConfigRecord {
    ConfigResource resource = ConfigResource::topic;
    std::string name;  // Topic, or broker id; "" is the cluster-wide default of all brokers.
    std::string key;
    std::optional<std::string> value;  // Absent: back to the default.
    MEDIC_FIELDS(resource, name, key, value)
};
struct ProducerIdsRecord {
    std::int64_t next = 0;
    MEDIC_FIELDS(next)
};
struct ClusterIdRecord {
    std::string id;
    MEDIC_FIELDS(id)
};
struct ClientQuotaRecord {
    std::optional<std::string> client_id;  // Absent: the default for all that have none of their own.
    std::string key;
    std::optional<double> value;  // Absent: removed.
    MEDIC_FIELDS(client_id, key, value)
};

using MetadataRecord = std::variant<ClusterIdRecord, BrokerRecord, TopicRecord, RemoveTopicRecord, PartitionRecord,
                                    ConfigRecord, ProducerIdsRecord, ClientQuotaRecord>;

[[nodiscard]] std::string encode_record(const MetadataRecord& record);
[[nodiscard]] std::optional<MetadataRecord> decode_record(std::string_view bytes);

class ClusterImage {
public:
    void apply(const MetadataRecord& record);
    [[nodiscard]] std::vector<MetadataRecord> dump() const;  // Records that rebuild this image.

    [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
    [[nodiscard]] const std::map<BrokerId, BrokerState>& brokers() const { return brokers_; }
    [[nodiscard]] const std::map<std::string, TopicState, std::less<>>& topics() const { return topics_; }
    [[nodiscard]] std::int64_t next_producer_id() const { return next_producer_id_; }

    [[nodiscard]] const BrokerState* broker(BrokerId id) const;
    [[nodiscard]] const TopicState* topic(std::string_view name) const;
    [[nodiscard]] const TopicState* topic(const Uuid& id) const;
    [[nodiscard]] const PartitionState* partition(std::string_view topic, std::int32_t partition) const;
    [[nodiscard]] bool usable(BrokerId id) const;  // May lead and be in sync.

    // Overrides only; defaults belong to the registry in config_registry.h.
    using Overrides = std::map<std::string, std::string, std::less<>>;
    [[nodiscard]] const Overrides& overrides(ConfigResource resource, std::string_view name) const;

    // By client-id (absent: the default), then by key. Never an empty one.
    using ClientQuotas = std::map<std::optional<std::string>, std::map<std::string, double, std::less<>>>;
    [[nodiscard]] const ClientQuotas& client_quotas() const { return client_quotas_; }
    [[nodiscard]] bool client_quota_set(std::string_view key) const;  // For anybody.

private:
    void apply_partition(const PartitionState& state);

    std::string cluster_id_;
    std::map<BrokerId, BrokerState> brokers_;
    std::map<std::string, TopicState, std::less<>> topics_;
    std::map<Uuid, std::string> names_;
    std::map<std::pair<ConfigResource, std::string>, Overrides> configs_;
    ClientQuotas client_quotas_;
    std::int64_t next_producer_id_ = 0;
};

}  // namespace medic::engine::broker
