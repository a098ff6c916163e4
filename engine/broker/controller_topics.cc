// Topics, their placement and configurations: the part of the controller's decisions that administrators ask for.
#include <algorithm>
#include <set>

#include "engine/broker/client_quotas.h"
#include "engine/broker/controller_state.h"

namespace medic::engine::broker {
namespace {

constexpr std::int32_t partitions_per_topic_max = 10'000;
constexpr std::size_t topic_name_max = 249;  // Kafka's limit.

Outcome check_name(std::string_view name) {
    const auto legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    };
    if (name.empty() || name == "." || name == ".." || name.size() > topic_name_max ||
        !std::ranges::all_of(name, legal)) {
        return {Fault::invalid_topic_exception,
                fmt::format("Topic name '{}' is illegal: 1 to {} of [a-zA-Z0-9._-], not . or ..", name.substr(0, 300),
                            topic_name_max)};
    }
    return {};
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto comma = text.find(',');
        if (comma != 0) parts.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    return parts;
}

std::string edit_list(std::string_view current, const ConfigChange& change) {
    auto parts = split(current);
    for (auto& part : split(change.value)) {
        std::erase(parts, part);
        if (change.action == ConfigChange::Action::append) parts.push_back(std::move(part));
    }
    std::string joined;
    for (const auto& part : parts) joined += (joined.empty() ? "" : ",") + part;
    return joined;
}

}  // namespace

Outcome ControllerState::check_replicas(std::span<const BrokerId> replicas) const {
    const std::set<BrokerId> unique(replicas.begin(), replicas.end());
    if (replicas.empty() || unique.size() != replicas.size()) {
        return {Fault::invalid_replica_assignment, "The replica list is empty or names a broker twice."};
    }
    for (const BrokerId id : replicas) {
        if (!image_.broker(id)) {
            return {Fault::invalid_replica_assignment, fmt::format("Broker {} is not registered.", id)};
        }
    }
    return {};
}

// Round robin over the usable brokers; the start moves with the number of topics, so that leaders spread.
Outcome ControllerState::place(const NewTopic& topic, std::vector<std::vector<BrokerId>>& out) const {
    if (!topic.assignment.empty()) {
        for (const auto& replicas : topic.assignment) {
            if (auto bad = check_replicas(replicas); !bad.ok()) return bad;
        }
        out = topic.assignment;
        return {};
    }
    const auto given = [&](std::int32_t value, std::string_view key) {
        return value == -1 ? static_cast<std::int32_t>(options_.config.broker_number(image_, key)) : value;
    };
    const std::int32_t partitions = given(topic.partitions, "num.partitions");
    const std::int32_t factor = given(topic.replication_factor, "default.replication.factor");
    if (partitions < 1 || partitions > partitions_per_topic_max) {
        return {Fault::invalid_partitions,
                fmt::format("Number of partitions {}: expected 1 to {}.", partitions, partitions_per_topic_max)};
    }
    std::vector<BrokerId> usable;
    for (const auto& [id, broker] : image_.brokers()) {
        if (broker.can_hold_isr()) usable.push_back(id);
    }
    if (factor < 1 || static_cast<std::size_t>(factor) > usable.size()) {
        return {Fault::invalid_replication_factor,
                fmt::format("Replication factor {} needs that many brokers: {} are available.", factor, usable.size())};
    }
    const std::size_t start = image_.topics().size();
    for (std::int32_t index = 0; index < partitions; ++index) {
        auto& replicas = out.emplace_back();
        for (std::int32_t copy = 0; copy < factor; ++copy) {
            replicas.push_back(usable[(start + static_cast<std::size_t>(index + copy)) % usable.size()]);
        }
    }
    return {};
}

void ControllerState::add_partition(std::string_view topic, std::int32_t index, std::vector<BrokerId> replicas) {
    PartitionState state{.topic = std::string(topic), .partition = index, .replicas = std::move(replicas)};
    for (const BrokerId id : state.replicas) {
        if (image_.usable(id)) state.isr.push_back(id);
    }
    if (state.isr.empty()) state.isr.push_back(state.replicas.front());
    state.leader = pick_leader(state);
    commit(PartitionRecord{std::move(state)});
}

Outcome ControllerState::create_topic(const NewTopic& topic) {
    if (auto bad = check_name(topic.name); !bad.ok()) return bad;
    if (image_.topic(topic.name)) {
        return {Fault::topic_already_exists, fmt::format("Topic '{}' already exists.", topic.name)};
    }
    for (const auto& [key, value] : topic.configs) {
        if (auto bad = check_config(ConfigResource::topic, key, value); !bad) {
            return {Fault::invalid_config, bad.error().message};
        }
    }
    std::vector<std::vector<BrokerId>> assignment;
    if (auto bad = place(topic, assignment); !bad.ok()) return bad;
    if (topic.validate_only) return {};

    commit(TopicRecord{topic.name, random_id_()});
    for (const auto& [key, value] : topic.configs) {
        commit(ConfigRecord{ConfigResource::topic, topic.name, key, value});
    }
    for (std::size_t index = 0; index < assignment.size(); ++index) {
        add_partition(topic.name, static_cast<std::int32_t>(index), std::move(assignment[index]));
    }
    return {};
}

Outcome ControllerState::create_partitions(std::string_view name, std::int32_t count,
                                           const std::vector<std::vector<BrokerId>>& assignment) {
    const TopicState* topic = image_.topic(name);
    if (!topic) return {Fault::unknown_topic_or_partition, "This server does not host this topic-partition."};
    const auto present = static_cast<std::int32_t>(topic->partitions.size());
    if (count <= present || count > partitions_per_topic_max) {
        return {Fault::invalid_partitions,
                fmt::format("Topic currently has {} partitions, {} would not be an increase.", present, count)};
    }
    std::vector<std::vector<BrokerId>> added;
    NewTopic like{.name = std::string(name),
                  .partitions = count - present,
                  .replication_factor = static_cast<std::int32_t>(topic->partitions.front().replicas.size()),
                  .assignment = assignment};
    if (auto bad = place(like, added); !bad.ok()) return bad;
    if (added.size() != static_cast<std::size_t>(count - present)) {
        return {Fault::invalid_replica_assignment, "The assignment must list each new partition."};
    }
    for (std::size_t index = 0; index < added.size(); ++index) {
        add_partition(name, present + static_cast<std::int32_t>(index), std::move(added[index]));
    }
    return {};
}

Outcome ControllerState::delete_topic(std::string_view name) {
    if (!image_.topic(name))
        return {Fault::unknown_topic_or_partition, "This server does not host this topic-partition."};
    commit(RemoveTopicRecord{std::string(name)});
    return {};
}

Outcome ControllerState::alter_configs(ConfigResource resource, std::string_view name,
                                       std::span<const ConfigChange> changes, ApplyMode mode) {
    if (resource == ConfigResource::topic && !image_.topic(name)) {
        return {Fault::unknown_topic_or_partition, fmt::format("The topic '{}' does not exist.", name)};
    }
    std::vector<ConfigRecord> records;
    for (const ConfigChange& change : changes) {
        const auto* definition = find_config(resource, change.key);
        if (!definition) return {Fault::invalid_config, fmt::format("Unknown config name: {}", change.key)};
        if (!definition->dynamic)
            return {Fault::invalid_request, fmt::format("Cannot update {} at run time.", change.key)};
        std::optional<std::string> value;
        if (change.action == ConfigChange::Action::set) value = change.value;
        if (change.action == ConfigChange::Action::append || change.action == ConfigChange::Action::subtract) {
            if (definition->type != ConfigType::list) {
                return {Fault::invalid_config,
                        fmt::format("{} is not a list: append and subtract do not apply.", change.key)};
            }
            const auto& own = image_.overrides(resource, name);
            const auto found = own.find(change.key);
            value = edit_list(found == own.end() ? definition->fallback : std::string_view(found->second), change);
        }
        if (value) {
            if (auto bad = check_config(resource, change.key, *value); !bad)
                return {Fault::invalid_config, bad.error().message};
        }
        records.push_back({resource, std::string(name), change.key, std::move(value)});
    }
    if (mode == ApplyMode::check) return {};
    for (auto& record : records) commit(std::move(record));
    return {};
}

// A quota that nobody would hold clients to is refused, as a configuration is that has no effect.
Outcome ControllerState::alter_client_quotas(const std::optional<std::string>& client_id,
                                             std::span<const ClientQuotaChange> changes, ApplyMode mode) {
    if (client_id && client_id->empty()) return {Fault::invalid_request, "A client-id is empty."};
    for (const ClientQuotaChange& change : changes) {
        if (change.key != producer_byte_rate)
            return {Fault::invalid_request, fmt::format("Invalid configuration key {}: only {} has an effect here.",
                                                        change.key, producer_byte_rate)};
        if (change.value && !(*change.value > 0))
            return {Fault::invalid_request, fmt::format("Quota {} must be greater than 0.", change.key)};
    }
    if (mode == ApplyMode::check) return {};
    for (const ClientQuotaChange& change : changes) commit(ClientQuotaRecord{client_id, change.key, change.value});
    return {};
}

}  // namespace medic::engine::broker
