// One TCP connection to one Kafka broker: non-blocking connect, version negotiation, one request at a time, each with a
// deadline. Used only by KafkaClient, which adds brokers, metadata and locking. Not for several threads at once, except
// interrupt().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "agent/base/result.h"
#include "agent/wire/frame.h"

namespace medic {

using KafkaDeadline = std::chrono::steady_clock::time_point;

struct KafkaEndpoint {
    std::string host;
    int port = 0;
    auto operator<=>(const KafkaEndpoint&) const = default;
};

// "host:port" or "[ipv6]:port".
[[nodiscard]] Result<KafkaEndpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_string(const KafkaEndpoint& endpoint);

class KafkaConnection {
public:
    KafkaConnection() = default;
    KafkaConnection(const KafkaConnection&) = delete;
    KafkaConnection& operator=(const KafkaConnection&) = delete;
    ~KafkaConnection() { close(); }

    // Connects and asks for the broker's API versions. unavailable when that does not work by the deadline.
    [[nodiscard]] Status open(const KafkaEndpoint& endpoint, const std::string& client_id, KafkaDeadline deadline);

    // False also when the peer has closed an idle connection.
    [[nodiscard]] bool is_usable() const;
    void close();

    // Makes a blocked exchange of another thread return.
    void interrupt();

    // The newest version that both sides speak; invalid, naming both ranges, when there is none.
    [[nodiscard]] Result<std::int16_t> version(wire::ApiKey api, std::int16_t version_max = INT16_MAX) const;

    [[nodiscard]] std::int32_t next_correlation_id() { return ++correlation_id_; }

    // Sends a whole frame and reads the frame of the answer (without its size). `sent` tells whether any byte left: if
    // so, an error means that the outcome is unknown. Closes the connection on every error.
    [[nodiscard]] Result<wire::Bytes> exchange(wire::BytesView frame, KafkaDeadline deadline, bool& sent);

    // For requests that are never answered (Produce with acks=0).
    [[nodiscard]] Status send(wire::BytesView frame, KafkaDeadline deadline, bool& sent);

private:
    [[nodiscard]] Status connect_to(const KafkaEndpoint& endpoint, KafkaDeadline deadline);
    [[nodiscard]] Status negotiate(const std::string& client_id, KafkaDeadline deadline);
    [[nodiscard]] Status receive(char* into, std::size_t size, KafkaDeadline deadline);
    [[nodiscard]] Status wait_for(short events, KafkaDeadline deadline) const;

    std::mutex closing_;  // Between close() and interrupt(): a closed descriptor may already be somebody else's.
    std::atomic<int> socket_ = -1;
    std::int32_t correlation_id_ = 0;
    std::string peer_;
    std::map<std::int16_t, std::pair<std::int16_t, std::int16_t>>
        versions_;  // Per API key: the broker's lowest and highest.
};

}  // namespace medic
