// Fetch: reads from the partitions that this broker leads, for consumers up to the high watermark (those that want
// committed records only: to the last stable offset), for followers to the end; a request waits until `min_bytes` are
// there or `max_wait` is over. Fetch sessions are not offered (session id 0).
#pragma once

#include <unordered_map>

#include "agent/wire/messages/fetch.h"
#include "engine/broker/replication_throttle.h"
#include "engine/broker/requests.h"

namespace medic::engine::broker {

class FetchRequests {
public:
    explicit FetchRequests(BrokerParts parts)
        : parts_(parts), throttle_(ReplicationThrottle::Side::leader, parts.self, parts.image, parts.config) {}

    void on_request(const Incoming& request);
    void on_ready(std::uint64_t id) { ready_.push_back(id); }  // A replica that request `id` waits for has moved.
    void flush();  // At the end of a round: looks again at everything that is ready.

    [[nodiscard]] std::size_t waiting() const { return pending_.size(); }

private:
    struct Pending {
        Incoming request;
        wire::FetchRequest fetch;
        Instant deadline;
        Loop::TimerId timer;
    };
    struct Collected {
        wire::FetchResponse response;
        std::deque<std::string> buffers;  // What the response's records point into.
        std::int64_t bytes = 0;
        bool final = false;  // Something to say at once: an error, or logs that differ.
    };

    [[nodiscard]] Collected collect(const wire::FetchRequest& fetch);
    [[nodiscard]] wire::FetchResponse::Partition read(const wire::FetchRequest& fetch, const std::string& topic,
                                                      const wire::FetchRequest::Partition& partition,
                                                      Collected& collected);
    void note_follower(const wire::FetchRequest& fetch);
    void answer(const Incoming& request, const wire::FetchRequest& fetch, const Collected& collected);
    void count(const wire::FetchRequest& fetch, const Collected& collected);
    void park(Pending pending);
    void wait(std::uint64_t id, const wire::FetchRequest& fetch);

    // A follower out of sync gets nothing for now.
    [[nodiscard]] bool holds_back(const Replica& replica, BrokerId follower) const;

    BrokerParts parts_;
    ReplicationThrottle throttle_;
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::vector<std::uint64_t> ready_;
    std::uint64_t next_ = 0;
};

}  // namespace medic::engine::broker
