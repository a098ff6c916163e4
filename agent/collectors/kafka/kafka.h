// A Kafka cluster over the admin protocol: brokers, partitions, replicas, log dirs, groups and their lag, moves under
// way, the controllers' quorum, quotas, open transactions. Reads only. It speaks through KafkaReader, so that tests
// need no sockets; agent/daemon gives it one over KafkaClient, on a thread that may wait.
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
#include "agent/wire/messages/consumer_group.h"
#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/list_offsets.h"
#include "agent/wire/messages/metadata.h"
#include "agent/wire/messages/placement.h"
#include "agent/wire/messages/quotas.h"
#include "agent/wire/messages/transactions.h"

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
    // Of the groups that one broker coordinates: it is the one that has listed them.
    [[nodiscard]] virtual Result<wire::DescribeGroupsResponse> describe_groups(std::int32_t coordinator,
                                                                               const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual Result<wire::ConsumerGroupDescribeResponse> describe_consumer_groups(
        std::int32_t coordinator, const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual Result<std::vector<wire::OffsetFetchResponse::Group>> committed(
        std::int32_t coordinator, const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual Result<wire::ListOffsetsResponse> offsets(std::int32_t leader,
                                                                    const wire::ListOffsetsRequest& request) = 0;
    [[nodiscard]] virtual Result<wire::ListPartitionReassignmentsResponse> reassignments() = 0;
    [[nodiscard]] virtual Result<wire::DescribeConfigsResponse> configs(
        const wire::DescribeConfigsRequest& request) = 0;
    // Each broker's own settings, which only it knows.
    [[nodiscard]] virtual Result<ByBroker<wire::DescribeConfigsResponse>> broker_configs(
        const std::vector<std::string>& keys) = 0;
    [[nodiscard]] virtual Result<wire::DescribeQuorumResponse> quorum() = 0;
    [[nodiscard]] virtual Result<wire::DescribeClientQuotasResponse> quotas() = 0;
    // Those that are open, by coordinator.
    [[nodiscard]] virtual Result<ByBroker<wire::ListTransactionsResponse>> transactions() = 0;
    // Of these producers, in any state.
    [[nodiscard]] virtual Result<ByBroker<wire::ListTransactionsResponse>> transactions_of(
        const std::vector<std::int64_t>& producer_ids) = 0;
    [[nodiscard]] virtual Result<wire::DescribeTransactionsResponse> describe_transactions(
        std::int32_t coordinator, const std::vector<std::string>& ids) = 0;
    [[nodiscard]] virtual Result<wire::DescribeProducersResponse> producers(
        std::int32_t leader, const wire::DescribeProducersRequest& request) = 0;
};

struct KafkaCollectorOptions {
    std::string cluster;
    std::string target;            // "lab/kafka"
    std::size_t groups_max = 200;  // More are counted as missing, not silently left out.
    std::size_t partitions_max = 50'000;
    std::size_t config_topics_max = 500;       // In one look; the rest is read in the looks after it.
    std::size_t partitions_named_max = 2'000;  // Partitions of one broker that are told by name, of each kind.
    std::size_t transactions_max = 200;
    std::size_t held_partitions_max = 100;  // Whose producers are asked for, as a transaction holds up their readers.
    std::size_t leaderless_max = 200;  // Partitions without a leader whose other replicas are asked how far they got.
    int configs_every = 3;             // Looks between two readings of topic settings: they change seldom.
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
    void silence(Observation& observation) const;
    void brokers(Look& look);
    void partitions(Look& look);
    void preferred_leaders(Look& look) const;
    void leadership(Look& look) const;
    void leaderless(Look& look, KafkaReader& reader) const;
    using LogDirs = KafkaReader::ByBroker<wire::DescribeLogDirsResponse>;
    [[nodiscard]] bool has_fallen_silent(const LogDirs& answers) const;
    void log_dirs(Look& look, const Result<LogDirs>& answers);
    void moves(Look& look, KafkaReader& reader) const;
    static void moves_unread(Look& look, const Error& why);
    // By leader.
    [[nodiscard]] static std::map<std::int32_t, wire::ListOffsetsRequest> offset_requests(const Look& look,
                                                                                          std::int64_t which);
    void offsets(Look& look, KafkaReader& reader, std::int64_t which) const;
    void groups(Look& look, KafkaReader& reader);
    void groups_of(Look& look, KafkaReader& reader, std::int32_t coordinator, const wire::ListGroupsResponse& listed);
    // Whether coordinators answer, by partition of __consumer_offsets.
    void note_listed(Look& look, std::int32_t coordinator, const std::vector<std::string>& groups);
    static void note_answer(Look& look, const std::string& group, wire::KafkaError error);
    void ask_coordinators(Look& look, KafkaReader& reader, std::int32_t broker);
    void tell_coordinators(Look& look);
    void group_state(Look& look, const std::string& id, const std::string& state, const std::string& type,
                     std::size_t members);
    void committed(Look& look, KafkaReader& reader, std::int32_t coordinator,
                   const std::vector<std::string>& ids) const;
    void quorum(Look& look, KafkaReader& reader) const;
    void needed(Look& look) const;
    void transactions(Look& look, KafkaReader& reader) const;
    void seldom(Look& look, KafkaReader& reader);
    void configs(Look& look, KafkaReader& reader);
    void topic_settings(const wire::DescribeConfigsResponse::Resource& resource);
    void broker_configs(Look& look, KafkaReader& reader);
    void throttled(const Look& look) const;
    void broker_setting(const Look& look, const std::string& broker,
                        const wire::DescribeConfigsResponse::Resource::Config& config);
    void quotas(Look& look, KafkaReader& reader) const;
    void open_transactions(Look& look, KafkaReader& reader);
    using OpenTransactions =
        std::map<PartitionKey, std::vector<wire::DescribeProducersResponse::Topic::Partition::Producer>>;
    void producers(Look& look, KafkaReader& reader, std::int32_t leader, const wire::DescribeProducersRequest& request,
                   OpenTransactions& late) const;
    void hanging(Look& look, KafkaReader& reader, OpenTransactions late);
    [[nodiscard]] static Result<std::map<std::int64_t, std::set<PartitionKey>>> coordinated(
        const Look& look, KafkaReader& reader, const std::vector<std::int64_t>& producer_ids);
    [[nodiscard]] std::int64_t max_transaction_timeout_ms() const;

    KafkaCollectorOptions options_;
    std::set<std::int32_t> brokers_seen_;
    std::set<std::int32_t> answered_;  // In the last look.
    std::map<std::string, std::map<std::string, std::string>> topic_settings_, broker_settings_;
    std::string configs_from_;  // The last topic that was read, where others are still to be; "" else.
    int configs_failed_ = 0;    // Readings, one after the other.
    std::vector<std::pair<Labels, double>> seldom_samples_;
    std::map<PartitionKey, std::int64_t> held_at_;  // Last stable offset where it was behind the end.
    std::set<std::string> hanging_;                 // Transactions that the last reading found to hang.
    std::string not_visible_;                       // Of what is read seldom.
    std::size_t groups_seen_ = 0;                   // In this look.
    // Groups that were listed last, by partition of __consumer_offsets; at most groups_max. Those of a coordinator that
    // lists none meanwhile are kept.
    std::map<std::int32_t, std::vector<std::string>> groups_of_partition_;
    std::set<std::int32_t> silent_;  // Of these, the ones that did not answer last time.
    StateMemory states_;
    std::uint64_t looks_ = 0;
};

}  // namespace medic
