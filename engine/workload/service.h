// A small local service that jobs and connectors depend on: one request line, one answer line, over kept TCP
// connections. It stands for the databases and APIs of real platforms, so that waiting (not CPU) bounds a caller, and
// so that a dependency can really fail: answer an error, or accept a request and never answer. Not for use outside the
// lab.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "agent/base/result.h"

namespace medic::engine::workload {

// server → "region|rack", for the lookup service.
[[nodiscard]] std::string answer_lookup(const std::string& server);
// Anything → "ok", for services that only confirm.
[[nodiscard]] std::string answer_confirm(const std::string& request);

struct ServiceOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;                  // 0: any free one; see port().
    std::chrono::microseconds latency{500};  // Time that every answer takes.
    std::function<std::string(const std::string&)> answer = answer_confirm;
    std::size_t connections_max = 256;
    std::size_t request_bytes_max = 64 * 1024;
};

class Service {
public:
    [[nodiscard]] static Result<std::unique_ptr<Service>> start(ServiceOptions options);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint64_t answered() const { return answered_; }
    [[nodiscard]] std::uint64_t unanswered() const { return unanswered_; }  // Taken on a forgotten connection.

    // One connection that is open now (the one that asked last) gets no further answer, for as long as it lives; others
    // work.
    void forget_connection();
    // The next `count` requests are answered with "error <text>".
    void fail_next(std::uint32_t count);
    // As if its process were gone for so long: whoever is connected loses the connection, nobody gets a new one.
    // Returns when that has begun.
    void go_down(std::chrono::milliseconds how_long);

private:
    struct Connection {
        int fd = -1;
        std::uint64_t generation = 0;
        std::atomic<bool> finished = false;
        std::thread thread;
    };

    explicit Service(ServiceOptions options) : options_(std::move(options)) {}
    [[nodiscard]] Status listen();
    void accept_connections();
    void accept_one();
    void close_all();
    void serve(Connection& connection);
    [[nodiscard]] bool serve_line(Connection& connection, const std::string& line);
    void reap_finished();

    const ServiceOptions options_;
    int listener_ = -1;  // -1: down. From the start on the accepting thread's.
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_ = false, down_ = false;
    std::atomic<std::int64_t> go_down_ms_ = 0;  // Ordered, not begun; 0: nothing.
    std::atomic<std::uint64_t> answered_ = 0, unanswered_ = 0;
    std::atomic<std::uint64_t> next_generation_ = 1;
    std::atomic<std::uint64_t> asked_last_ = 0, forgotten_ = 0;  // Connections by generation; 0: none.
    std::atomic<std::uint32_t> failures_left_ = 0;
    std::list<Connection> connections_;  // Owned by the accepting thread.
    std::thread acceptor_;
};

}  // namespace medic::engine::workload
