#include "engine/broker/config_registry.h"

#include <charconv>
#include <limits>

#include "engine/broker/replication_throttle.h"

namespace medic::engine::broker {
namespace {

using enum ConfigType;
constexpr auto on_topic = ConfigResource::topic;
constexpr auto on_broker = ConfigResource::broker;

constexpr std::string_view unlimited =
    "9223372036854775807";  // Kafka's default: QuotaConfig.QUOTA_BYTES_PER_SECOND_DEFAULT

constexpr ConfigDefinition definitions[] = {
    {"cleanup.policy", on_topic, list, "delete", -1, "log.cleanup.policy", true, "delete|compact"},
    {"follower.replication.throttled.replicas", on_topic, list, ""},
    {"index.interval.bytes", on_topic, integer, "4096", 0, "log.index.interval.bytes"},
    {"leader.replication.throttled.replicas", on_topic, list, ""},
    {"max.message.bytes", on_topic, integer, "1048588", 0, "message.max.bytes"},
    {"message.timestamp.type", on_topic, string, "CreateTime", -1, "log.message.timestamp.type", true,
     "CreateTime|LogAppendTime"},
    {"min.insync.replicas", on_topic, integer, "1", 1, "min.insync.replicas"},
    {"retention.bytes", on_topic, long_integer, "-1", -1, "log.retention.bytes"},
    {"retention.ms", on_topic, long_integer, "604800000", -1, "log.retention.ms"},
    {"segment.bytes", on_topic, integer, "1073741824", 14, "log.segment.bytes"},
    {"segment.ms", on_topic, long_integer, "604800000", 1, "log.roll.ms"},
    {"unclean.leader.election.enable", on_topic, boolean, "false", -1, "unclean.leader.election.enable"},

    {"auto.create.topics.enable", on_broker, boolean, "false", -1, "", false},  // Kafka's default is true.
    {"auto.leader.rebalance.enable", on_broker, boolean, "true", -1, "", false},
    {"broker.heartbeat.interval.ms", on_broker, integer, "2000", 1, "", false},
    {"broker.session.timeout.ms", on_broker, integer, "9000", 1, "", false},
    {"connections.max.idle.ms", on_broker, long_integer, "600000", 1, "", false},
    {"default.replication.factor", on_broker, integer, "1", 1, "", false},
    {"follower.replication.throttled.rate", on_broker, long_integer, unlimited, 0, ""},
    {"group.initial.rebalance.delay.ms", on_broker, integer, "3000", 0, "", false},
    {"group.max.session.timeout.ms", on_broker, integer, "1800000", 1, "", false},
    {"group.min.session.timeout.ms", on_broker, integer, "6000", 1, "", false},
    {"leader.imbalance.check.interval.seconds", on_broker, long_integer, "300", 1, "", false},
    {"leader.replication.throttled.rate", on_broker, long_integer, unlimited, 0, ""},
    {"log.cleanup.policy", on_broker, list, "delete", -1, "", true, "delete|compact"},
    {"log.index.interval.bytes", on_broker, integer, "4096", 0, ""},
    {"log.message.timestamp.type", on_broker, string, "CreateTime", -1, "", true, "CreateTime|LogAppendTime"},
    {"log.retention.bytes", on_broker, long_integer, "-1", -1, ""},
    {"log.retention.check.interval.ms", on_broker, long_integer, "300000", 1, "", false},
    {"log.retention.ms", on_broker, long_integer, "604800000", -1, ""},
    {"log.roll.ms", on_broker, long_integer, "604800000", 1, ""},
    {"log.segment.bytes", on_broker, integer, "1073741824", 14, ""},
    {"max.connections", on_broker, integer, "2147483647", 0, ""},
    {"message.max.bytes", on_broker, integer, "1048588", 0, ""},
    {"min.insync.replicas", on_broker, integer, "1", 1, ""},
    {"num.partitions", on_broker, integer, "1", 1, "", false},
    {"offsets.retention.minutes", on_broker, integer, "10080", 1, "", false},
    {"offsets.topic.num.partitions", on_broker, integer, "50", 1, "", false},
    {"offsets.topic.replication.factor", on_broker, integer, "3", 1, "", false},
    {"producer.id.expiration.ms", on_broker, integer, "86400000", 1, ""},
    {"replica.fetch.max.bytes", on_broker, integer, "1048576", 0, "", false},
    {"replica.fetch.min.bytes", on_broker, integer, "1", 0, "", false},
    {"replica.fetch.response.max.bytes", on_broker, integer, "10485760", 0, "", false},
    {"replica.fetch.wait.max.ms", on_broker, integer, "500", 0, "", false},
    {"replica.lag.time.max.ms", on_broker, long_integer, "30000", 1, "", false},
    {"socket.request.max.bytes", on_broker, integer, "104857600", 1, "", false},
    {"unclean.leader.election.enable", on_broker, boolean, "false", -1, ""},
};

bool is_choice(std::string_view choices, std::string_view value) {
    while (!choices.empty()) {
        const auto bar = choices.find('|');
        if (choices.substr(0, bar) == value) return true;
        if (bar == std::string_view::npos) return false;
        choices.remove_prefix(bar + 1);
    }
    return false;
}

std::int64_t to_number(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Status check_number(const ConfigDefinition& definition, std::string_view value) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const std::int64_t most = definition.type == integer ? std::numeric_limits<std::int32_t>::max()
                                                         : std::numeric_limits<std::int64_t>::max();
    if (error != std::errc{} || end != value.data() + value.size() || number < definition.least || number > most) {
        return fail(ErrorCode::invalid, "Invalid value {} for configuration {}: expected a number from {} to {}", value,
                    definition.name, definition.least, most);
    }
    return {};
}

}  // namespace

std::span<const ConfigDefinition> config_definitions() { return definitions; }

const ConfigDefinition* find_config(ConfigResource resource, std::string_view name) {
    for (const auto& definition : definitions) {
        if (definition.resource == resource && definition.name == name) return &definition;
    }
    return nullptr;
}

Status check_config(ConfigResource resource, std::string_view name, std::string_view value) {
    const auto* definition = find_config(resource, name);
    if (!definition) {
        return fail(ErrorCode::invalid, "Unknown {} config name: {}",
                    resource == ConfigResource::topic ? "topic" : "broker", name);
    }
    switch (definition->type) {
        case integer:
        case long_integer: return check_number(*definition, value);
        case boolean:
            if (value != "true" && value != "false") {
                return fail(ErrorCode::invalid, "Invalid value {} for configuration {}: expected true or false", value,
                            name);
            }
            return {};
        case string:
        case list:
            if (name.ends_with(".replication.throttled.replicas") && !is_throttled_list(value))
                return fail(
                    ErrorCode::invalid,
                    "Invalid value {} for configuration {}: it must be the literal '*' or a list of replicas in "
                    "the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                    value, name);
            if (!definition->choices.empty() && !is_choice(definition->choices, value)) {
                return fail(ErrorCode::invalid, "Invalid value {} for configuration {}: expected {}", value, name,
                            definition->choices);
            }
            return {};
    }
    return {};
}

EffectiveConfig Config::broker(const ClusterImage& image, std::string_view name) const {
    const auto& own = image.overrides(ConfigResource::broker, id_);
    if (const auto found = own.find(name); found != own.end()) return {found->second, ConfigSource::dynamic_broker};
    const auto& shared = image.overrides(ConfigResource::broker, "");
    if (const auto found = shared.find(name); found != shared.end()) {
        return {found->second, ConfigSource::dynamic_default_broker};
    }
    if (const auto found = given_.find(name); found != given_.end()) {
        return {found->second, ConfigSource::static_broker};
    }
    const auto* definition = find_config(ConfigResource::broker, name);
    return {definition ? std::string(definition->fallback) : "", ConfigSource::fallback};
}

EffectiveConfig Config::topic(const ClusterImage& image, std::string_view topic, std::string_view name) const {
    const auto& own = image.overrides(ConfigResource::topic, topic);
    if (const auto found = own.find(name); found != own.end()) return {found->second, ConfigSource::topic};
    const auto* definition = find_config(ConfigResource::topic, name);
    return definition ? broker(image, definition->broker_name) : EffectiveConfig{};
}

std::int64_t Config::broker_number(const ClusterImage& image, std::string_view name) const {
    return to_number(broker(image, name).value);
}

bool Config::broker_flag(const ClusterImage& image, std::string_view name) const {
    return broker(image, name).value == "true";
}

std::int64_t Config::topic_number(const ClusterImage& image, std::string_view topic_name, std::string_view name) const {
    return to_number(topic(image, topic_name, name).value);
}

}  // namespace medic::engine::broker
