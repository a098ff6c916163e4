// Accepts connections, cuts Kafka frames, and sends answers back in the order of the requests, however late each one
// becomes known. What the frames say is the handler's business. Single threaded, on a Loop.
#pragma once

#include <netinet/in.h>

#include <deque>
#include <map>
#include <span>
#include <string>

#include "agent/base/result.h"
#include "engine/broker/loop.h"

namespace medic::engine::broker {

struct Address {
    std::string host;
    std::uint16_t port = 0;
    [[nodiscard]] std::string to_string() const { return fmt::format("{}:{}", host, port); }
};
[[nodiscard]] Result<Address> parse_address(std::string_view text);  // "127.0.0.1:9092"
[[nodiscard]] Result<sockaddr_in> resolve(const Address& address);   // IPv4 only.

// Where one answer belongs. It outlives its connection: answers to the gone are dropped.
struct ReplyTo {
    std::uint64_t connection = 0;
    std::uint64_t slot = 0;
};

struct ServerOptions {
    Address listen;
    std::int64_t frame_bytes_max = 104'857'600;  // socket.request.max.bytes
    Duration idle_max{600'000};                  // connections.max.idle.ms
    std::size_t pipelined_max = 32;              // Unanswered requests per connection before reading stops.
};

class Server {
public:
    // `frame` is one request without its size; it may be changed in place and dies with the call.
    using Handler = std::function<void(ReplyTo, std::span<char> frame)>;

    Server(Loop& loop, ServerOptions options, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    [[nodiscard]] Status listen();
    void stop_listening();
    void close_all();

    void reply(ReplyTo to, std::string frame);  // A whole frame, size included.
    void reply_nothing(ReplyTo to);             // Produce with acks=0.
    void hang_up(ReplyTo to);                   // The other side talks nonsense.
    // Its next requests are left unread for so long; answers still leave (Kafka mutes a throttled client's channel).
    void mute(ReplyTo to, Duration time);

    void flush_dirty();  // At the end of a round: one write per connection for all its answers.

    [[nodiscard]] std::string host_of(ReplyTo to) const;  // The client's address; "" when it is gone.
    void set_connections_max(std::int64_t most) { connections_max_ = most; }
    [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
    [[nodiscard]] std::uint64_t accepted_count() const { return next_connection_; }
    [[nodiscard]] std::uint64_t closed_idle_count() const { return closed_idle_; }
    [[nodiscard]] std::uint16_t port() const { return options_.listen.port; }

private:
    struct Slot {
        bool ready = false;
        std::string frame;
    };
    struct Connection {
        int fd = -1;
        std::string host;
        std::string in;
        std::size_t in_used = 0;
        std::uint64_t first_slot = 0;
        std::deque<Slot> slots;  // Requests not yet answered, oldest first.
        std::deque<std::string> out;
        std::size_t out_done = 0;  // Bytes of out.front() already sent.
        std::uint32_t armed = 0;
        bool dirty = false;  // Has answers to send at the end of the round.
        Instant muted_until;
        Instant last_use;
    };

    void accept_all();
    void on_events(std::uint64_t id, std::uint32_t events);
    [[nodiscard]] bool read_some(std::uint64_t id, Connection& connection);  // False: closed.
    [[nodiscard]] bool cut_frames(std::uint64_t id);
    void settle(std::uint64_t id, std::uint64_t slot, std::string frame);
    void flush(std::uint64_t id);
    void close(std::uint64_t id);
    void arm(Connection& connection);
    void unmute(std::uint64_t id);
    [[nodiscard]] bool may_read(const Connection& connection) const;
    void close_idle();

    Loop& loop_;
    ServerOptions options_;
    Handler handler_;
    int listener_ = -1;
    std::map<std::uint64_t, Connection> connections_;
    std::vector<std::uint64_t> dirty_;
    std::uint64_t next_connection_ = 0;
    std::uint64_t closed_idle_ = 0;
    std::int64_t connections_max_ = INT32_MAX;
};

}  // namespace medic::engine::broker
