// A Kafka cluster over the admin protocol: brokers, partitions, replicas, log dirs, groups and their lag, moves under
// way. Reads only. It speaks through KafkaReader, so that tests need no sockets; agent/daemon gives it one over
// KafkaClient, on a thread that may wait.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/collectors/observation.h"
#include "agent/collectors/state_memory.h"
#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/messages/metadata.h"
#include "agent/wire/messages/placement.h"

namespace medic {

// The reading half of a Kafka client. Every call may wait and may fail; none changes anything.
class KafkaReader {
public:
    KafkaReader() = default;
    KafkaReader(const KafkaReader&) = delete;
    KafkaReader& operator=(const KafkaReader&) = delete;
    virtual ~KafkaReader() = default;

    template <class Response>
    using ByBroker = std::map<std::int32_t, Result<Response>>;

    [[nodiscard]] virtual Result<wire::MetadataResponse> metadata() = 0;
    [[nodiscard]] virtual Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() = 0;
    [[nodiscard]] virtual Result<ByBroker<wire::ListGroupsResponse>> groups() = 0;
    [[nodiscard]] virtual Result<wire::DescribeGroupsResponse> group(const std::string& id) = 0;
    [[nodiscard]] virtual Result<wire::OffsetFetchResponse> committed(const std::string& group) = 0;
    [[nodiscard]] virtual Result<wire::ListOffsetsResponse> offsets(std::int32_t leader,
                                                                    const wire::ListOffsetsRequest& request) = 0;
    [[nodiscard]] virtual Result<wire::ListPartitionReassignmentsResponse> reassignments() = 0;
    [[nodiscard]] virtual Result<wire::DescribeConfigsResponse> configs(
        const wire::DescribeConfigsRequest& request) = 0;
};

struct KafkaCollectorOptions {
    std::string cluster;
    std::string target;            // "lab/kafka"
    std::size_t groups_max = 200;  // More are counted as missing, not silently left out.
    std::size_t partitions_max = 50'000;
    std::size_t config_topics_max = 500;
    int configs_every = 3;  // Looks between two readings of topic settings: they change seldom.
};

class KafkaCollector {
public:
    explicit KafkaCollector(KafkaCollectorOptions options) : options_(std::move(options)) {}

    [[nodiscard]] const std::string& target() const { return options_.target; }
    // Waits for the brokers' answers.
    [[nodiscard]] Observation look(KafkaReader& reader, WallTime at);

private:
    using PartitionKey = std::pair<std::string, std::int32_t>;
    struct Look;
    void brokers(Look& look);
    void partitions(Look& look);
    void log_dirs(Look& look, KafkaReader& reader);
    void moves(Look& look, KafkaReader& reader) const;
    void offsets(Look& look, KafkaReader& reader, std::int64_t which) const;
    void groups(Look& look, KafkaReader& reader);
    void group(Look& look, KafkaReader& reader, const std::string& id);
    void configs(Look& look, KafkaReader& reader);

    KafkaCollectorOptions options_;
    std::set<std::int32_t> brokers_seen_;
    std::map<std::string, std::map<std::string, std::string>> topic_settings_;
    StateMemory states_;
    std::uint64_t looks_ = 0;
};

}  // namespace medic
