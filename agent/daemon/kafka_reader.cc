#include "agent/daemon/kafka_reader.h"

#include <algorithm>

#include "agent/world/real/clock.h"

namespace medic {
namespace {

// What is asked later than this after the look began is not asked: brokers that hang cost a look no more than a few
// calls' time, however many groups and leaders there are.
constexpr int look_max_timeouts = 5;

class ClientReader : public TimedKafkaReader {
public:
    ClientReader(std::shared_ptr<KafkaClient> client, Duration timeout)
        : client_(std::move(client)), timeout_(timeout) {}

    void begin() override { until_ = read_clock().monotonic + look_max_timeouts * timeout_; }

    Result<wire::MetadataResponse> metadata() override { return client_->metadata(std::nullopt); }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        MEDIC_TRY(const Duration timeout, time_left());
        return client_->call_every_broker(wire::DescribeLogDirsRequest{}, timeout);
    }
    Result<ByBroker<wire::ListGroupsResponse>> groups() override {
        MEDIC_TRY(const Duration timeout, time_left());
        return client_->call_every_broker(wire::ListGroupsRequest{}, timeout);
    }
    Result<wire::DescribeGroupsResponse> describe_groups(std::int32_t coordinator,
                                                         const std::vector<std::string>& ids) override {
        return call(KafkaTarget::broker(coordinator), wire::DescribeGroupsRequest{.groups = ids});
    }
    Result<wire::ConsumerGroupDescribeResponse> describe_consumer_groups(std::int32_t coordinator,
                                                                         const std::vector<std::string>& ids) override {
        return call(KafkaTarget::broker(coordinator), wire::ConsumerGroupDescribeRequest{.groups = ids});
    }
    Result<std::vector<wire::OffsetFetchResponse::Group>> committed(std::int32_t coordinator,
                                                                    const std::vector<std::string>& ids) override {
        constexpr std::int16_t many_groups_since = 8;
        MEDIC_TRY(const std::int16_t version, client_->version_at(coordinator, wire::ApiKey::offset_fetch));
        std::vector<wire::OffsetFetchResponse::Group> groups;
        if (version >= many_groups_since) {
            wire::OffsetFetchRequest request;
            for (const std::string& id : ids)
                request.groups.push_back(
                    {.group_id = id, .member_id = std::nullopt, .member_epoch = -1, .topics = std::nullopt});
            MEDIC_TRY(auto answer, call(KafkaTarget::broker(coordinator), request));
            return std::move(answer.groups);
        }
        for (const std::string& id : ids) {
            MEDIC_TRY(auto answer, call(KafkaTarget::broker(coordinator), wire::OffsetFetchRequest{.group_id = id}));
            groups.push_back({id, std::move(answer.topics), answer.error});
        }
        return groups;
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t leader, const wire::ListOffsetsRequest& request) override {
        return call(KafkaTarget::broker(leader), request);
    }
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        return ask(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{});
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest& request) override {
        return call(KafkaTarget::any(), request);
    }
    Result<ByBroker<wire::DescribeConfigsResponse>> broker_configs(const std::vector<std::string>& keys) override {
        MEDIC_TRY(const Duration timeout, time_left());
        return client_->ask_every_broker<wire::DescribeConfigsRequest>(
            [&keys](std::int32_t broker) {
                wire::DescribeConfigsRequest request;
                request.resources.push_back({.type = static_cast<std::int8_t>(wire::ConfigResource::broker),
                                             .name = std::to_string(broker),
                                             .keys = keys});
                return request;
            },
            timeout);
    }
    Result<wire::DescribeQuorumResponse> quorum() override {
        wire::DescribeQuorumRequest request;
        request.topics.push_back({"__cluster_metadata", {{0}}});
        return ask(KafkaTarget::any(), request);
    }
    Result<wire::DescribeClientQuotasResponse> quotas() override {
        return ask(KafkaTarget::any(), wire::DescribeClientQuotasRequest{});
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions() override {
        MEDIC_TRY(const Duration timeout, time_left());
        return client_->call_every_broker(
            wire::ListTransactionsRequest{.states = {"Ongoing", "PrepareCommit", "PrepareAbort"}}, timeout);
    }
    Result<ByBroker<wire::ListTransactionsResponse>> transactions_of(
        const std::vector<std::int64_t>& producer_ids) override {
        MEDIC_TRY(const Duration timeout, time_left());
        return client_->call_every_broker(wire::ListTransactionsRequest{.producer_ids = producer_ids}, timeout);
    }
    Result<wire::DescribeTransactionsResponse> describe_transactions(std::int32_t coordinator,
                                                                     const std::vector<std::string>& ids) override {
        return call(KafkaTarget::broker(coordinator), wire::DescribeTransactionsRequest{ids});
    }
    Result<wire::DescribeProducersResponse> producers(std::int32_t leader,
                                                      const wire::DescribeProducersRequest& request) override {
        return call(KafkaTarget::broker(leader), request);
    }

private:
    [[nodiscard]] Result<Duration> time_left() const {
        const Instant now = read_clock().monotonic;
        if (now >= until_) return fail(ErrorCode::unavailable, "not asked: the time of this look is over");
        return now + timeout_ <= until_ ? timeout_ : until_ - now;
    }
    template <class Request>
    [[nodiscard]] Result<typename Request::Response> call(const KafkaTarget& target, const Request& request) const {
        MEDIC_TRY(const Duration timeout, time_left());
        return client_->call(target, request, timeout);
    }
    // Asked once more when the answer says that it has gone to the wrong broker, or a moment too soon.
    template <class Request>
    Result<typename Request::Response> ask(const KafkaTarget& target, const Request& request) {
        constexpr int attempts_max = 2;
        for (int attempt = 1;; ++attempt) {
            auto answer = call(target, request);
            if (!answer || !wire::is_retriable(answer->error) || attempt == attempts_max) return answer;
            client_->forget_metadata();
        }
    }

    std::shared_ptr<KafkaClient> client_;
    Duration timeout_;
    Instant until_ = Instant::max();  // Before the first begin(): each call by itself.
};

}  // namespace

std::unique_ptr<TimedKafkaReader> make_kafka_reader(std::shared_ptr<KafkaClient> client, Duration timeout) {
    return std::make_unique<ClientReader>(std::move(client), timeout);
}

}  // namespace medic
