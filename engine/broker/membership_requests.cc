// The coordinator's answers about members and offsets; its state and storage are in group_requests.cc.
#include <algorithm>

#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/membership.h"
#include "engine/broker/group_requests.h"

namespace medic::engine::broker {
namespace {

constexpr std::size_t offset_metadata_max = 4'096;  // offset.metadata.max.bytes
constexpr std::int16_t member_id_required_since = 4;

template <class Request>
std::optional<Request> read_request(BrokerParts& parts, const Incoming& request) {
    auto decoded = wire::decode<Request>(request.body, request.header.version);
    if (decoded) return *std::move(decoded);
    parts.server.hang_up(request.to);
    return std::nullopt;
}

}  // namespace

void GroupRequests::join(const Incoming& request) {
    const auto asked = read_request<wire::JoinGroupRequest>(parts_, request);
    if (!asked) return;
    Fault fault = asked->group_id.empty() ? Fault::invalid_group_id : check_coordinator(asked->group_id);
    const auto limit = [&](std::string_view key) { return parts_.config.broker_number(parts_.image, key); };
    const bool session_fits = asked->session_timeout_ms >= limit("group.min.session.timeout.ms") &&
                              asked->session_timeout_ms <= limit("group.max.session.timeout.ms");
    if (fault == Fault::none && !session_fits) fault = Fault::invalid_session_timeout;
    if (fault != Fault::none) {
        wire::JoinGroupResponse response;
        response.error = fault;
        response.member_id = asked->member_id;
        return send_response(parts_, request, response);
    }
    const bool has_rebalance_timeout = request.header.version >= 1;
    JoinAsk ask{
        .token = keep(request),
        .member_id = asked->member_id,
        .instance_id = asked->group_instance_id,
        .client_id = request.header.client_id.value_or(""),
        .client_host = "/" + parts_.server.host_of(request.to),
        .protocol_type = asked->protocol_type,
        .protocols = {},
        .session_timeout = Duration(asked->session_timeout_ms),
        .rebalance_timeout = Duration(has_rebalance_timeout ? asked->rebalance_timeout_ms : asked->session_timeout_ms),
        .may_require_member_id = request.header.version >= member_id_required_since};
    for (const auto& protocol : asked->protocols) ask.protocols.push_back({protocol.name, protocol.metadata});
    GroupEffects effects;
    group(asked->group_id).group.join(ask, parts_.loop.now(), effects);
    apply(asked->group_id, std::move(effects));
}

void GroupRequests::answer(const JoinAnswer& told) {
    const auto node = waiting_.extract(told.token);
    if (node.empty()) return;
    wire::JoinGroupResponse response;
    response.error = told.fault;
    response.generation_id = told.generation;
    response.protocol_type = told.protocol_type;
    response.protocol_name = told.protocol;
    response.leader = told.leader;
    response.member_id = told.member_id;
    for (const auto& member : told.members) {
        response.members.push_back(
            {.member_id = member.id, .group_instance_id = member.instance_id, .metadata = member.metadata});
    }
    send_response(parts_, node.mapped(), response);
}

void GroupRequests::sync(const Incoming& request) {
    const auto asked = read_request<wire::SyncGroupRequest>(parts_, request);
    if (!asked) return;
    Group* const mine = known_group(asked->group_id);
    Fault fault = check_coordinator(asked->group_id);
    if (fault == Fault::none && !mine) fault = Fault::unknown_member_id;
    if (fault != Fault::none) {
        wire::SyncGroupResponse response;
        response.error = fault;
        return send_response(parts_, request, response);
    }
    SyncAsk ask{.token = keep(request),
                .member_id = asked->member_id,
                .instance_id = asked->group_instance_id,
                .generation = asked->generation_id,
                .assignments = {}};
    for (const auto& assignment : asked->assignments) ask.assignments[assignment.member_id] = assignment.assignment;
    GroupEffects effects;
    mine->sync(ask, parts_.loop.now(), effects);
    apply(asked->group_id, std::move(effects));
}

void GroupRequests::answer(const SyncAnswer& told) {
    const auto node = waiting_.extract(told.token);
    if (node.empty()) return;
    wire::SyncGroupResponse response;
    response.error = told.fault;
    response.protocol_type = told.protocol_type;
    response.protocol_name = told.protocol;
    response.assignment = told.assignment;
    send_response(parts_, node.mapped(), response);
}

void GroupRequests::heartbeat(const Incoming& request) {
    const auto asked = read_request<wire::HeartbeatRequest>(parts_, request);
    if (!asked) return;
    wire::HeartbeatResponse response;
    response.error = check_coordinator(asked->group_id);
    if (response.error == Fault::none) {
        Group* const mine = known_group(asked->group_id);
        response.error =
            mine ? mine->heartbeat(asked->member_id, asked->group_instance_id, asked->generation_id, parts_.loop.now())
                 : Fault::unknown_member_id;
    }
    send_response(parts_, request, response);
}

void GroupRequests::leave(const Incoming& request) {
    const auto asked = read_request<wire::LeaveGroupRequest>(parts_, request);
    if (!asked) return;
    wire::LeaveGroupResponse response;
    response.error = check_coordinator(asked->group_id);
    if (response.error != Fault::none) return send_response(parts_, request, response);
    constexpr std::int16_t several_since = 3;
    GroupEffects effects;
    Group* const mine = known_group(asked->group_id);
    const auto leave_as = [&](const std::string& member_id, const std::optional<std::string>& instance_id) {
        return mine ? mine->leave(member_id, instance_id, parts_.loop.now(), effects) : Fault::unknown_member_id;
    };
    if (request.header.version < several_since) response.error = leave_as(asked->member_id, std::nullopt);
    for (const auto& member : asked->members) {
        const Fault fault = leave_as(member.member_id, member.group_instance_id);
        response.members.push_back({member.member_id, member.group_instance_id, fault});
    }
    send_response(parts_, request, response);
    apply(asked->group_id, std::move(effects));
}

void GroupRequests::commit(const Incoming& request) {
    auto asked = read_request<wire::OffsetCommitRequest>(parts_, request);
    if (!asked) return;
    const std::string id = asked->group_id;
    Fault refused = id.empty() ? Fault::invalid_group_id : check_coordinator(id);
    if (refused == Fault::none) {
        refused = group(id).group.check_commit(asked->member_id, asked->group_instance_id, asked->generation_id,
                                               parts_.loop.now());
    }
    wire::OffsetCommitResponse response;
    std::vector<Record> records;
    std::vector<std::pair<TopicPartition, CommittedOffset>> commits;
    for (const auto& topic : asked->topics) {
        auto& reply = response.topics.emplace_back();
        reply.name = topic.name;
        for (const auto& partition : topic.partitions) {
            Fault fault = refused;
            const std::string metadata = partition.metadata.value_or("");
            if (fault == Fault::none && metadata.size() > offset_metadata_max) fault = Fault::offset_metadata_too_large;
            if (fault == Fault::none && !parts_.image.partition(topic.name, partition.partition)) {
                fault = Fault::unknown_topic_or_partition;
            }
            reply.partitions.push_back({partition.partition, fault});
            if (fault != Fault::none) continue;
            const TopicPartition where{topic.name, partition.partition};
            const CommittedOffset offset{partition.offset, partition.leader_epoch, metadata, parts_.loop.wall_ms()};
            records.push_back({encode_key(OffsetKey{id, where}), encode_value(offset)});
            commits.emplace_back(where, offset);
        }
    }
    if (records.empty()) return send_response(parts_, request, response);
    Incoming kept = request;
    kept.body = {};
    store(id, records, [this, id, kept, response, commits](Fault fault) mutable {
        // Only what all in-sync replicas have is told to anybody.
        const auto found = groups_.find(id);
        if (fault == Fault::none && found != groups_.end()) {
            for (auto& [where, offset] : commits) found->second.offsets[where] = std::move(offset);
            if (found->second.idle_since_ms != 0) found->second.idle_since_ms = parts_.loop.wall_ms();
        }
        for (auto& topic : response.topics) {
            for (auto& partition : topic.partitions) {
                if (partition.error == Fault::none) partition.error = fault;
            }
        }
        send_response(parts_, kept, response);
    });
}

void GroupRequests::fetch_offsets(const Incoming& request) {
    const auto asked = read_request<wire::OffsetFetchRequest>(parts_, request);
    if (!asked) return;
    using Topic = wire::OffsetFetchResponse::Topic;
    const auto look_up = [&](const std::string& id,
                             const std::optional<std::vector<wire::OffsetFetchRequest::Topic>>& topics, Fault& fault) {
        std::vector<Topic> replies;
        fault = check_coordinator(id);
        const auto found = groups_.find(id);
        const bool known = fault == Fault::none && found != groups_.end();
        if (!topics) {
            if (!known) return replies;
            for (const auto& [where, offset] : found->second.offsets) {
                if (replies.empty() || replies.back().name != where.topic) replies.push_back({where.topic, {}});
                replies.back().partitions.push_back(
                    {where.partition, offset.offset, offset.leader_epoch, offset.metadata, Fault::none});
            }
            return replies;
        }
        for (const auto& topic : *topics) {
            auto& reply = replies.emplace_back();
            reply.name = topic.name;
            for (const std::int32_t partition : topic.partitions) {
                auto& one = reply.partitions.emplace_back();
                one.partition = partition;
                one.metadata = "";
                one.error = fault;
                if (!known) continue;
                const auto offset = found->second.offsets.find({topic.name, partition});
                if (offset == found->second.offsets.end()) continue;
                one.offset = offset->second.offset;
                one.leader_epoch = offset->second.leader_epoch;
                one.metadata = offset->second.metadata;
            }
        }
        return replies;
    };
    wire::OffsetFetchResponse response;
    constexpr std::int16_t several_since = 8;
    if (request.header.version < several_since) {
        response.topics = look_up(asked->group_id, asked->topics, response.error);
    }
    for (const auto& group : asked->groups) {
        auto& reply = response.groups.emplace_back();
        reply.group_id = group.group_id;
        reply.topics = look_up(group.group_id, group.topics, reply.error);
    }
    send_response(parts_, request, response);
}

void GroupRequests::list(const Incoming& request) {
    const auto asked = read_request<wire::ListGroupsRequest>(parts_, request);
    if (!asked) return;
    wire::ListGroupsResponse response;
    for (const auto& [id, mine] : groups_) {
        const std::string state(to_string(mine.group.state()));
        if (!asked->states.empty() && std::ranges::find(asked->states, state) == asked->states.end()) continue;
        if (!asked->types.empty() && std::ranges::find(asked->types, "classic") == asked->types.end()) continue;
        response.groups.push_back({id, mine.group.protocol_type(), state, "classic"});
    }
    send_response(parts_, request, response);
}

void GroupRequests::describe(const Incoming& request) {
    const auto asked = read_request<wire::DescribeGroupsRequest>(parts_, request);
    if (!asked) return;
    wire::DescribeGroupsResponse response;
    for (const auto& id : asked->groups) {
        auto& reply = response.groups.emplace_back();
        reply.group_id = id;
        reply.error = check_coordinator(id);
        if (reply.error != Fault::none) continue;
        const auto found = groups_.find(id);
        if (found == groups_.end()) {
            reply.state = to_string(Group::State::dead);
            continue;
        }
        const Group& mine = found->second.group;
        reply.state = to_string(mine.state());
        reply.protocol_type = mine.protocol_type();
        if (mine.state() == Group::State::stable) reply.protocol_data = mine.protocol();
        for (const auto& [member_id, member] : mine.members()) {
            reply.members.push_back({.member_id = member_id,
                                     .group_instance_id = member.instance_id,
                                     .client_id = member.client_id,
                                     .client_host = member.client_host,
                                     .metadata = mine.metadata_of(member),
                                     .assignment = member.assignment});
        }
    }
    send_response(parts_, request, response);
}

void GroupRequests::remove(const Incoming& request) {
    const auto asked = read_request<wire::DeleteGroupsRequest>(parts_, request);
    if (!asked) return;
    wire::DeleteGroupsResponse response;
    for (const auto& id : asked->groups) {
        Fault fault = check_coordinator(id);
        const auto found = groups_.find(id);
        if (fault == Fault::none && found == groups_.end()) fault = Fault::group_id_not_found;
        if (fault == Fault::none && !found->second.group.members().empty()) fault = Fault::non_empty_group;
        response.groups.push_back({id, fault});
        if (fault != Fault::none) continue;
        std::vector<Record> tombstones{{encode_key(GroupKey{id}), std::nullopt}};
        for (const auto& [where, offset] : found->second.offsets)
            tombstones.push_back({encode_key(OffsetKey{id, where}), std::nullopt});
        store(id, tombstones, [](Fault) {});
        groups_.erase(id);
    }
    send_response(parts_, request, response);
}

}  // namespace medic::engine::broker
