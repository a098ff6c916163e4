#include "engine/broker/server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "agent/wire/bytes.h"

namespace medic::engine::broker {
namespace {

constexpr std::size_t read_bytes = 64u << 10;
constexpr std::size_t idle_buffer_bytes_max = 16u << 10;  // Larger input buffers are given back when empty.
constexpr std::size_t writes_at_once = 16;

}  // namespace

Result<Address> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    unsigned port = 0;
    if (colon != std::string_view::npos && colon > 0) {
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
        if (error == std::errc{} && stop == end && port <= 65'535) {
            return Address{std::string(text.substr(0, colon)), static_cast<std::uint16_t>(port)};
        }
    }
    return fail(ErrorCode::invalid, "'{}': expected host:port", text);
}

Result<sockaddr_in> resolve(const Address& address) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(address.port);
    const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
    if (::inet_pton(AF_INET, host.c_str(), &out.sin_addr) != 1) {
        return fail(ErrorCode::invalid, "'{}': expected an IPv4 address", address.host);
    }
    return out;
}

Server::Server(Loop& loop, ServerOptions options, Handler handler)
    : loop_(loop), options_(std::move(options)), handler_(std::move(handler)) {}

Server::~Server() {
    stop_listening();
    close_all();
}

Status Server::listen() {
    MEDIC_TRY(sockaddr_in address, resolve(options_.listen));
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, SOMAXCONN) != 0) {
        return fail(ErrorCode::unavailable, "listen on {}: {}", options_.listen.to_string(), std::strerror(errno));
    }
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    options_.listen.port = ntohs(address.sin_port);
    loop_.watch(listener_, EPOLLIN, [this](std::uint32_t) { accept_all(); });
    loop_.every(Duration(std::max<std::int64_t>(options_.idle_max.count() / 4, 100)), [this] { close_idle(); });
    return {};
}

void Server::stop_listening() {
    if (listener_ < 0) return;
    loop_.forget(listener_);
    ::close(std::exchange(listener_, -1));
}

void Server::close_all() {
    while (!connections_.empty()) close(connections_.begin()->first);
}

void Server::accept_all() {
    while (true) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        if (static_cast<std::int64_t>(connections_.size()) >= connections_max_) {
            ::close(fd);
            continue;
        }
        const int yes = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        const std::uint64_t id = ++next_connection_;
        Connection& connection = connections_[id];
        connection.fd = fd;
        std::array<char, INET_ADDRSTRLEN> text{};
        if (::inet_ntop(AF_INET, &from.sin_addr, text.data(), text.size())) connection.host = text.data();
        connection.last_use = loop_.now();
        connection.armed = EPOLLIN;
        loop_.watch(fd, EPOLLIN, [this, id](std::uint32_t events) { on_events(id, events); });
    }
}

void Server::on_events(std::uint64_t id, std::uint32_t events) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    if ((events & EPOLLOUT) != 0) {
        flush(id);
        if (!connections_.contains(id)) return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(id, found->second)) close(id);
}

bool Server::read_some(std::uint64_t id, Connection& connection) {
    std::size_t room = read_bytes;
    if (connection.in_used >= 4) {  // The rest of a large frame at once.
        const std::size_t frame = static_cast<std::size_t>(wire::load_int32(connection.in.data())) + 4;
        if (frame > connection.in_used) room = std::max(room, frame - connection.in_used);
    }
    if (connection.in.size() < connection.in_used + room) {
        connection.in.resize_and_overwrite(connection.in_used + room, [](char*, std::size_t size) { return size; });
    }
    const ssize_t got =
        ::recv(connection.fd, connection.in.data() + connection.in_used, connection.in.size() - connection.in_used, 0);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    connection.in_used += static_cast<std::size_t>(got);
    connection.last_use = loop_.now();
    return cut_frames(id);
}

void Server::mute(ReplyTo to, Duration time) {
    const auto found = connections_.find(to.connection);
    if (found == connections_.end() || time <= Duration(0)) return;
    Connection& connection = found->second;
    connection.muted_until = std::max(connection.muted_until, loop_.now() + time);
    arm(connection);
    loop_.at(connection.muted_until, [this, id = to.connection] { unmute(id); });
}

void Server::unmute(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !may_read(found->second)) return;
    found->second.last_use = loop_.now();  // It had no say meanwhile: it was not idle.
    if (!cut_frames(id)) close(id);
}

// The handler may close this very connection, so it is looked up again after each call.
bool Server::cut_frames(std::uint64_t id) {
    std::size_t done = 0;
    while (true) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) return true;
        Connection& connection = found->second;
        const std::size_t left = connection.in_used - done;
        std::size_t size = 0;
        if (left >= 4) {
            const std::int32_t announced = wire::load_int32(connection.in.data() + done);
            if (announced < 8 || announced > options_.frame_bytes_max) return false;
            size = static_cast<std::size_t>(announced);
        }
        if (left < 4 || left < size + 4 || !may_read(connection)) {
            if (done > 0) std::memmove(connection.in.data(), connection.in.data() + done, left);
            connection.in_used = left;
            if (left == 0 && connection.in.size() > idle_buffer_bytes_max) std::string().swap(connection.in);
            arm(connection);
            return true;
        }
        connection.slots.emplace_back();
        const ReplyTo to{id, connection.first_slot + connection.slots.size() - 1};
        handler_(to, std::span(connection.in.data() + done + 4, size));
        done += size + 4;
    }
}

bool Server::may_read(const Connection& connection) const {
    return connection.slots.size() < options_.pipelined_max && loop_.now() >= connection.muted_until;
}

void Server::arm(Connection& connection) {
    std::uint32_t wanted = connection.out.empty() ? 0u : static_cast<std::uint32_t>(EPOLLOUT);
    if (may_read(connection)) wanted |= EPOLLIN;
    if (wanted == connection.armed) return;
    connection.armed = wanted;
    loop_.rearm(connection.fd, wanted);
}

void Server::reply(ReplyTo to, std::string frame) { settle(to.connection, to.slot, std::move(frame)); }
void Server::reply_nothing(ReplyTo to) { settle(to.connection, to.slot, {}); }

void Server::hang_up(ReplyTo to) {
    // Not at once: its input buffer may be in use further up the call stack.
    loop_.after(Duration(0), [this, id = to.connection] { close(id); });
}

void Server::settle(std::uint64_t id, std::uint64_t slot, std::string frame) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    if (slot < connection.first_slot || slot - connection.first_slot >= connection.slots.size()) return;
    Slot& mine = connection.slots[slot - connection.first_slot];
    mine.ready = true;
    mine.frame = std::move(frame);
    while (!connection.slots.empty() && connection.slots.front().ready) {
        if (!connection.slots.front().frame.empty())
            connection.out.push_back(std::move(connection.slots.front().frame));
        connection.slots.pop_front();
        ++connection.first_slot;
    }
    if (!connection.dirty) {
        connection.dirty = true;
        dirty_.push_back(id);
    }
}

void Server::flush_dirty() {
    std::vector<std::uint64_t> ids;
    ids.swap(dirty_);
    for (const std::uint64_t id : ids) {
        flush(id);
        const auto found = connections_.find(id);
        if (found == connections_.end()) continue;
        found->second.dirty = false;
        // Frames that had to wait for a free slot.
        if (found->second.in_used >= 4 && !cut_frames(id)) close(id);
    }
    ids.clear();
    if (dirty_.empty()) dirty_.swap(ids);  // Keeps the capacity.
}

void Server::flush(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    while (!connection.out.empty()) {
        std::array<iovec, writes_at_once> parts{};
        std::size_t count = 0;
        for (auto& frame : connection.out) {
            const std::size_t skip = count == 0 ? connection.out_done : 0;
            parts[count++] = {frame.data() + skip, frame.size() - skip};
            if (count == parts.size()) break;
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t sent = ::sendmsg(connection.fd, &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) break;
            close(id);
            return;
        }
        std::size_t left = static_cast<std::size_t>(sent) + connection.out_done;
        while (!connection.out.empty() && left >= connection.out.front().size()) {
            left -= connection.out.front().size();
            connection.out.pop_front();
        }
        connection.out_done = left;
    }
    connection.last_use = loop_.now();
    arm(connection);
}

void Server::close(std::uint64_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    loop_.forget(found->second.fd);
    ::close(found->second.fd);
    connections_.erase(found);
}

std::string Server::host_of(ReplyTo to) const {
    const auto found = connections_.find(to.connection);
    return found == connections_.end() ? std::string() : found->second.host;
}

void Server::close_idle() {
    std::vector<std::uint64_t> idle;
    for (const auto& [id, connection] : connections_) {
        if (connection.slots.empty() && loop_.now() - connection.last_use > options_.idle_max) idle.push_back(id);
    }
    closed_idle_ += idle.size();
    for (const std::uint64_t id : idle) close(id);
}

}  // namespace medic::engine::broker
