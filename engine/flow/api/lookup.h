// A blocking client for a local service: one HTTP/1.1 connection per subtask, kept open. While it waits, its task
// waits: the number of lookups at a time is the operator's parallelism. Not for user data that leaves the machine: no
// TLS, no retries.
//
//   .map("lookup", [client = LookupClient("127.0.0.1", 9000)](const Event& e, Context& c) mutable {
//       return enrich(e, client.get("/servers/" + e.server, c)); })
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>

#include "engine/flow/api/flow.h"

namespace medic::engine::flow {

struct LookupError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class LookupClient {
public:
    LookupClient(std::string address, int port, int timeout_ms = 10'000)
        : address_(std::move(address)), port_(port), timeout_ms_(timeout_ms) {}
    LookupClient(const LookupClient& other)
        : LookupClient(other.address_, other.port_, other.timeout_ms_) {}  // Its own connection.
    LookupClient& operator=(const LookupClient&) = delete;
    ~LookupClient() { disconnect(); }

    // The body of a 200 answer; anything else, a silent or closed service, throws LookupError. Throws Cancelled when
    // the task is.
    std::string get(const std::string& path, Context& context) {
        const bool reused = socket_ >= 0;
        try {
            return request(path, context);
        } catch (const LookupError&) {
            disconnect();
            if (!reused) throw;
        }
        return request(path, context);  // A kept connection may have been closed meanwhile: once more on a new one.
    }

private:
    static constexpr std::size_t body_bytes_max = 1 << 20;

    std::string request(const std::string& path, Context& context) {
        if (socket_ < 0) connect_now();
        send_all("GET " + path + " HTTP/1.1\r\nHost: " + address_ + "\r\n\r\n");
        std::string answer;
        std::size_t head_end = std::string::npos;
        while ((head_end = answer.find("\r\n\r\n")) == std::string::npos) receive(answer, context);
        const std::size_t length = content_length(answer.substr(0, head_end));
        while (answer.size() < head_end + 4 + length) receive(answer, context);
        const std::string status = answer.substr(9, 3);
        std::string body = answer.substr(head_end + 4, length);
        if (status != "200") throw LookupError("lookup " + path + ": HTTP " + status + ": " + body.substr(0, 200));
        return body;
    }

    static std::size_t content_length(std::string head) {
        for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        const std::size_t at = head.find("\r\ncontent-length:");
        if (at == std::string::npos) throw LookupError("lookup: answer without Content-Length");
        const std::size_t length = std::stoul(head.substr(at + 17));
        if (length > body_bytes_max) throw LookupError("lookup: answer larger than 1 MiB");
        return length;
    }

    void connect_now() {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (socket_ < 0) throw LookupError("lookup: no socket: " + std::string(strerror(errno)));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port_));
        if (inet_pton(AF_INET, address_.c_str(), &to.sin_addr) != 1)
            throw LookupError("lookup: not an IPv4 address: " + address_);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            const std::string why = strerror(errno);
            disconnect();
            throw LookupError("lookup: connect to " + address_ + ":" + std::to_string(port_) + ": " + why);
        }
        const int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    void send_all(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR) throw LookupError("lookup: send: " + std::string(strerror(errno)));
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    void receive(std::string& answer, Context& context) {
        constexpr int slice_ms = 100;  // How often it looks whether the task was cancelled.
        pollfd waiting{socket_, POLLIN, 0};
        for (int waited_ms = 0; poll(&waiting, 1, slice_ms) <= 0; waited_ms += slice_ms) {
            if (context.cancelled()) throw Cancelled();
            if (waited_ms >= timeout_ms_)
                throw LookupError("lookup: no answer within " + std::to_string(timeout_ms_) + " ms");
        }
        char buffer[16384];
        const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
        if (got <= 0) throw LookupError("lookup: connection closed by the service");
        answer.append(buffer, static_cast<std::size_t>(got));
    }

    void disconnect() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }

    std::string address_;
    int port_;
    int timeout_ms_;
    int socket_ = -1;
};

}  // namespace medic::engine::flow
