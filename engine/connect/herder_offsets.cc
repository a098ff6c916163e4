// Where connectors go on reading, and how that is changed while they are stopped (KIP-875). Answers are Connect's.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/common/throw_trace.h"
#include "engine/connect/herder_internal.h"

namespace medic::engine::connect {
namespace {

using nlohmann::json;

std::unexpected<Refusal> refuse(int status, std::string message) {
    return std::unexpected(Refusal{status, std::move(message)});
}

std::string json_of(const PartitionOffsets& offsets) {
    json entries = json::array();
    for (const auto& [partition, offset] : offsets)
        entries.push_back({{"partition", {{"kafka_topic", partition.topic}, {"kafka_partition", partition.partition}}},
                           {"offset", {{"kafka_offset", offset}}}});
    return json{{"offsets", entries}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::unexpected<Refusal> members_left(const std::string& name, const Error& error) {
    return refuse(500,
                  fmt::format("Failed to alter consumer group offsets for connector {} either because its tasks "
                              "haven't stopped completely yet or the connector was resumed before the request to "
                              "alter its offsets could be successfully completed. If the connector is in a stopped "
                              "state, this operation can be safely retried. ({})",
                              name, error.message));
}

// In the sink's own system, where it keeps offsets itself.
Answer<void> alter_own(const Config& config, const std::map<TopicPartition, std::optional<std::int64_t>>& offsets) {
    const Plugin* plugin = find_plugin(text_option(config, "connector.class"));
    if (plugin == nullptr || !plugin->alter_offsets) return {};
    try {
        plugin->alter_offsets(config, offsets);
    } catch (const std::exception& error) {
        return refuse(500, fmt::format("Failed to alter offsets for connector: {}", error.what()));
    }
    return {};
}

}  // namespace

Answer<std::string> Herder::offsets_json(const std::string& name) const {
    std::vector<std::string> topics;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connectors_.find(name);
        if (found == connectors_.end()) return refuse(404, "Connector " + name + " not found");
        if (found->second.type == ConnectorType::source) {
            std::string entries;
            for (const auto& [task, slot] : found->second.tasks)
                for (const auto& [partition, offset] : slot.offsets)
                    entries += fmt::format("{}{{\"partition\":{},\"offset\":{}}}", entries.empty() ? "" : ",",
                                           partition, offset);
            return "{\"offsets\":[" + entries + "]}";
        }
        topics = list_option(found->second.stored.config, "topics");
    }
    if (!options_.group_offsets) return refuse(500, "no brokers to ask");
    const auto offsets = options_.group_offsets->read(group_of(name), topics);
    if (!offsets)
        return refuse(500, "Failed to retrieve consumer group offsets for sink connector " + name + ": " +
                               offsets.error().message);
    return json_of(*offsets);
}

Answer<Config> Herder::stopped_sink(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = connectors_.find(name);
    if (found == connectors_.end()) return refuse(404, "Connector " + name + " not found");
    const Connector& connector = found->second;
    if (connector.stored.target != State::stopped || !connector.tasks.empty())
        return refuse(400, fmt::format("Connectors must be in the STOPPED state before their offsets can be modified. "
                                       "This can be done for the specified connector by issuing a 'PUT' request to the "
                                       "'/connectors/{}/stop' endpoint",
                                       name));
    if (connector.type == ConnectorType::source)
        return refuse(400, "This worker modifies the offsets of sink connectors only");
    if (!options_.group_offsets) return refuse(500, "no brokers to ask");
    return connector.stored.config;
}

Answer<std::string> Herder::alter_offsets(const std::string& name, const PartitionOffsets& offsets) {
    const auto config = stopped_sink(name);
    if (!config) return std::unexpected(config.error());
    // The group first: it refuses while a task still runs, and then nothing has changed anywhere.
    if (const Status altered = options_.group_offsets->alter(group_of(name), offsets); !altered)
        return members_left(name, altered.error());
    if (const auto own = alter_own(*config, {offsets.begin(), offsets.end()}); !own)
        return std::unexpected(own.error());
    return "The offsets for this connector have been altered successfully";
}

Answer<std::string> Herder::reset_offsets(const std::string& name) {
    const auto config = stopped_sink(name);
    if (!config) return std::unexpected(config.error());
    const auto known = options_.group_offsets->read(group_of(name), list_option(*config, "topics"));
    if (!known) return refuse(500, known.error().message);
    if (const Status removed = options_.group_offsets->remove(group_of(name)); !removed)
        return members_left(name, removed.error());
    std::map<TopicPartition, std::optional<std::int64_t>> forgotten;
    for (const auto& [partition, offset] : *known) forgotten[partition] = std::nullopt;
    if (const auto own = alter_own(*config, forgotten); !own) return std::unexpected(own.error());
    return "The offsets for this connector have been reset successfully";
}

}  // namespace medic::engine::connect
