// A fact: one value about one subject, with its age. What guards, preconditions and verification read, and what a
// decision records. Looked up in the store and the topology by the ingest thread when the loop asks for it (FactKey);
// never guessed.
//
// How a FactKey is answered:
//  - `name` is a canonical series (rules/canonical): the newest samples whose labels match the subject, summed
//    (job -> job, taskmanager -> taskmanager, connector-task "c/0" -> connector and task, log-dir "2:/data" -> broker
//    and log_dir, vertex "job/v" -> job and vertex; other kinds by the label of that name; cluster -> all of the
//    cluster). A series with a `state` label answers in `text`: the state whose sample is 1.
//  - otherwise `name` is a topology attribute of the subject; numbers and booleans ("true" is 1) also fill `value`.
//  - {checkpoint/PATH, "newest"}: the newest complete checkpoint beside this one, where its folder can be seen from the
//    agent's machine; `no_checkpoint` where there is none.
//  - {artifact/PATH, "sha256"}: "sha256:…" of that file of the agent's machine; `no_artifact` where it is not there.
//  - {client/ID or user/NAME, "quota:KEY"}: what Kafka holds that very client or user to; `no_quota` where the
//  cluster's
//    quotas are known and this is not among them. A client-id of one user is another entity.
//  - {partition/TOPIC-N, "kafka_partition_last_stable_offset"}: where it is not behind, the end of the log.
//  - {transaction/TOPIC-N/PRODUCER/EPOCH/START, …}: series of that very transaction, by their labels.
//  - {connector/NAME, "committed:TOPIC-PARTITION"}: where the group of a sink reads on; told while, and for ten
//    minutes after, the sink is stopped or a task of it has FAILED, by workers that tell offsets
//    (Connect 3.5).
//  - {topic/NAME, "unread_ratio_max"}: by partition, and only while no reader is missing (agent/store/kafka_words.h).
//  - {connector-task/NAME/N, "runs_on"}: its worker, or that none answers (agent/store/connect_words.h).
//  - not known, stale or not asked for long: value nullopt and text empty. Absence is an answer, and never zero.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/subject.h"
#include "agent/base/time.h"
#include "agent/store/silence.h"

namespace medic {

struct FactKey {
    Subject subject;
    std::string name;
    auto operator<=>(const FactKey&) const = default;
};

inline constexpr std::string_view no_checkpoint = "none";
[[nodiscard]] inline FactKey newest_checkpoint_key(std::string cluster, std::string path) {
    return {{std::move(cluster), "checkpoint", std::move(path)}, "newest"};
}

inline constexpr std::string_view no_artifact = "none";
[[nodiscard]] inline FactKey artifact_key(std::string cluster, std::string path) {
    return {{std::move(cluster), "artifact", std::move(path)}, "sha256"};
}

inline constexpr std::string_view no_quota = "none";
inline constexpr std::string_view quota_prefix = "quota:";
[[nodiscard]] inline FactKey quota_key(Subject client_or_user, std::string_view key) {
    return {std::move(client_or_user), std::string(quota_prefix).append(key)};
}

inline constexpr std::string_view last_stable_offset = "kafka_partition_last_stable_offset";
[[nodiscard]] inline Subject partition_subject(std::string cluster, const std::string& topic, int partition) {
    return {std::move(cluster), "partition", topic + "-" + std::to_string(partition)};
}
// One producer's, which began at that offset of the partition.
[[nodiscard]] inline Subject transaction_subject(const Subject& partition, std::int64_t producer_id, int producer_epoch,
                                                 std::int64_t start_offset) {
    return {partition.cluster, "transaction",
            partition.name + "/" + std::to_string(producer_id) + "/" + std::to_string(producer_epoch) + "/" +
                std::to_string(start_offset)};
}

inline constexpr std::string_view committed_prefix = "committed:";
struct PartitionName {
    std::string topic;
    std::int64_t partition = 0;
};
[[nodiscard]] inline FactKey committed_key(Subject connector, const PartitionName& of) {
    return {std::move(connector), std::string(committed_prefix).append(of.topic) + "-" + std::to_string(of.partition)};
}

// nullopt and no text = asked and not known.
struct Fact {
    Subject subject;
    std::string name;
    std::optional<double> value;
    std::string text;  // For facts that are words: a job's state, a version, a path.
    WallTime observed_at;
    [[nodiscard]] bool known() const { return value.has_value() || !text.empty(); }
};
struct Facts {
    std::vector<Fact> facts;
};

// Work of others or ours that must not be overlapped: reassignment, rebalance, savepoint, deployment, roll, log
// recovery.
struct OperationUnderWay {
    Subject subject;
    std::string kind;
    std::string by;
    WallTime since;
};
struct OperationsUnderWay {
    WallTime at;
    std::vector<OperationUnderWay> operations;
    std::vector<ClusterSilences> silences;  // Of every cluster whose configuration names an Alertmanager.
};

}  // namespace medic
