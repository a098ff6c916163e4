// Test support: a web server, with TLS or without, that remembers what it was asked.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <thread>

#include "agent/world/real/tls_fake_internal.h"

namespace medic {

// Answers each request (its whole head, and its body where it has a length) with a text of the test's own and closes
// the connection.
class FakeWeb {
public:
    using Answer = std::function<std::string(const std::string& head)>;
    explicit FakeWeb(Answer answer, std::shared_ptr<SSL_CTX> tls = nullptr)
        : answer_(std::move(answer)), tls_(std::move(tls)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeWeb() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port_);
    }
    [[nodiscard]] std::vector<std::string> heads() {
        const std::lock_guard lock(mutex_);
        return heads_;
    }

private:
    void serve() {
        for (;;) {
            const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) return;
            {
                FakeChannel channel(socket, tls_.get());
                if (channel.open()) talk(channel);
            }
            // Closing on unread bytes would reset the connection, and what was said last would be lost with it.
            ::shutdown(socket, SHUT_WR);
            char unread[1024];
            while (::recv(socket, unread, sizeof unread, 0) > 0) continue;
            ::close(socket);
        }
    }
    static std::size_t length_of(const std::string& head) {
        constexpr std::string_view name = "Content-Length: ";
        const auto at = head.find(name);
        return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
    }
    void talk(FakeChannel& channel) {
        std::string head;
        char byte = 0;
        while (!head.ends_with("\r\n\r\n")) {
            if (!channel.read(&byte, 1)) return;
            head += byte;
        }
        std::string body(length_of(head), '\0');
        if (!body.empty() && !channel.read(body.data(), body.size())) return;
        {
            const std::lock_guard lock(mutex_);
            heads_.push_back(head);
        }
        (void)channel.write(answer_(head));
    }

    Answer answer_;
    std::shared_ptr<SSL_CTX> tls_;
    int listener_ = -1, port_ = 0;
    std::mutex mutex_;
    std::vector<std::string> heads_;
    std::thread thread_;
};

inline std::string web_answer(const std::string& body = "{}") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace medic
