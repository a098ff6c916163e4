// A caller of the lab's line services (engine/workload/service.h) from inside a job: one kept connection per subtask.
// It has the habits of real client libraries: `patient` waits for an answer without a limit and without looking whether
// its task was cancelled, as a driver without a read time-out does; `cancellable` looks ten times a second. Job code
// only.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "engine/flow/api/flow.h"

namespace fleet {

struct ServiceError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

enum class Waiting { cancellable, patient };

class LineClient {
public:
    LineClient(std::string address, int port, Waiting waiting)
        : address_(std::move(address)), port_(port), waiting_(waiting) {}
    LineClient(const LineClient& other)
        : LineClient(other.address_, other.port_, other.waiting_) {}  // Its own connection.
    LineClient& operator=(const LineClient&) = delete;
    ~LineClient() { disconnect(); }

    std::string ask(const std::string& line, medic::engine::flow::Context& context) {
        if (socket_ < 0) connect_now();
        const std::string request = line + "\n";
        if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
            disconnect();
            throw ServiceError("request to " + address_ + ":" + std::to_string(port_) +
                               " failed: " + std::strerror(errno));
        }
        return receive_line(context);
    }

private:
    void connect_now() {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port_));
        if (::inet_pton(AF_INET, address_.c_str(), &to.sin_addr) != 1)
            throw ServiceError("not an IPv4 address: " + address_);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            disconnect();
            throw ServiceError("connect to " + address_ + ":" + std::to_string(port_) + ": " + std::strerror(errno));
        }
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    std::string receive_line(medic::engine::flow::Context& context) {
        std::string answer;
        for (char buffer[512];;) {
            wait_for_bytes(context);
            const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                disconnect();
                throw ServiceError("connection closed by " + address_ + ":" + std::to_string(port_));
            }
            answer.append(buffer, static_cast<std::size_t>(got));
            if (answer.ends_with('\n')) break;
        }
        answer.pop_back();
        return answer;
    }

    void wait_for_bytes(medic::engine::flow::Context& context) const {
        if (waiting_ == Waiting::patient) return;  // recv() blocks for as long as the service likes.
        pollfd ready{socket_, POLLIN, 0};
        while (::poll(&ready, 1, 100) == 0) {
            if (context.cancelled())
                throw ServiceError("cancelled while waiting for " + address_ + ":" + std::to_string(port_));
        }
    }

    void disconnect() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }

    std::string address_;
    int port_;
    Waiting waiting_;
    int socket_ = -1;
};

}  // namespace fleet
