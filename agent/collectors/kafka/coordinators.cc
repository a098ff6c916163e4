// Whether the coordinator of each partition of __consumer_offsets answers for its groups. A broker coordinates each of
// its partitions by itself, and one that hangs leaves the others alone; but it keeps a broker from listing any group at
// all, as that waits for every partition. So what was listed before is remembered, and each partition of a broker that
// lists none is asked for a few of its groups.
#include <algorithm>

#include "agent/collectors/kafka/look_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {

using wire::KafkaError;

namespace {

constexpr std::size_t groups_asked_max = 3;  // Of one partition: any of them shows whether it answers.
constexpr std::size_t silent_max = 2;        // Of one broker and look: each costs the time of a request.

// Java's String.hashCode, over UTF-16 units.
std::int32_t java_hash(std::string_view utf8) {
    std::uint32_t hash = 0;
    const auto unit = [&](std::uint32_t value) { hash = hash * 31 + value; };
    for (std::size_t i = 0; i < utf8.size();) {
        const auto first = static_cast<unsigned char>(utf8[i]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        std::uint32_t point = length == 1 ? first : first & (0xFFU >> (length + 1));
        for (std::size_t k = 1; k < length && i + k < utf8.size(); ++k)
            point = point << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
        i += length;
        if (point < 0x10000) {
            unit(point);
        } else {
            unit(0xD800 + ((point - 0x10000) >> 10));
            unit(0xDC00 + ((point - 0x10000) & 0x3FF));
        }
    }
    return static_cast<std::int32_t>(hash & 0x7FFF'FFFFU);  // Kafka's Utils.abs
}

// What a coordinator says that does not serve; anything else is an answer, if only a refusal.
bool serves(KafkaError error) {
    return error != KafkaError::coordinator_not_available && error != KafkaError::coordinator_load_in_progress;
}

const wire::MetadataResponse::Topic* offsets_topic(const wire::MetadataResponse& metadata) {
    for (const auto& topic : metadata.topics)
        if (topic.name == coordinators_topic && topic.error == KafkaError::none && !topic.partitions.empty())
            return &topic;
    return nullptr;
}

}  // namespace

std::optional<std::int32_t> KafkaCollector::Look::coordinated_in(std::string_view group) const {
    const auto* topic = offsets_topic(metadata);
    if (topic == nullptr) return std::nullopt;
    return java_hash(group) % static_cast<std::int32_t>(topic->partitions.size());
}

void KafkaCollector::note_listed(Look& look, std::int32_t coordinator, const std::vector<std::string>& groups) {
    const auto* topic = offsets_topic(look.metadata);
    if (topic == nullptr) return;
    for (const auto& partition : topic->partitions)
        if (partition.leader_id == coordinator) groups_of_partition_.erase(partition.partition);
    for (const std::string& group : groups)
        if (const auto partition = look.coordinated_in(group)) groups_of_partition_[*partition].push_back(group);
}

void KafkaCollector::note_answer(Look& look, const std::string& group, KafkaError error) {
    const auto partition = look.coordinated_in(group);
    if (!partition || error == KafkaError::not_coordinator) return;
    // One that serves a single group serves.
    bool& answers = look.coordinators[*partition];
    answers = answers || serves(error);
}

// Those that answered last time first: what hangs must not keep them from being asked.
void KafkaCollector::ask_coordinators(Look& look, KafkaReader& reader, std::int32_t broker) {
    const auto* topic = offsets_topic(look.metadata);
    // One that answers nothing is no stuck coordinator, and would cost the look its time.
    if (topic == nullptr || !look.answering.contains(broker)) return;
    std::vector<std::int32_t> led;
    for (const auto& partition : topic->partitions)
        if (partition.leader_id == broker && groups_of_partition_.contains(partition.partition))
            led.push_back(partition.partition);
    std::ranges::stable_sort(led, {}, [&](std::int32_t partition) { return silent_.contains(partition); });
    std::size_t silent = 0;
    for (const std::int32_t partition : led) {
        std::vector<std::string> ids = groups_of_partition_.at(partition);
        ids.resize(std::min(ids.size(), groups_asked_max));
        const auto answer = reader.describe_groups(broker, ids);
        if (!answer) {
            if (answer.error().code == ErrorCode::invalid) return look.missing("groups", answer.error());
            look.coordinators[partition] = false;
            if (++silent >= silent_max) return;
            continue;
        }
        for (const auto& group : answer->groups) {
            note_answer(look, group.group_id, group.error);
            if (group.error == KafkaError::none)
                group_state(look, group.group_id, group.state, group.protocol_type, group.members.size());
        }
    }
}

void KafkaCollector::tell_coordinators(Look& look) {
    for (const auto& [partition, answers] : look.coordinators) {
        look.partition_sample("kafka_coordinator_answers", std::string(coordinators_topic), partition, answers ? 1 : 0);
        if (answers)
            silent_.erase(partition);
        else
            silent_.insert(partition);
    }
    for (const auto& [partition, groups] : groups_of_partition_) {
        std::string names;
        for (const std::string& group : groups) names += (names.empty() ? "" : ",") + group;
        look.observation.attributes[look.subject(
            "partition", std::string(coordinators_topic) + "-" + std::to_string(partition))]["groups"] = names;
        look.partition_sample("kafka_coordinator_groups", std::string(coordinators_topic), partition,
                              static_cast<double>(groups.size()));
    }
}

}  // namespace medic
