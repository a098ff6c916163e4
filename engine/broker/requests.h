// The Kafka requests that a broker answers, one handler each; the table in requests.cc is what ApiVersions tells.
// Requests that must wait (acks=all, long polls) are kept in produce_requests.h and fetch_requests.h, groups in
// group_requests.h.
#pragma once

#include "agent/wire/frame.h"
#include "engine/broker/client_quotas.h"
#include "engine/broker/controller_link.h"
#include "engine/broker/recent_times.h"
#include "engine/broker/replicas.h"
#include "engine/broker/server.h"

namespace medic::engine::broker {

// What the handlers share; all of it outlives them.
struct BrokerParts {
    BrokerId self = no_broker;
    Loop& loop;
    Server& server;
    const ClusterImage& image;
    const Config& config;
    Replicas& replicas;
    ControllerLink& link;
    ClientQuotas& quotas;
};

// One request at hand. `body` points into the frame and dies with the call.
struct Incoming {
    ReplyTo to;
    wire::RequestHeader header;
    wire::BytesView body;
};

// Sends a response, or hangs up when it can't be encoded.
template <class Response>
void send_response(BrokerParts& parts, const Incoming& request, const Response& response) {
    auto frame = wire::encode_response(request.header.version, request.header.correlation_id, response);
    if (!frame) return parts.server.hang_up(request.to);
    parts.server.reply(request.to, *std::move(frame));
}

struct RequestTimes {  // Of one API, for the metrics page.
    std::uint64_t count = 0;
    RecentTimes handling;  // Without the time that it waited for others: Kafka's LocalTimeMs.
};

class ProduceRequests;
class FetchRequests;
class GroupRequests;

class Requests {
public:
    struct Kept {  // The rooms with requests that wait.
        ProduceRequests& produce;
        FetchRequests& fetch;
        GroupRequests& groups;
    };
    Requests(BrokerParts parts, Kept kept) : parts_(parts), kept_(kept) {}

    void on_frame(ReplyTo to, std::span<char> frame);
    [[nodiscard]] const std::map<wire::ApiKey, RequestTimes>& times() const { return times_; }

private:
    using Handle = void (Requests::*)(const Incoming&);
    struct Entry {
        wire::ApiKey api;
        Handle handle;
    };
    [[nodiscard]] static std::span<const Entry> table();

    void forward(ReplyTo to, std::span<char> frame);

    void api_versions(const Incoming& request);
    void produce(const Incoming& request);
    void fetch(const Incoming& request);
    void group(const Incoming& request);
    void decided_by_controller(const Incoming&) {}  // In the table for ApiVersions; on_frame forwards it.
    void metadata(const Incoming& request);
    void list_offsets(const Incoming& request);
    void offset_for_leader_epoch(const Incoming& request);
    void delete_records(const Incoming& request);
    void init_producer_id(const Incoming& request);
    void describe_configs(const Incoming& request);
    void describe_log_dirs(const Incoming& request);
    void describe_cluster(const Incoming& request);
    void describe_client_quotas(const Incoming& request);
    void describe_producers(const Incoming& request);
    void write_txn_markers(const Incoming& request);
    void describe_transactions(const Incoming& request);
    void list_transactions(const Incoming& request);

    void give_producer_id(const Incoming& request);

    BrokerParts parts_;
    Kept kept_;
    std::map<wire::ApiKey, RequestTimes> times_;
    std::int64_t next_producer_id_ = 0;
    std::int64_t producer_ids_end_ = 0;
};

// Metadata's answer to "who is the controller": the broker that administrators should talk to, or -1 while the
// controller process can't be reached and nothing can change.
[[nodiscard]] BrokerId controller_for_clients(const BrokerParts& parts);

}  // namespace medic::engine::broker
