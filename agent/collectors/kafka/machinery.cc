// What keeps a cluster together and what holds its clients up: the controllers' quorum, quotas, open transactions.
#include <algorithm>

#include "agent/collectors/kafka/look_internal.h"

namespace medic {

using wire::KafkaError;

namespace {

// Kafka's default for controller.quorum.fetch.timeout.ms: a voter that is further behind is no longer counted on.
constexpr std::int64_t voter_behind_max_ms = 2'000;

double seconds_since(std::int64_t unix_ms, WallTime at) {
    return static_cast<double>(std::max<std::int64_t>(0, at.unix_ms - unix_ms)) / 1'000;
}

}  // namespace

void KafkaCollector::quorum(Look& look, KafkaReader& reader) const {
    const auto answer = reader.quorum();
    if (!answer) return look.missing("controllers' quorum", answer.error());
    if (const auto good = wire::check(answer->error, "DescribeQuorum"); !good)
        return look.missing("controllers' quorum", good.error());
    if (answer->topics.empty() || answer->topics[0].partitions.empty())
        return look.observation.lacks("controllers' quorum: an empty answer");
    const auto& log = answer->topics[0].partitions[0];
    if (const auto good = wire::check(log.error, "DescribeQuorum"); !good)
        return look.missing("controllers' quorum", good.error());
    look.sample("kafka_quorum_leader", {}, log.leader_id);
    look.sample("kafka_quorum_leader_epoch", {}, log.leader_epoch);
    const auto leader =
        std::ranges::find(log.voters, log.leader_id, &std::decay_t<decltype(log.voters[0])>::replica_id);
    const std::int64_t end = leader != log.voters.end() ? leader->log_end_offset : log.high_watermark;
    const auto replica = [&](const auto& one, const char* role) {
        const std::vector<LabelPair> labels = {{"node", std::to_string(one.replica_id)}, {"role", role}};
        if (one.log_end_offset >= 0)
            look.sample("kafka_quorum_replica_lag_records", labels,
                        static_cast<double>(std::max<std::int64_t>(0, end - one.log_end_offset)));
        if (one.last_caught_up_timestamp_ms > 0)
            look.sample("kafka_quorum_replica_behind_seconds", labels,
                        seconds_since(one.last_caught_up_timestamp_ms, look.observation.at));
    };
    const std::int64_t leader_at = leader != log.voters.end() ? leader->last_caught_up_timestamp_ms : -1;
    for (const auto& voter : log.voters) {
        replica(voter, "voter");
        look.voters[voter.replica_id] =
            voter.replica_id == log.leader_id || (leader_at > 0 && voter.last_caught_up_timestamp_ms > 0 &&
                                                  leader_at - voter.last_caught_up_timestamp_ms < voter_behind_max_ms);
    }
    for (const auto& observer : log.observers) replica(observer, "observer");
}

void KafkaCollector::quotas(Look& look, KafkaReader& reader) const {
    const auto answer = reader.quotas();
    if (!answer) return look.missing("quotas", answer.error());
    if (const auto good = wire::check(answer->error, "DescribeClientQuotas", answer->error_message.value_or("")); !good)
        return look.missing("quotas", good.error());
    std::size_t count = 0;
    for (const auto& entry : answer->entries.value_or(std::vector<wire::DescribeClientQuotasResponse::Entry>())) {
        count += entry.values.size();
        std::vector<LabelPair> labels;
        for (const auto& entity : entry.entity) {
            const std::string label = entity.type == "client-id" ? "client" : entity.type;
            if (label != "client" && label != "user" && label != "ip") continue;
            labels.emplace_back(label, entity.name.value_or("<default>"));
        }
        for (const auto& value : entry.values) {
            auto all = labels;
            all.emplace_back("quota", value.key);
            look.sample("kafka_client_quota", std::move(all), value.value);
        }
    }
    look.sample("kafka_client_quotas_set", {}, static_cast<double>(count));
}

void KafkaCollector::transactions(Look& look, KafkaReader& reader) const {
    const auto answers = reader.transactions();
    if (!answers) return look.missing("transactions", answers.error());
    std::size_t count = 0;
    bool all_told = true;
    for (const auto& [broker, answer] : *answers) {
        Status good = answer ? wire::check(answer->error, "ListTransactions") : std::unexpected(answer.error());
        std::vector<std::string> ids;
        if (good)
            for (const auto& one : answer->transactions)
                if (++count <= options_.transactions_max) ids.push_back(one.transactional_id);
        const auto described = good && !ids.empty() ? reader.describe_transactions(broker, ids)
                                                    : Result<wire::DescribeTransactionsResponse>({});
        if (good && !described) good = std::unexpected(described.error());
        if (!good) {
            look.missing("transactions", good.error());
            all_told = false;
            continue;
        }
        for (const auto& one : described->transactions) {
            // Over between the two questions, or not ours to see.
            if (one.error != KafkaError::none || one.started_at_ms < 0) continue;
            look.sample("kafka_transaction_open_seconds",
                        {{"transactional_id", one.transactional_id}, {"state", one.state}},
                        seconds_since(one.started_at_ms, look.observation.at));
        }
    }
    if (count > options_.transactions_max)
        look.observation.lacks(std::to_string(count - options_.transactions_max) + " transactions over the limit of " +
                               std::to_string(options_.transactions_max));
    if (all_told) look.sample("kafka_transactions_open", {}, static_cast<double>(count));
}

// A transaction that nobody ends holds up every reader that waits for committed records (KIP-664). Seen from the
// partition's side, as its coordinator may know nothing of it: the last stable offset stands still behind the end.
void KafkaCollector::open_transactions(Look& look, KafkaReader& reader) {
    std::map<PartitionKey, std::int64_t> held;
    std::map<std::int32_t, wire::DescribeProducersRequest> asks;
    std::size_t asked = 0;
    for (auto& [leader, request] : offset_requests(look, wire::kLatestOffset)) {
        request.isolation = 1;  // read_committed
        const auto answer = reader.offsets(leader, request);
        if (!answer) {
            look.missing("last stable offsets", answer.error());
            continue;
        }
        for (const auto& topic : answer->topics)
            for (const auto& partition : topic.partitions) {
                const auto end = look.end_offsets.find({topic.name, partition.partition});
                if (partition.error != KafkaError::none || partition.offset < 0 || end == look.end_offsets.end() ||
                    partition.offset >= end->second)
                    continue;
                held[end->first] = partition.offset;
                look.partition_sample("kafka_partition_last_stable_offset", topic.name, partition.partition,
                                      static_cast<double>(partition.offset));
                const auto before = held_at_.find(end->first);
                if (before == held_at_.end() || before->second != partition.offset) continue;
                if (++asked > options_.held_partitions_max) continue;
                auto& topics = asks[leader].topics;
                if (topics.empty() || topics.back().name != topic.name) topics.push_back({topic.name, {}});
                topics.back().partitions.push_back(partition.partition);
            }
    }
    held_at_ = std::move(held);
    for (const auto& [leader, request] : asks) producers(look, reader, leader, request);
}

void KafkaCollector::producers(Look& look, KafkaReader& reader, std::int32_t leader,
                               const wire::DescribeProducersRequest& request) const {
    const auto answer = reader.producers(leader, request);
    if (!answer) return look.missing("producers", answer.error());
    for (const auto& topic : answer->topics)
        for (const auto& partition : topic.partitions) {
            if (const auto good = wire::check(partition.error, "producers of " + topic.name); !good) {
                look.missing("producers", good.error());
                continue;
            }
            for (const auto& producer : partition.producers) {
                if (producer.transaction_start_offset < 0) continue;
                look.sample("kafka_partition_transaction_silent_seconds",
                            {{"topic", topic.name},
                             {"partition", std::to_string(partition.partition)},
                             {"producer_id", std::to_string(producer.producer_id)}},
                            seconds_since(producer.last_timestamp_ms, look.observation.at));
            }
        }
}

}  // namespace medic
