// What clients ask about the cluster itself: metadata, brokers, log dirs, configurations, quotas, producer ids.
#include <algorithm>

#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/metadata.h"
#include "agent/wire/messages/producer_id.h"
#include "agent/wire/messages/quotas.h"
#include "engine/broker/group_requests.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {
namespace {

wire::MetadataResponse::Topic describe_topic(const ClusterImage& image, const TopicState& topic) {
    wire::MetadataResponse::Topic reply;
    reply.name = topic.name;
    reply.topic_id = topic.id;
    reply.is_internal = topic.name == offsets_topic;
    for (const PartitionState& state : topic.partitions) {
        auto& partition = reply.partitions.emplace_back();
        partition.partition = state.partition;
        partition.leader_id = state.leader;
        partition.leader_epoch = state.leader_epoch;
        partition.replicas = state.replicas;
        partition.isr = state.isr;
        for (const BrokerId id : state.replicas) {
            const BrokerState* broker = image.broker(id);
            if (!broker || broker->fenced || broker->log_dir_offline) partition.offline_replicas.push_back(id);
        }
        if (state.leader == no_broker) partition.error = Fault::leader_not_available;
    }
    return reply;
}

template <class Request>
std::optional<Request> read_request(BrokerParts& parts, const Incoming& request) {
    auto decoded = wire::decode<Request>(request.body, request.header.version);
    if (decoded) return *std::move(decoded);
    parts.server.hang_up(request.to);
    return std::nullopt;
}

using DescribedConfig = wire::DescribeConfigsResponse::Resource::Config;

DescribedConfig describe_config(const ConfigDefinition& definition, const EffectiveConfig& effective) {
    DescribedConfig config;
    config.name = definition.name;
    config.value = effective.value;
    config.read_only = !definition.dynamic;
    config.source = static_cast<std::int8_t>(effective.source);
    config.type = static_cast<std::int8_t>(definition.type);
    config.synonyms.push_back(
        {.name = std::string(effective.source == ConfigSource::topic || definition.broker_name.empty()
                                 ? definition.name
                                 : definition.broker_name),
         .value = effective.value,
         .source = config.source});
    return config;
}

}  // namespace

void Requests::metadata(const Incoming& request) {
    const auto asked = read_request<wire::MetadataRequest>(parts_, request);
    if (!asked) return;
    wire::MetadataResponse response;
    response.cluster_id = parts_.image.cluster_id();
    response.controller_id = controller_for_clients(parts_);
    for (const auto& [id, broker] : parts_.image.brokers()) {
        if (!broker.fenced)
            response.brokers.push_back({.node_id = id, .host = broker.host, .port = broker.port, .rack = {}});
    }
    const bool all = !asked->topics || (request.header.version == 0 && asked->topics->empty());
    if (all) {
        for (const auto& [name, topic] : parts_.image.topics())
            response.topics.push_back(describe_topic(parts_.image, topic));
        return send_response(parts_, request, response);
    }
    for (const auto& topic : *asked->topics) {
        const TopicState* known = topic.name ? parts_.image.topic(*topic.name) : parts_.image.topic(topic.topic_id);
        if (known) {
            response.topics.push_back(describe_topic(parts_.image, *known));
            continue;
        }
        auto& reply = response.topics.emplace_back();
        reply.name = topic.name;
        reply.topic_id = topic.topic_id;
        reply.error = topic.name ? Fault::unknown_topic_or_partition : Fault::unknown_topic_id;
        const bool create = asked->allow_auto_topic_creation && topic.name &&
                            parts_.config.broker_flag(parts_.image, "auto.create.topics.enable");
        if (create) {
            kept_.groups.create_topic(*topic.name, -1, -1);
            reply.error = Fault::leader_not_available;  // Ask again: it is being created.
        }
    }
    send_response(parts_, request, response);
}

void Requests::describe_cluster(const Incoming& request) {
    const auto asked = read_request<wire::DescribeClusterRequest>(parts_, request);
    if (!asked) return;
    wire::DescribeClusterResponse response;
    response.endpoint_type = asked->endpoint_type;
    response.cluster_id = parts_.image.cluster_id();
    response.controller_id = controller_for_clients(parts_);
    if (asked->endpoint_type != 1) response.error = Fault::unsupported_endpoint_type;
    for (const auto& [id, broker] : parts_.image.brokers()) {
        if (!broker.fenced)
            response.brokers.push_back({.broker_id = id, .host = broker.host, .port = broker.port, .rack = {}});
    }
    send_response(parts_, request, response);
}

void Requests::describe_log_dirs(const Incoming& request) {
    const auto asked = read_request<wire::DescribeLogDirsRequest>(parts_, request);
    if (!asked) return;
    wire::DescribeLogDirsResponse response;
    auto& dir = response.log_dirs.emplace_back();
    dir.path = std::filesystem::absolute(parts_.replicas.log_dir()).string();
    if (parts_.replicas.offline()) {
        dir.error = Fault::kafka_storage_error;
        return send_response(parts_, request, response);
    }
    dir.total_bytes = parts_.replicas.total_bytes();
    dir.usable_bytes = parts_.replicas.usable_bytes();
    const auto wanted = [&](const TopicPartition& id) {
        return !asked->topics || std::ranges::any_of(*asked->topics, [&](const auto& topic) {
            return topic.name == id.topic &&
                   std::ranges::find(topic.partitions, id.partition) != topic.partitions.end();
        });
    };
    for (const auto& [id, replica] : parts_.replicas.all()) {
        if (!replica->log || !wanted(id)) continue;
        if (dir.topics.empty() || dir.topics.back().name != id.topic)
            dir.topics.push_back({.name = id.topic, .partitions = {}});
        dir.topics.back().partitions.push_back(
            {.partition = id.partition,
             .size_bytes = replica->log->size_bytes(),
             .offset_lag = std::max<std::int64_t>(replica->high_watermark - replica->log->end_offset(), 0)});
    }
    send_response(parts_, request, response);
}

void Requests::describe_configs(const Incoming& request) {
    const auto asked = read_request<wire::DescribeConfigsRequest>(parts_, request);
    if (!asked) return;
    wire::DescribeConfigsResponse response;
    for (const auto& resource : asked->resources) {
        auto& reply = response.resources.emplace_back();
        reply.type = resource.type;
        reply.name = resource.name;
        const auto type = static_cast<ConfigResource>(resource.type);
        if (type != ConfigResource::topic && type != ConfigResource::broker) {
            reply.error = Fault::invalid_request;
            reply.error_message = "Only topics and brokers have configurations here.";
            continue;
        }
        if (type == ConfigResource::topic && !parts_.image.topic(resource.name)) {
            reply.error = Fault::unknown_topic_or_partition;
            continue;
        }
        if (type == ConfigResource::broker && !resource.name.empty() && resource.name != std::to_string(parts_.self)) {
            reply.error = Fault::invalid_request;
            reply.error_message = fmt::format("Unexpected broker id, expected {}.", parts_.self);
            continue;
        }
        for (const ConfigDefinition& definition : config_definitions()) {
            if (definition.resource != type) continue;
            if (resource.keys && std::ranges::find(*resource.keys, definition.name) == resource.keys->end()) continue;
            const auto effective = type == ConfigResource::topic
                                       ? parts_.config.topic(parts_.image, resource.name, definition.name)
                                       : parts_.config.broker(parts_.image, definition.name);
            // Cluster-wide defaults (no name): only what was set there.
            if (type == ConfigResource::broker && resource.name.empty() &&
                effective.source != ConfigSource::dynamic_default_broker) {
                continue;
            }
            // As in Kafka (DynamicConfig.Broker): known only while it is set.
            if (definition.name.ends_with(".replication.throttled.rate") && effective.source == ConfigSource::fallback)
                continue;
            reply.configs.push_back(describe_config(definition, effective));
            if (!asked->include_synonyms) reply.configs.back().synonyms.clear();
        }
    }
    send_response(parts_, request, response);
}

// All components must fit an entity, and with `strict` the entity has no others: each is one client-id here.
void Requests::describe_client_quotas(const Incoming& request) {
    const auto asked = read_request<wire::DescribeClientQuotasRequest>(parts_, request);
    if (!asked) return;
    const auto fits = [](const std::optional<std::string>& client_id, const auto& component) {
        constexpr std::int8_t exact = 0, of_default = 1;
        if (component.entity_type != "client-id") return false;
        if (component.match_type == exact) return client_id.has_value() && client_id == component.match;
        return component.match_type != of_default || !client_id;
    };
    wire::DescribeClientQuotasResponse response;
    response.entries.emplace();
    for (const auto& [client_id, quotas] : parts_.image.client_quotas()) {
        if (!std::ranges::all_of(asked->components, [&](const auto& one) { return fits(client_id, one); })) continue;
        auto& entry = response.entries->emplace_back();
        entry.entity.push_back({"client-id", client_id});
        for (const auto& [key, value] : quotas) entry.values.push_back({key, value});
    }
    send_response(parts_, request, response);
}

void Requests::init_producer_id(const Incoming& request) {
    const auto asked = read_request<wire::InitProducerIdRequest>(parts_, request);
    if (!asked) return;
    if (asked->transactional_id) {
        wire::InitProducerIdResponse response;
        response.error = Fault::invalid_request;  // There is no transaction coordinator.
        return send_response(parts_, request, response);
    }
    if (next_producer_id_ < producer_ids_end_) return give_producer_id(request);
    Incoming kept = request;
    kept.body = {};
    parts_.link.allocate_producer_ids([this, kept](Result<AllocateProducerIdsReply> block) {
        if (!block) {
            wire::InitProducerIdResponse response;
            response.error =
                Fault::coordinator_load_in_progress;  // Retriable: no new ids while the controller is away.
            return send_response(parts_, kept, response);
        }
        if (next_producer_id_ >= producer_ids_end_) {
            next_producer_id_ = block->first;
            producer_ids_end_ = block->first + block->count;
        }
        give_producer_id(kept);
    });
}

void Requests::give_producer_id(const Incoming& request) {
    wire::InitProducerIdResponse response;
    response.producer_id = next_producer_id_++;
    response.producer_epoch = 0;
    send_response(parts_, request, response);
}

}  // namespace medic::engine::broker
