// Every configuration key that the embedded cluster honours: Kafka's names, Kafka's defaults, and whether it can change
// at run time. A key that is not here is refused: nothing is accepted that has no effect.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "engine/broker/cluster_image.h"

namespace medic::engine::broker {

enum class ConfigType : std::int8_t {
    boolean = 1,
    string = 2,
    integer = 3,
    long_integer = 5,
    list = 7
};  // As on the wire.

struct ConfigDefinition {
    std::string_view name{};
    ConfigResource resource = ConfigResource::topic;
    ConfigType type = ConfigType::long_integer;
    std::string_view fallback{};     // Kafka's default, or what the name's comment says.
    std::int64_t least = -1;         // Smallest accepted number.
    std::string_view broker_name{};  // For a topic key: the broker key whose value is the default.
    bool dynamic = true;             // May be altered at run time; otherwise only by --config at start.
    std::string_view choices{};      // "a|b": the accepted strings; "" accepts any.
};

[[nodiscard]] std::span<const ConfigDefinition> config_definitions();
[[nodiscard]] const ConfigDefinition* find_config(ConfigResource resource, std::string_view name);

// `invalid` with what was expected, when the key is unknown or the value does not fit.
[[nodiscard]] Status check_config(ConfigResource resource, std::string_view name, std::string_view value);

// Where an effective value comes from; numbers as in DescribeConfigs.
enum class ConfigSource : std::int8_t {
    topic = 1,
    dynamic_broker = 2,
    dynamic_default_broker = 3,
    static_broker = 4,
    fallback = 5,
};

struct EffectiveConfig {
    std::string value;
    ConfigSource source = ConfigSource::fallback;
};

// The values that hold for one process: overrides in the image, then what was given at start, then defaults.
class Config {
public:
    using Static = std::map<std::string, std::string, std::less<>>;

    Config() = default;
    Config(BrokerId id, Static given) : id_(std::to_string(id)), given_(std::move(given)) {}

    [[nodiscard]] EffectiveConfig broker(const ClusterImage& image, std::string_view name) const;
    [[nodiscard]] EffectiveConfig topic(const ClusterImage& image, std::string_view topic, std::string_view name) const;

    [[nodiscard]] std::int64_t broker_number(const ClusterImage& image, std::string_view name) const;
    [[nodiscard]] bool broker_flag(const ClusterImage& image, std::string_view name) const;
    [[nodiscard]] std::int64_t topic_number(const ClusterImage& image, std::string_view topic,
                                            std::string_view name) const;

private:
    std::string id_;
    Static given_;
};

}  // namespace medic::engine::broker
