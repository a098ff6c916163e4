#include <fmt/format.h>

#include "agent/discovery/telling_reader_internal.h"

namespace medic::discovery {

using wire::KafkaError;

namespace {

bool is_refusal(KafkaError error) {
    switch (error) {
        case KafkaError::topic_authorization_failed:
        case KafkaError::group_authorization_failed:
        case KafkaError::cluster_authorization_failed:
        case KafkaError::sasl_authentication_failed: return true;
        default: return false;
    }
}

// Errors that belong to a moment or to one broken object, not to what we may ask.
bool is_passing(KafkaError error) {
    switch (error) {
        case KafkaError::none:
        case KafkaError::kafka_storage_error:
        case KafkaError::leader_not_available:
        case KafkaError::not_leader_or_follower:
        case KafkaError::unknown_topic_or_partition: return true;
        default: return false;
    }
}

Call::Outcome outcome_of(const Error& error) {
    return error.code == ErrorCode::invalid && (error.message.find("does not offer") != std::string::npos ||
                                                error.message.find("we speak") != std::string::npos)
               ? Call::Outcome::unsupported
               : Call::Outcome::failed;
}

}  // namespace

template <class Response>
void TellingReader::note(const std::string& target, const std::string& name, Instant began,
                         const Result<Response>& answer, const std::function<Codes(const Response&)>& codes) {
    Call call{.part = "kafka", .target = target, .name = name, .took = outside_.now().monotonic - began, .detail = ""};
    if (!answer) {
        call.outcome = outcome_of(answer.error());
        call.detail = answer.error().message;
    } else {
        std::size_t refused = 0;
        for (const auto& [error, about] : codes(*answer)) {
            if (is_passing(error)) continue;
            refused += is_refusal(error);
            if (call.outcome == Call::Outcome::answered || is_refusal(error)) {
                call.outcome = is_refusal(error)                          ? Call::Outcome::refused
                               : error == KafkaError::unsupported_version ? Call::Outcome::unsupported
                                                                          : Call::Outcome::failed;
                if (const auto status = wire::check(error, about); !status) call.detail = status.error().message;
            }
        }
        if (refused > 1) call.detail += fmt::format(" (and {} more)", refused - 1);
    }
    calls_.push_back(std::move(call));
}

Result<wire::MetadataResponse> TellingReader::metadata() {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.metadata();
    if (answer) cluster_id_ = answer->cluster_id.value_or("");
    note<wire::MetadataResponse>("any broker", "Metadata", began, answer, [](const auto& response) {
        Codes codes;
        for (const auto& topic : response.topics) codes.emplace_back(topic.error, "topic " + topic.name.value_or("?"));
        return codes;
    });
    return answer;
}

Result<KafkaReader::ByBroker<wire::DescribeLogDirsResponse>> TellingReader::log_dirs() {
    const Instant began = outside_.now().monotonic;
    auto answers = inner_.log_dirs();
    const auto codes = [](const wire::DescribeLogDirsResponse& response) {
        Codes found{{response.error, "log dirs"}};
        for (const auto& dir : response.log_dirs) found.emplace_back(dir.error, dir.path);
        return found;
    };
    if (!answers) {
        note<wire::DescribeLogDirsResponse>("every broker", "DescribeLogDirs", began, std::unexpected(answers.error()),
                                            codes);
        return answers;
    }
    for (const auto& [broker, answer] : *answers)
        note<wire::DescribeLogDirsResponse>("broker " + std::to_string(broker), "DescribeLogDirs", began, answer,
                                            codes);
    return answers;
}

Result<KafkaReader::ByBroker<wire::ListGroupsResponse>> TellingReader::groups() {
    const Instant began = outside_.now().monotonic;
    auto answers = inner_.groups();
    const auto codes = [](const wire::ListGroupsResponse& response) { return Codes{{response.error, "groups"}}; };
    if (!answers) {
        note<wire::ListGroupsResponse>("every broker", "ListGroups", began, std::unexpected(answers.error()), codes);
        return answers;
    }
    for (const auto& [broker, answer] : *answers)
        note<wire::ListGroupsResponse>("broker " + std::to_string(broker), "ListGroups", began, answer, codes);
    return answers;
}

Result<wire::DescribeGroupsResponse> TellingReader::group(const std::string& id) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.group(id);
    note<wire::DescribeGroupsResponse>("coordinators", "DescribeGroups", began, answer, [&](const auto& response) {
        Codes codes;
        for (const auto& group : response.groups) codes.emplace_back(group.error, "group " + group.group_id);
        return codes;
    });
    if (answer)
        for (const auto& group : answer->groups)
            if (group.error == KafkaError::none) described_[group.group_id] = group;
    return answer;
}

Result<wire::OffsetFetchResponse> TellingReader::committed(const std::string& group) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.committed(group);
    note<wire::OffsetFetchResponse>("coordinators", "OffsetFetch", began, answer, [&](const auto& response) {
        Codes codes{{response.error, "offsets of " + group}};
        for (const auto& one : response.groups) codes.emplace_back(one.error, "offsets of " + group);
        return codes;
    });
    return answer;
}

Result<wire::ListOffsetsResponse> TellingReader::offsets(std::int32_t leader, const wire::ListOffsetsRequest& request) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.offsets(leader, request);
    note<wire::ListOffsetsResponse>("broker " + std::to_string(leader), "ListOffsets", began, answer,
                                    [](const auto& response) {
                                        Codes codes;
                                        for (const auto& topic : response.topics)
                                            for (const auto& partition : topic.partitions)
                                                codes.emplace_back(partition.error, "topic " + topic.name);
                                        return codes;
                                    });
    return answer;
}

Result<wire::ListPartitionReassignmentsResponse> TellingReader::reassignments() {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.reassignments();
    note<wire::ListPartitionReassignmentsResponse>(
        "controller", "ListPartitionReassignments", began, answer,
        [](const auto& response) { return Codes{{response.error, "reassignments"}}; });
    return answer;
}

Result<wire::DescribeConfigsResponse> TellingReader::configs(const wire::DescribeConfigsRequest& request) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.configs(request);
    note<wire::DescribeConfigsResponse>("any broker", "DescribeConfigs", began, answer, [](const auto& response) {
        Codes codes;
        for (const auto& resource : response.resources)
            codes.emplace_back(resource.error, "settings of " + resource.name);
        return codes;
    });
    return answer;
}

}  // namespace medic::discovery
