// What the controller decides: who leads, who is in sync, which topics and configurations exist. Sans-I/O: time is
// handed in, decisions come out as metadata records that are already applied to the image; the caller makes them
// durable before it answers anybody. Not thread safe.
#pragma once

#include <functional>

#include "agent/base/time.h"
#include "engine/broker/config_registry.h"
#include "engine/broker/private_api.h"

namespace medic::engine::broker {

struct ControllerOptions {
    Config config;
    Duration session_timeout{9'000};  // broker.session.timeout.ms
};

struct NewTopic {
    std::string name;
    std::int32_t partitions = -1;                     // -1: num.partitions
    std::int32_t replication_factor = -1;             // -1: default.replication.factor
    std::vector<std::vector<BrokerId>> assignment{};  // Explicit replicas per partition; then the two above stay -1.
    ClusterImage::Overrides configs{};
    bool validate_only = false;
};

struct ConfigChange {
    enum class Action : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
    std::string key;
    Action action = Action::set;
    std::string value;
};

struct ClientQuotaChange {
    std::string key;
    std::optional<double> value;  // Absent: removed.
};

enum class ApplyMode : std::uint8_t { apply, check };  // check: validate only.

class ControllerState {
public:
    using RandomId = std::function<Uuid()>;
    ControllerState(ControllerOptions options, RandomId random_id);

    // Start: replay the log, then begin. Sessions begin anew: nobody is fenced for the controller's own absence.
    void replay(const MetadataRecord& record) { image_.apply(record); }
    void begin(Instant now);

    [[nodiscard]] const ClusterImage& image() const { return image_; }
    [[nodiscard]] std::vector<MetadataRecord> take_records() { return std::exchange(fresh_, {}); }

    RegisterReply register_broker(const RegisterRequest& request, std::int64_t epoch, Instant now);
    HeartbeatReply heartbeat(const HeartbeatRequest& request, Instant now);
    AlterPartitionsReply alter_partitions(const AlterPartitionsRequest& request);
    AllocateProducerIdsReply allocate_producer_ids();
    void tick(Instant now);  // Fences brokers whose session ended. Call at least every 100 ms.

    Outcome create_topic(const NewTopic& topic);
    Outcome create_partitions(std::string_view topic, std::int32_t count,
                              const std::vector<std::vector<BrokerId>>& assignment);
    Outcome delete_topic(std::string_view topic);
    Outcome alter_configs(ConfigResource resource, std::string_view name, std::span<const ConfigChange> changes,
                          ApplyMode mode = ApplyMode::apply);
    // Of one client-id; absent: the default for all that have none of their own.
    Outcome alter_client_quotas(const std::optional<std::string>& client_id, std::span<const ClientQuotaChange> changes,
                                ApplyMode mode = ApplyMode::apply);
    // Absent replicas cancel the reassignment under way.
    Outcome reassign(std::string_view topic, std::int32_t partition, std::optional<std::vector<BrokerId>> target);
    Outcome elect_preferred(std::string_view topic, std::int32_t partition);
    // Of a partition without a leader: one in sync where one is back, else the first replica that serves, whatever its
    // log lacks.
    Outcome elect_unclean(std::string_view topic, std::int32_t partition);
    void balance_leaders();  // Preferred leaders take over where they are in sync.

private:
    void commit(MetadataRecord record);
    void change(PartitionState state);  // Bumps partition_epoch and commits.
    void elect_after_loss(BrokerId gone);
    void elect_after_return(BrokerId back);
    void update_broker(BrokerState next);
    [[nodiscard]] Fault check_alter(const PartitionState& state, const AlterPartition& wish, BrokerId from) const;
    void finish_reassignment(PartitionState& state) const;
    [[nodiscard]] BrokerId pick_leader(const PartitionState& state) const;
    [[nodiscard]] bool allows_unclean(const std::string& topic) const;
    void lead_uncleanly(PartitionState& state) const;  // By the first replica that serves, if there is one.
    [[nodiscard]] Outcome place(const NewTopic& topic, std::vector<std::vector<BrokerId>>& out) const;
    [[nodiscard]] Outcome check_replicas(std::span<const BrokerId> replicas) const;
    void add_partition(std::string_view topic, std::int32_t index, std::vector<BrokerId> replicas);

    ControllerOptions options_;
    RandomId random_id_;
    ClusterImage image_;
    std::vector<MetadataRecord> fresh_;
    std::map<BrokerId, Instant> last_contact_;
};

}  // namespace medic::engine::broker
