#include "engine/broker/admin_requests.h"

#include <algorithm>

#include "agent/wire/messages/configs.h"
#include "agent/wire/messages/placement.h"
#include "agent/wire/messages/quotas.h"
#include "agent/wire/messages/topics.h"

namespace medic::engine::broker {
namespace {

std::optional<std::string> text_of(const Outcome& outcome) {
    return outcome.ok() ? std::nullopt : std::optional(outcome.message);
}

wire::CreateTopicsResponse answer(ControllerState& state, const wire::CreateTopicsRequest& request) {
    wire::CreateTopicsResponse response;
    for (const auto& topic : request.topics) {
        NewTopic wish{.name = topic.name,
                      .partitions = topic.partitions,
                      .replication_factor = topic.replication_factor,
                      .validate_only = request.validate_only};
        auto assignments = topic.assignments;
        std::ranges::sort(assignments, {}, &wire::CreateTopicsRequest::Assignment::partition);
        for (const auto& assignment : assignments) wish.assignment.push_back(assignment.broker_ids);
        for (const auto& config : topic.configs) wish.configs[config.name] = config.value.value_or("");
        const Outcome outcome = state.create_topic(wish);
        auto& reply = response.topics.emplace_back();
        reply.name = topic.name;
        reply.error = outcome.fault;
        reply.error_message = text_of(outcome);
        const TopicState* created = state.image().topic(topic.name);
        if (!outcome.ok() || !created) continue;
        reply.topic_id = created->id;
        reply.partitions = static_cast<std::int32_t>(created->partitions.size());
        reply.replication_factor = static_cast<std::int16_t>(created->partitions.front().replicas.size());
        reply.configs.emplace();
        for (const auto& [name, value] : state.image().overrides(ConfigResource::topic, topic.name)) {
            reply.configs->push_back(
                {.name = name, .value = value, .source = static_cast<std::int8_t>(ConfigSource::topic)});
        }
    }
    return response;
}

wire::DeleteTopicsResponse answer(ControllerState& state, const wire::DeleteTopicsRequest& request) {
    wire::DeleteTopicsResponse response;
    auto topics = request.topics;
    for (const auto& name : request.names) topics.push_back({.name = name, .topic_id = {}});
    for (const auto& topic : topics) {
        auto& reply = response.topics.emplace_back();
        const TopicState* known = topic.name ? state.image().topic(*topic.name) : state.image().topic(topic.topic_id);
        reply.name = topic.name;
        reply.topic_id = known ? known->id : topic.topic_id;
        if (!known) {
            reply.error = topic.name ? Fault::unknown_topic_or_partition : Fault::unknown_topic_id;
            continue;
        }
        const std::string name = known->name;
        reply.name = name;
        const Outcome outcome = state.delete_topic(name);
        reply.error = outcome.fault;
        reply.error_message = text_of(outcome);
    }
    return response;
}

wire::CreatePartitionsResponse answer(ControllerState& state, const wire::CreatePartitionsRequest& request) {
    wire::CreatePartitionsResponse response;
    for (const auto& topic : request.topics) {
        std::vector<std::vector<BrokerId>> assignment;
        if (topic.assignments) {
            for (const auto& replicas : *topic.assignments) assignment.push_back(replicas.broker_ids);
        }
        const Outcome outcome = request.validate_only
                                    ? Outcome{Fault::invalid_request, "validate_only is not offered for partitions."}
                                    : state.create_partitions(topic.name, topic.count, assignment);
        response.topics.push_back({.name = topic.name, .error = outcome.fault, .error_message = text_of(outcome)});
    }
    return response;
}

wire::IncrementalAlterConfigsResponse answer(ControllerState& state,
                                             const wire::IncrementalAlterConfigsRequest& request) {
    wire::IncrementalAlterConfigsResponse response;
    for (const auto& resource : request.resources) {
        std::vector<ConfigChange> changes;
        for (const auto& config : resource.configs) {
            changes.push_back({.key = config.name,
                               .action = static_cast<ConfigChange::Action>(config.operation),
                               .value = config.value.value_or("")});
        }
        Outcome outcome{Fault::invalid_request, "Only topics and brokers have configurations here."};
        const auto type = static_cast<ConfigResource>(resource.type);
        if (type == ConfigResource::topic || type == ConfigResource::broker) {
            outcome = state.alter_configs(type, resource.name, changes,
                                          request.validate_only ? ApplyMode::check : ApplyMode::apply);
        }
        response.resources.push_back(
            {.error = outcome.fault, .error_message = text_of(outcome), .type = resource.type, .name = resource.name});
    }
    return response;
}

wire::AlterPartitionReassignmentsResponse answer(ControllerState& state,
                                                 const wire::AlterPartitionReassignmentsRequest& request) {
    wire::AlterPartitionReassignmentsResponse response;
    for (const auto& topic : request.topics) {
        auto& reply = response.topics.emplace_back();
        reply.name = topic.name;
        for (const auto& partition : topic.partitions) {
            const Outcome outcome = state.reassign(topic.name, partition.partition, partition.replicas);
            reply.partitions.push_back(
                {.partition = partition.partition, .error = outcome.fault, .error_message = text_of(outcome)});
        }
    }
    return response;
}

wire::ListPartitionReassignmentsResponse answer(ControllerState& state,
                                                const wire::ListPartitionReassignmentsRequest& request) {
    wire::ListPartitionReassignmentsResponse response;
    const auto asked = [&](const PartitionState& partition) {
        if (!request.topics) return true;
        return std::ranges::any_of(*request.topics, [&](const auto& topic) {
            return topic.name == partition.topic &&
                   std::ranges::find(topic.partitions, partition.partition) != topic.partitions.end();
        });
    };
    for (const auto& [name, topic] : state.image().topics()) {
        wire::ListPartitionReassignmentsResponse::Topic reply{.name = name, .partitions = {}};
        for (const PartitionState& partition : topic.partitions) {
            if (!partition.reassigning() || !asked(partition)) continue;
            reply.partitions.push_back({.partition = partition.partition,
                                        .replicas = partition.replicas,
                                        .adding = partition.adding,
                                        .removing = partition.removing});
        }
        if (!reply.partitions.empty()) response.topics.push_back(std::move(reply));
    }
    return response;
}

wire::ElectLeadersResponse answer(ControllerState& state, const wire::ElectLeadersRequest& request) {
    wire::ElectLeadersResponse response;
    constexpr std::int8_t preferred = 0, unclean = 1;  // Kafka's ElectionType.
    if (request.election_type != preferred && request.election_type != unclean) {
        response.error = Fault::invalid_request;
        return response;
    }
    std::vector<wire::ElectLeadersRequest::Topic> topics;
    if (request.topics) {
        topics = *request.topics;
    } else {
        for (const auto& [name, topic] : state.image().topics()) {
            auto& wanted = topics.emplace_back();
            wanted.name = name;
            for (const auto& partition : topic.partitions) wanted.partitions.push_back(partition.partition);
        }
    }
    for (const auto& topic : topics) {
        auto& reply = response.topics.emplace_back();
        reply.name = topic.name;
        for (const std::int32_t partition : topic.partitions) {
            const Outcome outcome = request.election_type == unclean ? state.elect_unclean(topic.name, partition)
                                                                     : state.elect_preferred(topic.name, partition);
            if (!request.topics && outcome.fault == Fault::election_not_needed) continue;
            reply.partitions.push_back(
                {.partition = partition, .error = outcome.fault, .error_message = text_of(outcome)});
        }
    }
    return response;
}

wire::AlterClientQuotasResponse answer(ControllerState& state, const wire::AlterClientQuotasRequest& request) {
    wire::AlterClientQuotasResponse response;
    for (const auto& entry : request.entries) {
        std::vector<ClientQuotaChange> changes;
        for (const auto& change : entry.changes)
            changes.push_back({change.key, change.remove ? std::nullopt : std::optional(change.value)});
        Outcome outcome{Fault::invalid_request, "Clients are told apart by their client-id alone here."};
        if (entry.entity.size() == 1 && entry.entity.front().type == "client-id") {
            outcome = state.alter_client_quotas(entry.entity.front().name, changes,
                                                request.validate_only ? ApplyMode::check : ApplyMode::apply);
        }
        response.entries.push_back({.error = outcome.fault, .error_message = text_of(outcome), .entity = entry.entity});
    }
    return response;
}

template <class Request>
Result<std::string> answer_with(ControllerState& state, const wire::RequestView& view) {
    MEDIC_TRY(const Request request, wire::decode<Request>(view.body, view.header.version));
    return wire::encode_response(view.header.version, view.header.correlation_id, answer(state, request));
}

}  // namespace

bool is_decided_by_controller(wire::ApiKey api) {
    switch (api) {
        case wire::ApiKey::create_topics:
        case wire::ApiKey::delete_topics:
        case wire::ApiKey::create_partitions:
        case wire::ApiKey::incremental_alter_configs:
        case wire::ApiKey::alter_partition_reassignments:
        case wire::ApiKey::list_partition_reassignments:
        case wire::ApiKey::alter_client_quotas:
        case wire::ApiKey::elect_leaders: return true;
        default: return false;
    }
}

Result<std::string> answer_admin(ControllerState& state, const wire::RequestView& request) {
    switch (request.header.api) {
        case wire::ApiKey::create_topics: return answer_with<wire::CreateTopicsRequest>(state, request);
        case wire::ApiKey::delete_topics: return answer_with<wire::DeleteTopicsRequest>(state, request);
        case wire::ApiKey::create_partitions: return answer_with<wire::CreatePartitionsRequest>(state, request);
        case wire::ApiKey::incremental_alter_configs:
            return answer_with<wire::IncrementalAlterConfigsRequest>(state, request);
        case wire::ApiKey::alter_partition_reassignments:
            return answer_with<wire::AlterPartitionReassignmentsRequest>(state, request);
        case wire::ApiKey::list_partition_reassignments:
            return answer_with<wire::ListPartitionReassignmentsRequest>(state, request);
        case wire::ApiKey::alter_client_quotas: return answer_with<wire::AlterClientQuotasRequest>(state, request);
        case wire::ApiKey::elect_leaders: return answer_with<wire::ElectLeadersRequest>(state, request);
        default: return fail(ErrorCode::invalid, "{} is not for the controller", wire::to_string(request.header.api));
    }
}

}  // namespace medic::engine::broker
