#include "agent/daemon/kafka_reader.h"

namespace medic {
namespace {

class ClientReader : public KafkaReader {
public:
    ClientReader(std::shared_ptr<KafkaClient> client, Duration timeout)
        : client_(std::move(client)), timeout_(timeout) {}

    Result<wire::MetadataResponse> metadata() override { return client_->metadata(std::nullopt); }
    Result<ByBroker<wire::DescribeLogDirsResponse>> log_dirs() override {
        return client_->call_every_broker(wire::DescribeLogDirsRequest{}, timeout_);
    }
    Result<ByBroker<wire::ListGroupsResponse>> groups() override {
        return client_->call_every_broker(wire::ListGroupsRequest{}, timeout_);
    }
    Result<wire::DescribeGroupsResponse> group(const std::string& id) override {
        wire::DescribeGroupsRequest request;
        request.groups = {id};
        return client_->call(KafkaTarget::coordinator(id), request, timeout_);
    }
    Result<wire::OffsetFetchResponse> committed(const std::string& group) override {
        wire::OffsetFetchRequest request;
        // Up to v7 one group in `group_id`, from v8 on a list; the version is chosen when the connection is known, so
        // both are set.
        request.group_id = group;
        request.groups.push_back(
            {.group_id = group, .member_id = std::nullopt, .member_epoch = -1, .topics = std::nullopt});
        return client_->call(KafkaTarget::coordinator(group), request, timeout_);
    }
    Result<wire::ListOffsetsResponse> offsets(std::int32_t leader, const wire::ListOffsetsRequest& request) override {
        return client_->call(KafkaTarget::broker(leader), request, timeout_);
    }
    Result<wire::ListPartitionReassignmentsResponse> reassignments() override {
        return client_->call(KafkaTarget::controller(), wire::ListPartitionReassignmentsRequest{}, timeout_);
    }
    Result<wire::DescribeConfigsResponse> configs(const wire::DescribeConfigsRequest& request) override {
        return client_->call(KafkaTarget::any(), request, timeout_);
    }

private:
    std::shared_ptr<KafkaClient> client_;
    Duration timeout_;
};

}  // namespace

std::unique_ptr<KafkaReader> make_kafka_reader(std::shared_ptr<KafkaClient> client, Duration timeout) {
    return std::make_unique<ClientReader>(std::move(client), timeout);
}

}  // namespace medic
