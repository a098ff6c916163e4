#include "engine/flow/runtime/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace medic::engine::flow {
namespace {

sockaddr_in address(const std::string& host, int port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &to.sin_addr) != 1)
        to.sin_family = AF_UNSPEC;
    return to;
}

}  // namespace

Result<int> listen_on(int port, int& bound) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return fail(ErrorCode::unavailable, "socket: {}", strerror(errno));
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at = address("127.0.0.1", port);
    socklen_t size = sizeof at;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(socket, 128) != 0 ||
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
        const std::string why = strerror(errno);
        ::close(socket);
        return fail(ErrorCode::unavailable, "listen on 127.0.0.1:{}: {}", port, why);
    }
    bound = ntohs(at.sin_port);
    return socket;
}

Result<int> connect_to(const std::string& host, int port) {
    const sockaddr_in to = address(host, port);
    if (to.sin_family == AF_UNSPEC) return fail(ErrorCode::invalid, "'{}' is not an IPv4 address", host);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return fail(ErrorCode::unavailable, "socket: {}", strerror(errno));
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        const std::string why = strerror(errno);
        ::close(socket);
        return fail(ErrorCode::unavailable, "connect to {}:{}: {}", host, port, why);
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

void pause_accepting(int error) {
    constexpr std::chrono::milliseconds pause{100};
    if (error != EINTR && error != ECONNABORTED) std::this_thread::sleep_for(pause);
}

bool read_all(int socket, void* to, std::size_t size) {
    char* at = static_cast<char*>(to);
    while (size > 0) {
        const ssize_t got = ::recv(socket, at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

bool write_all(int socket, const void* from, std::size_t size, const std::atomic<bool>* cancelled) {
    constexpr int slice_ms = 50;  // How often `cancelled` is looked at while the other side does not read.
    const char* at = static_cast<const char*>(from);
    while (size > 0) {
        const ssize_t sent = ::send(socket, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            size -= static_cast<std::size_t>(sent);
            continue;
        }
        if (sent < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (cancelled && cancelled->load(std::memory_order_relaxed)) return false;
        pollfd waiting{socket, POLLOUT, 0};
        (void)::poll(&waiting, 1, slice_ms);
    }
    return true;
}

}  // namespace medic::engine::flow
