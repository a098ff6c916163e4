// Everything the agent may change outside, as values: so that each can be guarded, journaled, shown in a dry run and
// replayed. World::send turns them into bytes (agent/world/real) or into simulated effects (agent/world/sim). Only
// remediations/execution hands operations to a World, and only with a Permit and after the journal's ack.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/subject.h"
#include "agent/base/time.h"

namespace medic {

// --- Nodes: through the driver that medic.yaml names for them -------------------------------------------------------
struct StartNode {
    std::string node;
    bool as_spare = false;
};  // Starts it or activates a warm spare; as_spare refills the pool.
struct StopNode {
    std::string node;
};  // Graceful.
struct KillNode {
    std::string node;
};  // Fences it: SIGKILL, works on a frozen process.
struct KillConnectorTask {
    std::string node, connector;
    int task = 0;
};  // The task's own process, on worker `node`.
struct GrowStorage {
    std::string node, log_dir;
    std::int64_t bytes = 0;
};  // New capacity; never shrinks.

// --- Kafka Connect --------------------------------------------------------------------------------------------------
struct RestartConnectorTask {
    std::string connector;
    int task = 0;
};
struct RestartConnector {
    std::string connector;
    bool include_tasks = false, only_failed = false;
};
struct PauseConnector {
    std::string connector;
};
struct ResumeConnector {
    std::string connector;
};
// Changes some settings of a connector and leaves all others as they stand when it is sent: what is secret among them
// is read and written back, and is no part of the operation.
struct ChangeConnectorConfiguration {
    std::string connector;
    std::map<std::string, std::optional<std::string>> set;  // nullopt removes it. Only values that may_be_kept().
    // Hashes of the whole (agent/base/connector_settings.h), before and after: what is otherwise is not changed.
    std::string from, to;
};
// Its tasks end and it keeps its configuration (KIP-875, Connect 3.5); ResumeConnector starts them again.
struct StopConnector {
    std::string connector;
};
// Where the group of a stopped sink reads on in one partition (KIP-875, Connect 3.6). To one further: the record at
// `from` never reaches the sink.
struct AlterConnectorOffset {
    std::string connector, topic;
    int partition = 0;
    std::int64_t from = 0, to = 0;  // What is not at `from` is not changed.
};

// --- Flink
// ------------------------------------------------------------------------------------------------------------
struct CancelJob {
    std::string job_id;
};
struct StopJobWithSavepoint {
    std::string job_id, target_directory;
};  // Reply.detail: the savepoint's path.
struct StartDeployment {                          // Through the deployment driver.
    std::string job, version;                     // Names in medic.yaml.
    std::string restore_from;                     // Checkpoint or savepoint path; "" starts empty.
    int parallelism = 0;                          // 0: as the version says.
    std::map<std::string, std::string> settings;  // Flink configuration keys for this start.
};
// A question to the deployment driver: would this version start, and would it take what the running job holds? It
// changes nothing that runs. Reply.detail: a line for each thing that was looked at; invalid: what speaks against it.
struct VerifyDeployment {
    std::string job, version;
    std::string job_id;            // The job that runs now.
    std::set<std::string> accept;  // Doubts that a person has accepted beforehand, of deployment_doubts.
};

// --- Kafka
// --------------------------------------------------------------------------------------------------------------
struct AlterConfigs {
    enum class Resource : std::uint8_t { topic, broker };
    Resource resource = Resource::topic;
    std::string name;                                       // Topic, or broker id ("" = cluster-wide default).
    std::map<std::string, std::optional<std::string>> set;  // nullopt deletes the key (back to its default).
};
struct PartitionMove {
    std::string topic;
    int partition = 0;
    std::vector<int> replicas;
};
struct AlterReassignments {
    std::vector<PartitionMove> moves;
};  // Empty replicas cancels that partition's move.
struct PartitionOfTopic {
    std::string topic;
    int partition = 0;
};
struct ElectLeaders {
    std::vector<PartitionOfTopic> partitions;
};  // The preferred leader of each takes over. An election that loses records is another operation.
struct GroupMembers {
    std::string group;
    std::vector<std::string> client_ids;  // Whoever calls itself so: process and task, not one incarnation of them.
};
struct RemoveGroupMembers {
    std::vector<GroupMembers> of;
};  // Members whose process is dead: their group need not wait for the end of their session to hand their work on.
// Of one client by its id, one user, or one client of one user; at least one is named, so that the default of all
// others can't be.
struct AlterClientQuota {
    std::string user, client_id;                       // "": not part of whom it is about.
    std::map<std::string, std::optional<double>> set;  // By Kafka's key (producer_byte_rate, …); nullopt removes it.
};
// One that no coordinator will ever end. Only while it is still open as it was seen: by that producer, from that
// offset.
struct AbortTransaction {
    std::string topic;
    int partition = 0;
    std::int64_t producer_id = -1;
    int producer_epoch = -1;
    int coordinator_epoch = -1;  // -1: none has written to the partition for this producer yet.
    std::int64_t start_offset = -1;
};

// A partition that has no leader gets one that was not in sync: what only the lost replicas held is lost for good.
// Kafka takes the first replica, in their order, that serves. Refused where the partition has a leader again.
struct ElectUncleanLeader {
    std::string topic;
    int partition = 0;
    int expected =
        -1;  // The broker that the loss was estimated for: where another one would be taken, nothing is sent.
};

// More or fewer subtasks for a job that goes on under its id, from its last complete checkpoint: only where its job
// manager runs the adaptive scheduler (Flink 1.18 and later). Vertices that are not `from` wide stay as they are.
struct RescaleJob {
    std::string job_id;
    int from = 0, to = 0;  // What no vertex is at any more is not changed.
};

// What may be doubtful about a deployment, as people accept it by name.
inline constexpr auto deployment_doubts =
    std::to_array<std::string_view>({"plan", "state", "slots", "topics", "checkpoint", "quarantine"});

using OperationBody =
    std::variant<StartNode, StopNode, KillNode, KillConnectorTask, GrowStorage, RestartConnectorTask, RestartConnector,
                 PauseConnector, ResumeConnector, CancelJob, StopJobWithSavepoint, StartDeployment, AlterConfigs,
                 AlterReassignments, ElectLeaders, RemoveGroupMembers, ChangeConnectorConfiguration, AlterClientQuota,
                 VerifyDeployment, AbortTransaction, StopConnector, AlterConnectorOffset, ElectUncleanLeader,
                 RescaleJob>;  // New ones last: journals hold the number.

// `key` names incident, step and attempt ("I17/2/1"): a World sends an operation at most once per key.
struct Operation {
    std::string key;
    std::string cluster;
    OperationBody body;
    Duration timeout{10'000};
    bool idempotent = false;          // May be sent again when its outcome is unknown.
    std::uint64_t fencing_token = 0;  // Of the lease that it is sent under: drivers refuse an older one. 0: no lease.
};

// The id of the job that it ends ("" where only the sending knows it); nullptr: it ends none.
[[nodiscard]] const std::string* ended_job(const OperationBody& body);
// How many records it keeps from whom they are for; nullopt: it is no such operation, or that can't be told.
[[nodiscard]] std::optional<std::int64_t> records_passed_over(const OperationBody& body);
// It costs records that nobody can name, however few: never without a person who was told how many may be lost.
[[nodiscard]] bool loses_unnamed_records(const OperationBody& body);
[[nodiscard]] std::string_view operation_name(const OperationBody& body);  // "kill-node", "restart-connector-task", …
[[nodiscard]] std::string describe(const Operation& operation);  // One line for journal and dry run; no secrets.

// The outcome of one operation. A time-out is ErrorCode::outcome_unknown, never a failure.
struct OperationReply {
    std::string key;
    Result<std::string> detail;  // What the other side said (a savepoint's path, a job id), bounded to 64 KiB.
};

}  // namespace medic
