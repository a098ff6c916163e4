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

std::vector<std::pair<KafkaError, std::string>> group_codes(const auto& response) {
    std::vector<std::pair<KafkaError, std::string>> codes;
    for (const auto& group : response.groups) codes.emplace_back(group.error, "group " + group.group_id);
    return codes;
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

Result<wire::DescribeGroupsResponse> TellingReader::describe_groups(std::int32_t coordinator,
                                                                    const std::vector<std::string>& ids) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.describe_groups(coordinator, ids);
    note<wire::DescribeGroupsResponse>("coordinators", "DescribeGroups", began, answer,
                                       [](const auto& response) { return group_codes(response); });
    if (answer)
        for (const auto& group : answer->groups)
            if (group.error == KafkaError::none) described_[group.group_id] = group;
    return answer;
}

Result<wire::ConsumerGroupDescribeResponse> TellingReader::describe_consumer_groups(
    std::int32_t coordinator, const std::vector<std::string>& ids) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.describe_consumer_groups(coordinator, ids);
    note<wire::ConsumerGroupDescribeResponse>("coordinators", "ConsumerGroupDescribe", began, answer,
                                              [](const auto& response) { return group_codes(response); });
    if (!answer) return answer;
    for (const auto& group : answer->groups) {
        if (group.error != KafkaError::none) continue;
        // Who is in it; what each reads is not in the classic form.
        auto& known = described_[group.group_id];
        known = {.group_id = group.group_id, .state = group.state, .protocol_type = "consumer"};
        for (const auto& member : group.members)
            known.members.push_back(
                {.member_id = member.member_id, .client_id = member.client_id, .client_host = member.client_host});
    }
    return answer;
}

Result<std::vector<wire::OffsetFetchResponse::Group>> TellingReader::committed(std::int32_t coordinator,
                                                                               const std::vector<std::string>& ids) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.committed(coordinator, ids);
    note<std::vector<wire::OffsetFetchResponse::Group>>(
        "coordinators", "OffsetFetch", began, answer, [](const auto& groups) {
            Codes codes;
            for (const auto& one : groups) codes.emplace_back(one.error, "offsets of " + one.group_id);
            return codes;
        });
    return answer;
}

Result<wire::DescribeQuorumResponse> TellingReader::quorum() {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.quorum();
    note<wire::DescribeQuorumResponse>("any broker", "DescribeQuorum", began, answer, [](const auto& response) {
        return Codes{{response.error, "controllers' quorum"}};
    });
    return answer;
}

Result<wire::DescribeClientQuotasResponse> TellingReader::quotas() {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.quotas();
    note<wire::DescribeClientQuotasResponse>("any broker", "DescribeClientQuotas", began, answer,
                                             [](const auto& response) { return Codes{{response.error, "quotas"}}; });
    return answer;
}

Result<KafkaReader::ByBroker<wire::ListTransactionsResponse>> TellingReader::transactions() {
    const Instant began = outside_.now().monotonic;
    auto answers = inner_.transactions();
    const auto codes = [](const wire::ListTransactionsResponse& response) {
        return Codes{{response.error, "transactions"}};
    };
    if (!answers) {
        note<wire::ListTransactionsResponse>("every broker", "ListTransactions", began,
                                             std::unexpected(answers.error()), codes);
        return answers;
    }
    for (const auto& [broker, answer] : *answers)
        note<wire::ListTransactionsResponse>("broker " + std::to_string(broker), "ListTransactions", began, answer,
                                             codes);
    return answers;
}

Result<KafkaReader::ByBroker<wire::ListTransactionsResponse>> TellingReader::transactions_of(
    const std::vector<std::int64_t>& producer_ids) {
    return inner_.transactions_of(producer_ids);
}

Result<wire::DescribeTransactionsResponse> TellingReader::describe_transactions(std::int32_t coordinator,
                                                                                const std::vector<std::string>& ids) {
    return inner_.describe_transactions(coordinator, ids);
}

Result<wire::DescribeProducersResponse> TellingReader::producers(std::int32_t leader,
                                                                 const wire::DescribeProducersRequest& request) {
    const Instant began = outside_.now().monotonic;
    auto answer = inner_.producers(leader, request);
    note<wire::DescribeProducersResponse>("leaders", "DescribeProducers", began, answer, [](const auto& response) {
        Codes codes;
        for (const auto& topic : response.topics)
            for (const auto& partition : topic.partitions)
                codes.emplace_back(partition.error, "producers of " + topic.name);
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

Result<KafkaReader::ByBroker<wire::DescribeConfigsResponse>> TellingReader::broker_configs(
    const std::vector<std::string>& keys) {
    const Instant began = outside_.now().monotonic;
    auto answers = inner_.broker_configs(keys);
    const auto codes = [](const wire::DescribeConfigsResponse& response) {
        Codes found;
        for (const auto& resource : response.resources)
            found.emplace_back(resource.error, "settings of broker " + resource.name);
        return found;
    };
    if (!answers) {
        note<wire::DescribeConfigsResponse>("every broker", "DescribeConfigs of brokers", began,
                                            std::unexpected(answers.error()), codes);
        return answers;
    }
    for (const auto& [broker, answer] : *answers)
        note<wire::DescribeConfigsResponse>("broker " + std::to_string(broker), "DescribeConfigs of brokers", began,
                                            answer, codes);
    return answers;
}

}  // namespace medic::discovery
