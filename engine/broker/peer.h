// A client connection to another process of the cluster: requests go out in order, answers come back in the same order.
// It connects on first use and again after a failure, not sooner than `backoff`. Single threaded, on a Loop.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "agent/base/result.h"
#include "engine/broker/server.h"

namespace medic::engine::broker {

struct PeerOptions {
    Address address;
    Duration timeout{10'000};  // Of one request, connecting included.
    Duration backoff{100};     // Between two attempts to connect.
    std::int64_t frame_bytes_max = 104'857'600;
};

class Peer {
public:
    // The answer without size and correlation id, or why there is none. Called exactly once, never from inside send().
    using OnReply = std::function<void(Result<std::string_view>)>;

    Peer(Loop& loop, PeerOptions options);
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer();  // Pending requests get no answer any more.

    // `request` is a frame without its size, header included; its correlation id is overwritten.
    void send(std::string request, OnReply on_reply);
    [[nodiscard]] const Address& address() const { return options_.address; }
    [[nodiscard]] std::size_t pending() const { return pending_.size(); }

private:
    struct Pending {
        std::int32_t correlation = 0;
        Instant deadline;
        OnReply on_reply;
    };

    void connect();
    void on_events(std::uint32_t events);
    [[nodiscard]] bool read_some();
    [[nodiscard]] bool write_some();
    void fail_all(const std::string& reason);
    void watch_deadline();

    Loop& loop_;
    PeerOptions options_;
    int fd_ = -1;
    bool connected_ = false;
    std::string out_;
    std::string in_;
    std::size_t in_used_ = 0;
    std::deque<Pending> pending_;
    std::int32_t next_correlation_ = 0;
    Instant not_before_;
    bool deadline_watched_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace medic::engine::broker
