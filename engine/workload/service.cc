#include "engine/workload/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

namespace medic::engine::workload {
namespace {

constexpr int poll_interval_ms = 100;  // How soon a thread sees that the service stops.

bool send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace

std::string answer_lookup(const std::string& server) {
    static constexpr const char* regions[] = {"eu", "us", "ap"};
    const std::size_t bits = std::hash<std::string>()(server);
    return fmt::format("{}|rack-{}", regions[bits % 3], bits / 3 % 12);
}

std::string answer_confirm(const std::string&) { return "ok"; }

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
    std::unique_ptr<Service> service(new Service(std::move(options)));
    service->port_ = service->options_.port;
    MEDIC_CHECK(service->listen());
    service->acceptor_ = std::thread([raw = service.get()] { raw->accept_connections(); });
    return service;
}

Status Service::listen() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    if (::inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1)
        return fail(ErrorCode::invalid, "{}: expected an IPv4 address", options_.address);
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) return fail(ErrorCode::unavailable, "socket: {}", std::strerror(errno));
    const int yes = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 128) != 0) {
        const int error = errno;
        ::close(listener);
        return fail(ErrorCode::unavailable, "{}:{}: {}", options_.address, port_, std::strerror(error));
    }
    socklen_t length = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    listener_ = listener;
    return {};
}

Service::~Service() {
    stopping_ = true;
    if (acceptor_.joinable()) acceptor_.join();
    close_all();
}

void Service::forget_connection() { forgotten_ = asked_last_.load(); }

void Service::fail_next(std::uint32_t count) { failures_left_ = count; }

void Service::go_down(std::chrono::milliseconds how_long) {
    go_down_ms_ = how_long.count();
    for (std::int64_t left = go_down_ms_; left != 0; left = go_down_ms_) go_down_ms_.wait(left);
}

void Service::reap_finished() {
    connections_.remove_if([](Connection& connection) {
        if (!connection.finished) return false;
        connection.thread.join();
        return true;
    });
}

// Once it stops or is down, each connection's thread ends by itself.
void Service::close_all() {
    if (listener_ >= 0) ::close(listener_);
    listener_ = -1;
    for (Connection& connection : connections_) connection.thread.join();
    connections_.clear();
}

void Service::accept_connections() {
    auto up_again_at = std::chrono::steady_clock::now();
    while (!stopping_) {
        if (const std::int64_t for_ms = go_down_ms_; for_ms != 0) {
            down_ = true;
            close_all();
            up_again_at = std::chrono::steady_clock::now() + std::chrono::milliseconds(for_ms);
            go_down_ms_ = 0;
            go_down_ms_.notify_all();
        }
        if (down_) {
            // Somebody else may have the port for a moment: the next turn tries again.
            down_ = std::chrono::steady_clock::now() < up_again_at || !listen();
            if (down_) std::this_thread::sleep_for(std::chrono::milliseconds(poll_interval_ms));
            continue;
        }
        accept_one();
    }
}

void Service::accept_one() {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, poll_interval_ms) <= 0) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    reap_finished();
    if (connections_.size() >= options_.connections_max) {
        ::close(fd);
        return;
    }
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    Connection& connection = connections_.emplace_back();
    connection.fd = fd;
    connection.generation = next_generation_++;
    connection.thread = std::thread([this, &connection] { serve(connection); });
}

void Service::serve(Connection& connection) {
    std::string buffer;
    char chunk[4096];
    while (!stopping_ && !down_ && buffer.size() <= options_.request_bytes_max) {
        pollfd ready{connection.fd, POLLIN, 0};
        if (::poll(&ready, 1, poll_interval_ms) <= 0) continue;
        const ssize_t got = ::recv(connection.fd, chunk, sizeof chunk, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        buffer.append(chunk, static_cast<std::size_t>(got));
        std::size_t begin = 0;
        bool open = true;
        for (auto end = buffer.find('\n'); open && end != std::string::npos; end = buffer.find('\n', begin)) {
            open = serve_line(connection, buffer.substr(begin, end - begin));
            begin = end + 1;
        }
        buffer.erase(0, begin);
        if (!open) break;
    }
    ::close(connection.fd);
    connection.finished = true;
}

bool Service::serve_line(Connection& connection, const std::string& line) {
    std::this_thread::sleep_for(options_.latency);
    // The request was taken and is never answered: what a caller without a read time-out hangs in.
    asked_last_ = connection.generation;
    if (connection.generation == forgotten_) {
        ++unanswered_;
        return true;
    }
    std::uint32_t failures = failures_left_;
    while (failures > 0 && !failures_left_.compare_exchange_weak(failures, failures - 1)) {
    }
    ++answered_;
    return send_all(connection.fd, (failures > 0 ? "error internal: try again" : options_.answer(line)) + "\n");
}

}  // namespace medic::engine::workload
