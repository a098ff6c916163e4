// Produce: appends to the partitions that this broker leads and answers when the records are as safe as `acks` asks.
#pragma once

#include <unordered_map>

#include "agent/wire/messages/produce.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {

class ProduceRequests {
public:
    explicit ProduceRequests(BrokerParts parts) : parts_(parts) {}

    void on_request(const Incoming& request);
    void on_progress(std::uint64_t id);  // A replica that request `id` waits for has moved or changed its role.

    // Appends records of this process itself (group offsets, markers of transactions); `done` is called once, when they
    // are committed or refused.
    using Done = std::function<void(Fault)>;
    void append_own(Replica& replica, std::string batch, Done done);
    void flush();  // At the end of a round: answers everything that is complete.

    [[nodiscard]] std::size_t waiting() const { return pending_.size(); }

private:
    struct Part {  // One partition of one request.
        TopicPartition id;
        std::int64_t offset = 0;  // The high watermark to reach.
        std::int32_t leads_since = 0;
        Uuid topic_id{};
        Fault fault = Fault::none;
        bool settled = false;
    };
    struct Pending {
        Incoming request;  // Its body is gone.
        wire::ProduceResponse response;
        std::vector<Part> parts;  // In the response's order.
        Done done;                // Of our own records: no response.
        Loop::TimerId timer;
    };

    [[nodiscard]] wire::ProduceResponse::Partition append(const std::string& topic,
                                                          const wire::ProduceRequest::Partition& partition,
                                                          std::int16_t acks, Part& part);
    void wait(std::uint64_t id, Pending pending, std::int32_t timeout_ms);
    void settle(Part& part);
    void finish(std::uint64_t id);
    void time_out(std::uint64_t id);

    BrokerParts parts_;
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::vector<std::uint64_t> moved_;
    std::uint64_t next_ = 0;
};

}  // namespace medic::engine::broker
