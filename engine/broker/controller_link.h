// A broker's side of its conversation with the controller: registration, heartbeats, the stream of metadata records,
// and requests that only the controller can decide. It never gives up: while the controller is away the broker serves
// on with the image that it has.
#pragma once

#include "engine/broker/config_registry.h"
#include "engine/broker/peer.h"
#include "engine/broker/private_api.h"

namespace medic::engine::broker {

struct ControllerLinkOptions {
    Address controller;
    BrokerId self = no_broker;
    Address advertised;                  // Where clients and followers reach this broker.
    std::string incarnation;             // Random per process.
    std::string cluster_id;              // "" on a first start.
    Duration heartbeat_interval{2'000};  // broker.heartbeat.interval.ms
};

class ControllerLink {
public:
    struct Callbacks {
        std::function<void(const std::string& cluster_id)> registered;
        // Records to apply in order; `reset`: the image starts anew from them.
        std::function<void(bool reset, std::vector<MetadataRecord> records)> metadata;
        std::function<bool()> log_dir_offline;
        std::function<void()> may_shut_down;
        std::function<void(const std::string& reason)> refused;  // This broker can never join: stop the process.
    };

    ControllerLink(Loop& loop, ControllerLinkOptions options, Callbacks callbacks);

    void start();
    void heartbeat_now();  // Something that the controller must know has changed.
    void want_shutdown();  // Controlled shutdown: answered by may_shut_down.

    void alter_partitions(std::vector<AlterPartition> wishes,
                          std::function<void(const AlterPartition&, Fault)> on_answer);
    void allocate_producer_ids(std::function<void(Result<AllocateProducerIdsReply>)> on_answer);
    // Passes a client's frame (without size) on; the answer is the body after the correlation id.
    void forward(std::string frame, Peer::OnReply on_reply) { requests_.send(std::move(frame), std::move(on_reply)); }

    [[nodiscard]] bool connected() const;  // The controller has answered within the session.
    [[nodiscard]] bool fenced() const { return fenced_; }
    [[nodiscard]] std::int64_t metadata_offset() const { return offset_; }
    [[nodiscard]] Instant last_metadata() const { return last_metadata_; }
    [[nodiscard]] std::int64_t epoch() const { return epoch_; }

private:
    void register_self();
    void heartbeat();
    void fetch_metadata();
    void on_metadata(const FetchMetadataReply& reply);

    Loop& loop_;
    ControllerLinkOptions options_;
    Callbacks callbacks_;
    Peer requests_;
    Peer stream_;  // Metadata long polls would hold up everything else on one connection.
    std::int64_t epoch_ = -1;
    std::int64_t offset_ = 0;
    std::string log_incarnation_;
    Duration session_timeout_{9'000};
    Instant last_answer_;
    Instant last_metadata_;
    bool fenced_ = true;
    bool want_shutdown_ = false;
    bool registering_ = false;
    bool streaming_ = false;
    bool heartbeat_under_way_ = false;
    bool heartbeat_again_ = false;
};

}  // namespace medic::engine::broker
