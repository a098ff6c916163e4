// Groups of both protocols and their committed offsets. Every broker lists the groups that it coordinates, so that
// nobody needs to be asked where a group's coordinator is, and one request serves many groups.
#include <algorithm>

#include "agent/collectors/kafka/look_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {

using wire::KafkaError;

namespace {

constexpr std::size_t groups_per_request = 50;

// Calls `ask` with the ids in portions.
void in_portions(const std::vector<std::string>& ids, const auto& ask) {
    for (std::size_t from = 0; from < ids.size(); from += groups_per_request) {
        const auto to = std::min(from + groups_per_request, ids.size());
        ask(std::vector<std::string>(ids.begin() + static_cast<std::ptrdiff_t>(from),
                                     ids.begin() + static_cast<std::ptrdiff_t>(to)));
    }
}

}  // namespace

void KafkaCollector::groups(Look& look, KafkaReader& reader) {
    const auto answers = reader.groups();
    if (!answers) return look.observation.lacks("groups: " + answers.error().message);
    groups_seen_ = 0;
    for (const auto& [broker, answer] : *answers) {
        const std::string what = "groups of broker " + std::to_string(broker);
        if (!answer) {
            look.observation.lacks(what + ": " + answer.error().message);
            // One partition that hangs keeps it from listing any.
            if (answer.error().code != ErrorCode::invalid) ask_coordinators(look, reader, broker);
            continue;
        }
        // A coordinator that still loads lists what it knows so far.
        if (const auto good = wire::check(answer->error, "ListGroups"); !good) look.missing(what, good.error());
        groups_of(look, reader, broker, *answer);
    }
    tell_coordinators(look);
    if (groups_seen_ > options_.groups_max)
        look.observation.lacks(std::to_string(groups_seen_ - options_.groups_max) + " groups over the limit of " +
                               std::to_string(options_.groups_max));
}

void KafkaCollector::groups_of(Look& look, KafkaReader& reader, std::int32_t coordinator,
                               const wire::ListGroupsResponse& listed) {
    std::vector<std::string> classic, modern, with_offsets;
    bool silent = false;
    for (const auto& group : listed.groups) {
        if (++groups_seen_ > options_.groups_max) continue;
        // A share group has no members' positions: its progress lies in its own state topic.
        if (group.type == "Share" || group.type == "share") continue;
        (group.type == "Consumer" || group.type == "consumer" ? modern : classic).push_back(group.group_id);
        // The workers of a Connect cluster form a group without offsets; its sinks have consumer groups of their own.
        if (group.protocol_type != "connect") with_offsets.push_back(group.group_id);
    }
    note_listed(look, coordinator, classic);
    const auto told = [&](const auto& group) {
        note_answer(look, group.group_id, group.error);
        const auto good = wire::check(group.error, "group " + group.group_id);
        if (!good) look.missing("groups", good.error());
        return good.has_value();
    };
    in_portions(classic, [&](const std::vector<std::string>& ids) {
        const auto answer = reader.describe_groups(coordinator, ids);
        if (!answer) {
            silent = silent || answer.error().code != ErrorCode::invalid;
            return look.missing("groups", answer.error());
        }
        for (const auto& group : answer->groups)
            if (told(group)) group_state(look, group.group_id, group.state, group.protocol_type, group.members.size());
    });
    in_portions(modern, [&](const std::vector<std::string>& ids) {
        const auto answer = reader.describe_consumer_groups(coordinator, ids);
        if (!answer) return look.missing("groups of the consumer protocol", answer.error());
        for (const auto& group : answer->groups)
            if (told(group)) group_state(look, group.group_id, group.state, "consumer", group.members.size());
    });
    // Which of them keeps the others waiting is found out one by one.
    if (silent) return ask_coordinators(look, reader, coordinator);
    in_portions(with_offsets, [&](const std::vector<std::string>& ids) { committed(look, reader, coordinator, ids); });
}

void KafkaCollector::group_state(Look& look, const std::string& id, const std::string& state, const std::string& type,
                                 std::size_t members) {
    states_.tell(look.observation, id, "kafka_group_state",
                 {{"cluster", look.cluster}, {"group", id}, {"state", state}});
    look.sample("kafka_group_members", {{"group", id}}, static_cast<double>(members));
    look.observation.attributes[look.subject("group", id)] = {{"state", state}, {"protocol_type", type}};
    // The last two are the consumer protocol's (KIP-848).
    for (const char* moving : {"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"})
        if (state == moving) look.observation.under_way.push_back({look.subject("group", id), "rebalance", ""});
}

void KafkaCollector::committed(Look& look, KafkaReader& reader, std::int32_t coordinator,
                               const std::vector<std::string>& ids) const {
    const auto answer = reader.committed(coordinator, ids);
    if (!answer) return look.missing(offsets_of_groups, answer.error());
    for (const auto& group : *answer) {
        const std::string& id = group.group_id;
        if (const auto good = wire::check(group.error, "group " + id); !good) {
            look.missing(offsets_of_groups, good.error());
            continue;
        }
        for (const auto& topic : group.topics) {
            look.observation.relations.push_back(
                {look.subject("group", id), "reads", look.subject("topic", topic.name)});
            for (const auto& partition : topic.partitions) {
                if (partition.error != KafkaError::none || partition.offset < 0) continue;
                const std::vector<LabelPair> labels = {
                    {"group", id}, {"topic", topic.name}, {"partition", std::to_string(partition.partition)}};
                look.sample("kafka_group_committed_offset", labels, static_cast<double>(partition.offset));
                const auto end = look.end_offsets.find({topic.name, partition.partition});
                // The end was read first: a group may have committed beyond it since, which is no lag and not less
                // than none.
                if (end != look.end_offsets.end())
                    look.sample("kafka_group_lag_records", labels,
                                static_cast<double>(std::max<std::int64_t>(0, end->second - partition.offset)));
            }
        }
    }
}

}  // namespace medic
