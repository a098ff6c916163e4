// A KafkaReader that passes every call on and notes what became of it: answered, refused by an ACL, not supported.
// Only for look_once.cc and its tests.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/collectors/kafka/kafka.h"
#include "agent/discovery/look_once.h"

namespace medic::discovery {

class TellingReader : public KafkaReader {
public:
    TellingReader(KafkaReader& inner, Outside& outside) : inner_(inner), outside_(outside) {}

    Result<wire::MetadataResponse> metadata() override;
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override;
    Result<ByBroker<wire::ListGroupsResponse>> groups() override;
    Result<wire::DescribeGroupsResponse> describe_groups(std::int32_t coordinator,
                                                         const std::vector<std::string>& ids) override;
    Result<wire::ConsumerGroupDescribeResponse> describe_consumer_groups(std::int32_t coordinator,
                                                                         const std::vector<std::string>& ids) override;
    Result<std::vector<wire::OffsetFetchResponse::Group>> committed(std::int32_t coordinator,
                                                                    const std::vector<std::string>& ids) override;
    Result<wire::ListOffsetsResponse> offsets(std::int32_t leader, const wire::ListOffsetsRequest& request) override;
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override;
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest& request) override;
    Result<ByBroker<wire::DescribeConfigsResponse>> broker_configs(const std::vector<std::string>& keys) override;
    Result<wire::DescribeQuorumResponse> quorum() override;
    Result<wire::DescribeClientQuotasResponse> quotas() override;
    Result<ByBroker<wire::ListTransactionsResponse>> transactions() override;
    Result<ByBroker<wire::ListTransactionsResponse>> transactions_of(
        const std::vector<std::int64_t>& producer_ids) override;
    Result<wire::DescribeTransactionsResponse> describe_transactions(std::int32_t coordinator,
                                                                     const std::vector<std::string>& ids) override;
    Result<wire::DescribeProducersResponse> producers(std::int32_t leader,
                                                      const wire::DescribeProducersRequest& request) override;

    [[nodiscard]] std::vector<Call> calls() const { return summed(calls_); }
    [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
    [[nodiscard]] const std::map<std::string, wire::DescribeGroupsResponse::Group>& described() const {
        return described_;
    }

private:
    using Codes = std::vector<std::pair<wire::KafkaError, std::string>>;  // Error and what it is about.
    template <class Response>
    void note(const std::string& target, const std::string& name, Instant began, const Result<Response>& answer,
              const std::function<Codes(const Response&)>& codes);

    KafkaReader& inner_;
    Outside& outside_;
    std::vector<Call> calls_;
    std::string cluster_id_;
    std::map<std::string, wire::DescribeGroupsResponse::Group> described_;
};

}  // namespace medic::discovery
