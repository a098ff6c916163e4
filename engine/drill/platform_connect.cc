// Records that a sink can't take: written, and looked for afterwards.
#include <algorithm>
#include <chrono>

#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_consumer.h"
#include "agent/world/real/kafka_producer.h"
#include "engine/drill/inventory.h"
#include "engine/drill/platform.h"

namespace medic::engine::drill {
namespace {

constexpr std::string_view sink_topic = "inventory";
constexpr std::string_view dead_letter_topic = "inventory-sink-dead-letters";
constexpr std::string_view marker = "drill";  // The key of what a drill writes: the source's records have none.
constexpr Duration read_patience{10'000};

struct Found {
    std::int64_t offset = 0;
    bool marked = false;
    std::optional<std::string> value;
};

// What stands in the topic from the beginning; of compacted or expired parts nothing.
Result<std::map<TopicPartition, std::vector<Found>>> read_all(KafkaClient& client, const KafkaClientOptions& options,
                                                              std::string_view topic) {
    MEDIC_TRY(const auto known, client.metadata(std::vector{std::string(topic)}));
    std::map<TopicPartition, std::int64_t> starts;
    std::vector<TopicPartition> partitions;
    for (const auto& one : known.topics)
        for (const auto& partition : one.partitions) {
            partitions.push_back({std::string(topic), partition.partition});
            starts[partitions.back()] = kFromEarliest;
        }
    MEDIC_TRY(const auto ends, list_offsets(client, partitions, kFromLatest));
    KafkaConsumerOptions reading;
    reading.client = options;
    KafkaConsumer consumer(reading);
    MEDIC_CHECK(consumer.assign(starts));
    std::map<TopicPartition, std::vector<Found>> found;
    const auto done = [&] {
        for (const auto& [partition, end] : ends)
            if (end > 0 && (found[partition].empty() || found[partition].back().offset + 1 < end)) return false;
        return true;
    };
    const auto deadline = std::chrono::steady_clock::now() + read_patience;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::unavailable, "{} can't be read to its end", topic);
        MEDIC_TRY([[maybe_unused]] const auto count,
                  consumer.poll(std::chrono::milliseconds(500), [&](const ConsumedRecord& record) {
                      Found& one = found[{std::string(record.topic), record.partition}].emplace_back();
                      one.offset = record.record.offset;
                      one.marked = record.record.key == marker;
                      if (record.record.value) one.value = std::string(*record.record.value);
                  }));
    }
    return found;
}

}  // namespace

Status Platform::deliver_to_sink(const std::optional<std::string>& value) const {
    KafkaClient client({.bootstrap = bootstrap()});
    KafkaProducer producer(client, {});
    KafkaRecord record;
    record.topic = sink_topic;
    record.timestamp_ms = read_clock().wall.unix_ms;
    record.key = marker;
    if (value) record.value = *value;
    MEDIC_CHECK(producer.append(record));
    return producer.flush();
}

Result<RecordCheck> Platform::check_inventory_without(const std::optional<std::string>& value) const {
    MEDIC_TRY(const Inventory all, count_inventory(inventory_path()));
    const KafkaClientOptions options{.bootstrap = bootstrap()};
    KafkaClient client(options);
    MEDIC_TRY(const auto topic, read_all(client, options, sink_topic));
    std::uint64_t excused = 0;
    for (const auto& [partition, records] : topic) {
        MEDIC_TRY(const auto missing, missing_offsets(inventory_path(), partition.partition));
        for (const Found& record : records)
            if (record.marked && record.value == value && std::ranges::find(missing, record.offset) != missing.end())
                ++excused;
    }
    if (excused == 0) return fail(ErrorCode::not_ready, "the record that the sink can't take is not passed over");
    return RecordCheck{all.records, all.lost(excused), all.repeated};
}

Result<int> Platform::dead_letters(const std::string& value) const {
    const KafkaClientOptions options{.bootstrap = bootstrap()};
    KafkaClient client(options);
    MEDIC_TRY(const auto topic, read_all(client, options, dead_letter_topic));
    int count = 0;
    for (const auto& [partition, records] : topic)
        count += static_cast<int>(
            std::ranges::count_if(records, [&](const Found& record) { return record.value == value; }));
    return count;
}

}  // namespace medic::engine::drill
