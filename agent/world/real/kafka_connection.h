// One connection to one Kafka broker: non-blocking connect, TLS, version negotiation, SASL login, one request at a
// time, each with a deadline. Used only by KafkaClient, which adds brokers, metadata and locking. Not for several
// threads at once, except interrupt().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/base/access.h"
#include "agent/base/result.h"
#include "agent/wire/frame.h"
#include "agent/world/real/tls_session.h"

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

struct KafkaConnectionOptions {
    std::string client_id;
    KafkaSecurity security;
};

class KafkaConnection {
public:
    KafkaConnection() = default;
    KafkaConnection(const KafkaConnection&) = delete;
    KafkaConnection& operator=(const KafkaConnection&) = delete;
    ~KafkaConnection() { close(); }

    // Connects, asks for the broker's API versions and logs in; `options` outlives the connection. unavailable when
    // that does not work by the deadline; invalid when it can't work like this: a certificate, a password, the wrong
    // port.
    [[nodiscard]] Status open(const KafkaEndpoint& endpoint, const KafkaConnectionOptions& options,
                              KafkaDeadline deadline);

    // Logs in anew before the session that the broker has granted ends (KIP-368); nothing to do most of the time.
    [[nodiscard]] Status keep_logged_in(KafkaDeadline deadline);

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
    // What has been proved of the other side so far: decides what a broken connection probably means.
    enum class Stage : std::uint8_t { connecting, logging_in, unproven, proven };

    [[nodiscard]] Status connect_to(const KafkaEndpoint& endpoint, KafkaDeadline deadline);
    [[nodiscard]] Status begin_tls(const std::string& host, KafkaDeadline deadline);
    [[nodiscard]] Status negotiate(KafkaDeadline deadline);
    [[nodiscard]] Status log_in(KafkaDeadline deadline);
    template <class Request>
    [[nodiscard]] Result<typename Request::Response> ask(const Request& request, std::int16_t version,
                                                         KafkaDeadline deadline);
    [[nodiscard]] Status send_plain(wire::BytesView bytes, KafkaDeadline deadline, bool& sent);
    // At least one byte, at most `size`.
    [[nodiscard]] Result<std::size_t> receive_some(char* into, std::size_t size, KafkaDeadline deadline);
    [[nodiscard]] Result<std::size_t> receive_plain(char* into, std::size_t size, KafkaDeadline deadline);
    [[nodiscard]] Status receive(char* into, std::size_t size, KafkaDeadline deadline);
    [[nodiscard]] Status wait_for(short events, KafkaDeadline deadline) const;
    // What is left to read after a write has failed says more than the failure: a TLS alert.
    [[nodiscard]] Status parting_words(Status otherwise);
    [[nodiscard]] std::string closed_hint() const;

    std::mutex closing_;  // Between close() and interrupt(): a closed descriptor may already be somebody else's.
    std::atomic<int> socket_ = -1;
    std::int32_t correlation_id_ = 0;
    std::string peer_;
    const KafkaConnectionOptions* options_ = nullptr;
    Stage stage_ = Stage::connecting;
    std::unique_ptr<TlsSession> tls_;
    std::optional<KafkaDeadline> log_in_again_at_;
    std::map<std::int16_t, std::pair<std::int16_t, std::int16_t>>
        versions_;  // Per API key: the broker's lowest and highest.
};

}  // namespace medic
