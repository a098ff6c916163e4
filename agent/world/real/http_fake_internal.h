// Test support: web servers, with TLS or without, that remember what they were asked.
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

struct LoopbackListener {
    int socket = -1, port = 0;
};

// Connections are taken in by the kernel, and nobody answers there before accept().
inline LoopbackListener listen_on_loopback() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener, 16), 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    return {listener, ntohs(address.sin_port)};
}

// Takes in one request whole: its head, and its body where it has a length. Returns the head; "": none came.
inline std::string take_request(FakeChannel& channel) {
    std::string head;
    char byte = 0;
    while (!head.ends_with("\r\n\r\n")) {
        if (!channel.read(&byte, 1)) return "";
        head += byte;
    }
    constexpr std::string_view name = "Content-Length: ";
    const auto at = head.find(name);
    std::string body(at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size())), '\0');
    return body.empty() || channel.read(body.data(), body.size()) ? head : "";
}

// Answers each request (its whole head, and its body where it has a length) with a text of the test's own and closes
// the connection.
class FakeWeb {
public:
    using Answer = std::function<std::string(const std::string& head)>;
    explicit FakeWeb(Answer answer, std::shared_ptr<SSL_CTX> tls = nullptr)
        : answer_(std::move(answer)), tls_(std::move(tls)), listener_(listen_on_loopback()) {
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeWeb() {
        ::shutdown(listener_.socket, SHUT_RDWR);
        thread_.join();
        ::close(listener_.socket);
    }
    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(listener_.port);
    }
    [[nodiscard]] std::vector<std::string> heads() {
        const std::lock_guard lock(mutex_);
        return heads_;
    }

private:
    void serve() {
        for (;;) {
            const int socket = ::accept4(listener_.socket, nullptr, nullptr, SOCK_CLOEXEC);
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
    void talk(FakeChannel& channel) {
        const std::string head = take_request(channel);
        if (head.empty()) return;
        {
            const std::lock_guard lock(mutex_);
            heads_.push_back(head);
        }
        (void)channel.write(answer_(head));
    }

    Answer answer_;
    std::shared_ptr<SSL_CTX> tls_;
    LoopbackListener listener_;
    std::mutex mutex_;
    std::vector<std::string> heads_;
    std::thread thread_;
};

inline std::string web_answer(const std::string& body = "{}") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
}

// Answers each GET and keeps the connection. Any other request it takes in whole, and hangs up without a word, as a
// server does that dies over it.
class HangingUpWeb {
public:
    HangingUpWeb() : listener_(listen_on_loopback()) {
        accepting_ = std::thread([this] { accept_all(); });
    }
    ~HangingUpWeb() {
        ::shutdown(listener_.socket, SHUT_RDWR);
        accepting_.join();
        for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
        for (std::thread& one : talking_) one.join();
        for (const int socket : sockets_) ::close(socket);
        ::close(listener_.socket);
    }
    HangingUpWeb(const HangingUpWeb&) = delete;
    HangingUpWeb& operator=(const HangingUpWeb&) = delete;
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port); }
    [[nodiscard]] std::vector<std::string> seen() {  // "METHOD target"
        const std::lock_guard lock(mutex_);
        return seen_;
    }

private:
    void accept_all() {
        for (;;) {
            const int socket = ::accept4(listener_.socket, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) return;
            sockets_.push_back(socket);
            talking_.emplace_back([this, socket] { talk(socket); });
        }
    }
    void talk(int socket) {
        FakeChannel channel(socket, nullptr);
        for (bool goes_on = true; goes_on;) {
            const std::string head = take_request(channel);
            if (head.empty()) break;
            {
                const std::lock_guard lock(mutex_);
                seen_.push_back(head.substr(0, head.find(" HTTP/")));
            }
            goes_on = head.starts_with("GET ") && channel.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
        ::shutdown(socket, SHUT_RDWR);
    }

    LoopbackListener listener_;
    std::mutex mutex_;
    std::vector<std::string> seen_;
    std::vector<int> sockets_;  // This and the next: of accepting_ until that has ended.
    std::vector<std::thread> talking_;
    std::thread accepting_;
};

}  // namespace medic
