// A coordinator of which one partition's thread never comes back: who is kept waiting by it.
#include <algorithm>

#include "agent/wire/messages/group_admin.h"
#include "agent/wire/messages/group_offsets.h"
#include "agent/wire/messages/membership.h"
#include "engine/broker/group_requests.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

template <class Request>
std::vector<std::string> group_in(const Incoming& request) {
    const auto asked = wire::decode<Request>(request.body, request.header.version);
    if (!asked) return {};
    return {asked->group_id};
}

template <class Request>
std::vector<std::string> groups_in(const Incoming& request) {
    const auto asked = wire::decode<Request>(request.body, request.header.version);
    return asked ? asked->groups : std::vector<std::string>();
}

std::vector<std::string> read_by(const Incoming& request) {
    const auto asked = wire::decode<wire::OffsetFetchRequest>(request.body, request.header.version);
    if (!asked) return {};
    std::vector<std::string> all;
    for (const auto& group : asked->groups) all.push_back(group.group_id);
    if (all.empty()) all.push_back(asked->group_id);
    return all;
}

}  // namespace

void GroupRequests::block(std::int32_t partition) {
    log_warn("groups", "{}-{}: its thread does not come back", offsets_topic, partition);
    blocked_.insert(partition);
}

bool GroupRequests::is_blocked(const std::string& group) const {
    const std::int32_t partition = partition_of(group);
    return blocked_.contains(partition) && led_.contains(partition);
}

// As Kafka's GroupCoordinatorService waits: for each partition that one of the groups lies in, and to list groups for
// every partition that this broker leads.
bool GroupRequests::meets_blocked(const Incoming& request) const {
    using wire::ApiKey;
    std::vector<std::string> groups;
    switch (request.header.api) {
        case ApiKey::join_group: groups = group_in<wire::JoinGroupRequest>(request); break;
        case ApiKey::sync_group: groups = group_in<wire::SyncGroupRequest>(request); break;
        case ApiKey::heartbeat: groups = group_in<wire::HeartbeatRequest>(request); break;
        case ApiKey::leave_group: groups = group_in<wire::LeaveGroupRequest>(request); break;
        case ApiKey::offset_commit: groups = group_in<wire::OffsetCommitRequest>(request); break;
        case ApiKey::offset_fetch: groups = read_by(request); break;
        case ApiKey::describe_groups: groups = groups_in<wire::DescribeGroupsRequest>(request); break;
        case ApiKey::delete_groups: groups = groups_in<wire::DeleteGroupsRequest>(request); break;
        case ApiKey::list_groups:
            return std::ranges::any_of(blocked_, [&](std::int32_t partition) { return led_.contains(partition); });
        default: return false;
    }
    return std::ranges::any_of(groups, [&](const std::string& group) { return is_blocked(group); });
}

}  // namespace medic::engine::broker
