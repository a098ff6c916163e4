#include "engine/connect/rest_offsets.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace medic::engine::connect {
namespace {

using nlohmann::json;

std::unexpected<Refusal> refuse(std::string message) { return std::unexpected(Refusal{400, std::move(message)}); }

// Connect takes a number, or a text that is one.
std::optional<std::int64_t> integer(const json& value) {
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

const json* member(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() && !found->is_null() ? &*found : nullptr;
}

Answer<TopicPartition> partition_of(const json& entry) {
    const json* partition = member(entry, "partition");
    if (partition == nullptr) return refuse("The partition for a sink connector offset cannot be null or missing");
    const json* topic = member(*partition, "kafka_topic");
    const json* number = member(*partition, "kafka_partition");
    if (topic == nullptr || number == nullptr || !topic->is_string())
        return refuse(
            "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'");
    const auto value = integer(*number);
    if (!value || *value < 0 || *value > std::numeric_limits<int>::max())
        return refuse(
            fmt::format("Failed to parse the following Kafka partition value in the provided offsets: '{}'. "
                        "Partition values for sink connectors need to be integers.",
                        number->dump()));
    return TopicPartition{topic->get<std::string>(), static_cast<int>(*value)};
}

}  // namespace

Answer<PartitionOffsets> parse_offsets(std::string_view body) {
    const json document = json::parse(body, nullptr, false);
    const json* entries = member(document, "offsets");
    if (entries == nullptr || !entries->is_array() || entries->empty())
        return refuse("Partitions / offsets need to be provided for an alter offsets request");
    PartitionOffsets offsets;
    for (const json& entry : *entries) {
        const auto partition = partition_of(entry);
        if (!partition) return std::unexpected(partition.error());
        const json* offset = member(entry, "offset");
        // Real Connect forgets a partition's offset that is given as null; see docs/embedded-connect.md.
        const json* value = offset != nullptr ? member(*offset, "kafka_offset") : nullptr;
        if (value == nullptr)
            return refuse("The offset for a sink connector should either be null or contain the key 'kafka_offset'");
        const auto number = integer(*value);
        if (!number || *number < 0)
            return refuse(
                fmt::format("Failed to parse the following Kafka offset value in the provided offsets: '{}'. "
                            "Offset values for sink connectors need to be integers.",
                            value->dump()));
        offsets[*partition] = *number;
    }
    return offsets;
}

}  // namespace medic::engine::connect
