// The control connection between task manager and job manager: JSON messages, four bytes of length in front.
// Sending never waits: a bounded queue and a writer of its own stand between, so that a frozen peer freezes nobody
// else.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "agent/base/result.h"

namespace medic::engine::flow {

class RpcConnection {
public:
    using OnMessage = std::function<void(const nlohmann::json& message)>;  // On the reader's thread.
    using OnClosed = std::function<void()>;                                // Once, on the reader's thread, at the end.

    explicit RpcConnection(int socket) : socket_(socket) {}
    RpcConnection(const RpcConnection&) = delete;
    RpcConnection& operator=(const RpcConnection&) = delete;
    ~RpcConnection();  // Stops; not on one of its own threads: who shares it with them calls stop() first.

    void start(OnMessage on_message, OnClosed on_closed);
    void send(const nlohmann::json& message);      // Closes the connection when the queue is full.
    void close();                                  // The other side sees the end; on_closed follows.
    void stop();                                   // Closes and waits for its threads: on_closed has returned.
    void close_after(const nlohmann::json& last);  // Closes once all that was sent is out, this last.
    // Waits until all that was sent is out, but not longer.
    void flush(std::chrono::milliseconds at_most);

private:
    void read_loop(const OnMessage& on_message, const OnClosed& on_closed);
    void write_loop();

    const int socket_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> outgoing_;
    std::size_t outgoing_bytes_ = 0;
    bool closed_ = false;
    bool closing_ = false;  // Nothing more is sent; the writer closes when it is through.
    bool writing_ = false;
    std::thread reader_, writer_;
};

}  // namespace medic::engine::flow
