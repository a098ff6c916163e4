// Open transactions: as their coordinators tell them, as partitions do, and those that no coordinator will ever end.
// All but the first is read seldom, and asked only where readers of committed records are held up.
#include <algorithm>

#include "agent/collectors/kafka/look_internal.h"

namespace medic {

using wire::KafkaError;

namespace {

// Kafka's default: transaction.max.timeout.ms.
constexpr std::int64_t max_timeout_default_ms = 15 * 60'000;
// Coordinators leave out what we may not describe, and then everything would seem unknown to them. So one is asked for
// that nobody has: the right is checked first.
constexpr const char* nobodys_id = "streammedic-asks-whether-it-may-describe";

}  // namespace

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
    // Of one without a leader nobody tells.
    bool all_told = std::ranges::none_of(look.metadata.topics, [](const auto& topic) {
        return std::ranges::any_of(topic.partitions, [](const auto& one) { return one.leader_id < 0; });
    });
    for (auto& [leader, request] : offset_requests(look, wire::kLatestOffset)) {
        request.isolation = 1;  // read_committed
        const auto answer = reader.offsets(leader, request);
        if (!answer) {
            look.missing("last stable offsets", answer.error());
            all_told = false;
            continue;
        }
        for (const auto& topic : answer->topics)
            for (const auto& partition : topic.partitions) {
                const auto end = look.end_offsets.find({topic.name, partition.partition});
                if (partition.error != KafkaError::none || partition.offset < 0) all_told = false;
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
    if (all_told) look.sample("kafka_partitions_held_up", {}, static_cast<double>(held_at_.size()));
    OpenTransactions late;
    for (const auto& [leader, request] : asks) producers(look, reader, leader, request, late);
    hanging(look, reader, std::move(late));
}

std::int64_t KafkaCollector::max_transaction_timeout_ms() const {
    std::int64_t longest = 0;
    for (const auto& [broker, settings] : broker_settings_)
        if (const auto told = settings.find("transaction.max.timeout.ms"); told != settings.end())
            longest = std::max<std::int64_t>(longest, std::strtoll(told->second.c_str(), nullptr, 10));
    return longest > 0 ? longest : max_timeout_default_ms;
}

// `late` gets those whose producer has been silent for longer than any transaction may last.
void KafkaCollector::producers(Look& look, KafkaReader& reader, std::int32_t leader,
                               const wire::DescribeProducersRequest& request, OpenTransactions& late) const {
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
                if (look.observation.at.unix_ms - producer.last_timestamp_ms > max_transaction_timeout_ms())
                    late[{topic.name, partition.partition}].push_back(producer);
            }
        }
}

// By producer id, the partitions that a coordinator will still write the end of its transaction to. An error where not
// every coordinator has answered for all that it knows: then nobody is known to be unknown.
Result<std::map<std::int64_t, std::set<KafkaCollector::PartitionKey>>> KafkaCollector::coordinated(
    const Look& look, KafkaReader& reader, const std::vector<std::int64_t>& producer_ids) {
    for (const auto& topic : look.metadata.topics)
        for (const auto& partition : topic.partitions)
            if (topic.name == "__transaction_state" && partition.leader_id < 0)
                return fail(ErrorCode::unavailable, "some transactions have no coordinator now");
    MEDIC_TRY(const auto answers, reader.transactions_of(producer_ids));
    std::map<std::int64_t, std::set<PartitionKey>> known;
    bool may_describe = false;
    for (const auto& [broker, answer] : answers) {
        if (!answer) return std::unexpected(answer.error());
        MEDIC_CHECK(wire::check(answer->error, "ListTransactions"));
        std::vector<std::string> ids;
        for (const auto& one : answer->transactions) ids.push_back(one.transactional_id);
        if (!may_describe) ids.emplace_back(nobodys_id);
        if (ids.empty()) continue;
        MEDIC_TRY(const auto described, reader.describe_transactions(broker, ids));
        for (const auto& one : described.transactions) {
            const bool probe = one.transactional_id == nobodys_id;
            if (probe && one.error != KafkaError::transactional_id_authorization_failed) may_describe = true;
            // It has been forgotten since: whoever has a transaction open under it waits in vain.
            if (one.error == KafkaError::transactional_id_not_found || (probe && may_describe)) continue;
            MEDIC_CHECK(wire::check(one.error, "DescribeTransactions"));
            for (const auto& topic : one.topics)
                for (const std::int32_t partition : topic.partitions)
                    known[one.producer_id].emplace(topic.name, partition);
        }
    }
    if (!may_describe) return fail(ErrorCode::invalid, "no coordinator tells what we may describe");
    return known;
}

// Kafka's rule (kafka-transactions.sh find-hanging, TransactionsCommand): open for longer than any transaction may
// last, and no coordinator that knows the producer counts this partition to its transaction. Told at the second look
// that finds it so: between the two questions of one look a transaction may end.
void KafkaCollector::hanging(Look& look, KafkaReader& reader, OpenTransactions late) {
    std::vector<std::int64_t> ids;
    for (const auto& [partition, producers] : late)
        for (const auto& one : producers) ids.push_back(one.producer_id);
    std::set<std::string> found;
    if (!ids.empty()) {
        const auto known = coordinated(look, reader, ids);
        if (!known) look.missing("hanging transactions", known.error());
        for (const auto& [partition, producers] : known ? late : OpenTransactions{})
            for (const auto& one : producers) {
                const auto mine = known->find(one.producer_id);
                if (mine != known->end() && mine->second.contains(partition)) continue;
                std::vector<LabelPair> labels = {{"topic", partition.first},
                                                 {"partition", std::to_string(partition.second)},
                                                 {"producer_id", std::to_string(one.producer_id)},
                                                 {"producer_epoch", std::to_string(one.producer_epoch)},
                                                 {"coordinator_epoch", std::to_string(one.coordinator_epoch)},
                                                 {"start_offset", std::to_string(one.transaction_start_offset)}};
                std::string identity;
                for (const auto& [label, value] : labels) identity += value + '/';
                if (hanging_.contains(identity))
                    look.sample("kafka_partition_hanging_transaction_seconds", std::move(labels),
                                seconds_since(one.last_timestamp_ms, look.observation.at));
                found.insert(std::move(identity));
            }
    }
    hanging_ = std::move(found);
}

}  // namespace medic
