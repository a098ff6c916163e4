#include "engine/broker/peer.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/wire/bytes.h"

namespace medic::engine::broker {
namespace {

constexpr std::size_t read_bytes = 64u << 10;
constexpr std::size_t correlation_at = 4;  // After API key and version.

}  // namespace

Peer::Peer(Loop& loop, PeerOptions options) : loop_(loop), options_(std::move(options)) {}

Peer::~Peer() {
    *alive_ = false;
    if (fd_ < 0) return;
    loop_.forget(fd_);
    ::close(fd_);
}

void Peer::send(std::string request, OnReply on_reply) {
    const std::int32_t correlation = next_correlation_++;
    wire::store_int32(request.data() + correlation_at, correlation);
    char size[4];
    wire::store_int32(size, static_cast<std::int32_t>(request.size()));
    out_.append(size, 4);
    out_ += request;
    pending_.push_back({correlation, loop_.now() + options_.timeout, std::move(on_reply)});
    watch_deadline();
    // Later in this round: the caller's callback must not run inside send().
    loop_.after(Duration(0), [this, alive = alive_] {
        if (!*alive || pending_.empty()) return;
        if (fd_ < 0) {
            connect();
        } else if (connected_ && !write_some()) {
            fail_all("connection lost");
        }
    });
}

void Peer::connect() {
    if (loop_.now() < not_before_) {
        loop_.at(not_before_, [this, alive = alive_] {
            if (*alive && fd_ < 0 && !pending_.empty()) connect();
        });
        return;
    }
    not_before_ = loop_.now() + options_.backoff;
    const auto address = resolve(options_.address);
    if (!address) return fail_all(address.error().message);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 && errno != EINPROGRESS) {
        const std::string reason = std::strerror(errno);
        ::close(std::exchange(fd_, -1));
        return fail_all(reason);
    }
    loop_.watch(fd_, EPOLLIN | EPOLLOUT, [this](std::uint32_t events) { on_events(events); });
}

void Peer::on_events(std::uint32_t events) {
    if (!connected_) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0 || (events & (EPOLLHUP | EPOLLERR)) != 0) return fail_all(std::strerror(error));
        if ((events & EPOLLOUT) == 0) return;
        connected_ = true;
    }
    if (!write_some()) return fail_all("connection lost");
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    const auto alive = alive_;
    const bool good = read_some();
    if (*alive && !good) fail_all("connection closed by the other side");
}

bool Peer::write_some() {
    std::size_t done = 0;
    while (done < out_.size()) {
        const ssize_t sent = ::send(fd_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return false;
            break;
        }
        done += static_cast<std::size_t>(sent);
    }
    out_.erase(0, done);
    loop_.rearm(fd_, out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
    return true;
}

bool Peer::read_some() {
    std::size_t room = read_bytes;
    if (in_used_ >= 4) {
        const std::size_t frame = static_cast<std::size_t>(wire::load_int32(in_.data())) + 4;
        if (frame > in_used_) room = std::max(room, frame - in_used_);
    }
    if (in_.size() < in_used_ + room) {
        in_.resize_and_overwrite(in_used_ + room, [](char*, std::size_t size) { return size; });
    }
    const ssize_t got = ::recv(fd_, in_.data() + in_used_, in_.size() - in_used_, 0);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    in_used_ += static_cast<std::size_t>(got);

    std::size_t done = 0;
    const auto alive = alive_;
    while (in_used_ - done >= 4) {
        const std::int32_t size = wire::load_int32(in_.data() + done);
        if (size < 4 || size > options_.frame_bytes_max) return false;
        if (in_used_ - done < static_cast<std::size_t>(size) + 4) break;
        if (pending_.empty() || pending_.front().correlation != wire::load_int32(in_.data() + done + 4)) return false;
        auto on_reply = std::move(pending_.front().on_reply);
        pending_.pop_front();
        on_reply(std::string_view(in_.data() + done + 8, static_cast<std::size_t>(size) - 4));
        if (!*alive || fd_ < 0) return true;
        done += static_cast<std::size_t>(size) + 4;
    }
    if (done > 0) std::memmove(in_.data(), in_.data() + done, in_used_ - done);
    in_used_ -= done;
    if (in_used_ == 0 && in_.size() > read_bytes) std::string().swap(in_);
    return true;
}

void Peer::fail_all(const std::string& reason) {
    if (fd_ >= 0) {
        loop_.forget(fd_);
        ::close(std::exchange(fd_, -1));
    }
    connected_ = false;
    out_.clear();
    std::string().swap(in_);
    in_used_ = 0;
    std::deque<Pending> failed;
    failed.swap(pending_);
    const auto alive = alive_;
    for (auto& request : failed) {
        request.on_reply(fail(ErrorCode::unavailable, "{}: {}", options_.address.to_string(), reason));
        if (!*alive) return;
    }
}

// One timer at a time, for the oldest request.
void Peer::watch_deadline() {
    if (deadline_watched_ || pending_.empty()) return;
    deadline_watched_ = true;
    loop_.at(pending_.front().deadline, [this, alive = alive_] {
        if (!*alive) return;
        deadline_watched_ = false;
        if (!pending_.empty() && pending_.front().deadline <= loop_.now()) return fail_all("no answer in time");
        watch_deadline();
    });
}

}  // namespace medic::engine::broker
