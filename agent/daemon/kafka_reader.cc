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
    Result<wire::DescribeGroupsResponse> group(const std::string& id) override {
        wire::DescribeGroupsRequest request;
        request.groups = {id};
        return call(KafkaTarget::coordinator(id), request);
    }
    Result<wire::OffsetFetchResponse> committed(const std::string& group) override {
        wire::OffsetFetchRequest request;
        // Up to v7 one group in `group_id`, from v8 on a list; the version is chosen when the connection is known, so
        // both are set.
        request.group_id = group;
        request.groups.push_back(
            {.group_id = group, .member_id = std::nullopt, .member_epoch = -1, .topics = std::nullopt});
        return call(KafkaTarget::coordinator(group), request);
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t leader, const wire::ListOffsetsRequest& request) override {
        return call(KafkaTarget::broker(leader), request);
    }
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        return call(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{});
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest& request) override {
        return call(KafkaTarget::any(), request);
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

    std::shared_ptr<KafkaClient> client_;
    Duration timeout_;
    Instant until_ = Instant::max();  // Before the first begin(): each call by itself.
};

}  // namespace

std::unique_ptr<TimedKafkaReader> make_kafka_reader(std::shared_ptr<KafkaClient> client, Duration timeout) {
    return std::make_unique<ClientReader>(std::move(client), timeout);
}

}  // namespace medic
