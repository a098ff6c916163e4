#include "engine/flow/runtime/network.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/common/throw_trace.h"
#include "engine/flow/api/codec.h"
#include "engine/flow/runtime/socket.h"

namespace medic::engine::flow {
namespace {

constexpr std::uint64_t goodbye = ~std::uint64_t{0};
constexpr std::uint32_t frame_bytes_max = 64 << 20;
constexpr std::size_t hello_bytes_max = 1024;
constexpr std::chrono::milliseconds cancel_check{50};

std::string header(std::uint64_t channel, std::size_t size) {
    std::string bytes;
    ByteWriter to(bytes);
    to.number(channel);
    to.number(static_cast<std::uint32_t>(size));
    return bytes;
}

}  // namespace

Result<std::unique_ptr<DataServer>> DataServer::listen(int port) {
    std::unique_ptr<DataServer> server(new DataServer());
    MEDIC_TRY(server->socket_, listen_on(port, server->port_));
    server->acceptor_ = std::thread([raw = server.get()] { raw->accept_loop(); });
    return server;
}

DataServer::~DataServer() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    std::unique_lock lock(mutex_);
    for (const auto& [execution, socket] : sockets_) ::shutdown(socket, SHUT_RDWR);
    all_served_.wait(lock, [this] { return serving_ == 0; });
    ::close(socket_);
}

void DataServer::add(const std::string& execution, std::shared_ptr<JobInputs> inputs) {
    const std::lock_guard lock(mutex_);
    inputs_[execution] = std::move(inputs);
}

void DataServer::remove(const std::string& execution) {
    const std::lock_guard lock(mutex_);
    inputs_.erase(execution);
    const auto [from, to] = sockets_.equal_range(execution);
    for (auto at = from; at != to; ++at) ::shutdown(at->second, SHUT_RDWR);
}

void DataServer::accept_loop() {
    for (;;) {
        const int socket = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) {
            if (stopping_) return;
            pause_accepting(errno);
            continue;
        }
        {
            const std::lock_guard lock(mutex_);
            ++serving_;
        }
        std::thread([this, socket] {
            serve(socket);
            const std::lock_guard lock(mutex_);
            --serving_;
            all_served_.notify_all();
        }).detach();
    }
}

void DataServer::serve(int socket) {
    std::string execution, sender;
    std::shared_ptr<JobInputs> inputs;
    bool said_goodbye = false;
    {
        std::uint32_t size = 0;
        std::string hello;
        if (read_all(socket, &size, sizeof size) && size <= hello_bytes_max) {
            hello.resize(size);
            if (read_all(socket, hello.data(), size)) {
                execution = hello.substr(0, hello.find('\n'));
                sender = hello.substr(std::min(hello.size(), execution.size() + 1));
            }
        }
    }
    {
        const std::lock_guard lock(mutex_);
        const auto found = inputs_.find(execution);
        if (found != inputs_.end()) {
            inputs = found->second;
            sockets_.emplace(execution, socket);
        }
    }
    const auto writing = std::make_shared<std::mutex>();
    const auto open = std::make_shared<bool>(true);
    for (std::string head(12, '\0'); inputs && read_all(socket, head.data(), head.size());) {
        ByteReader from(head);
        const auto channel = from.number<std::uint64_t>();
        const auto size = from.number<std::uint32_t>();
        if (channel == goodbye) {
            said_goodbye = true;
            break;
        }
        const auto found = inputs->channels.find(channel);
        if (found == inputs->channels.end() || size > frame_bytes_max) break;
        std::string frame(size, '\0');
        if (!read_all(socket, frame.data(), size)) break;
        const auto& [gate, index] = found->second;
        gate->on_credit(index, [socket, channel, writing, open] {
            const std::lock_guard lock(*writing);
            if (*open) (void)write_all(socket, &channel, sizeof channel);
        });
        if (!gate->deliver(index, std::move(frame))) break;
    }
    {
        const std::lock_guard lock(*writing);
        *open = false;
    }
    bool expected = true;
    {
        const std::lock_guard lock(mutex_);
        const auto [from, to] = sockets_.equal_range(execution);
        for (auto at = from; at != to; ++at) {
            if (at->second != socket) continue;
            sockets_.erase(at);
            break;
        }
        expected = said_goodbye || inputs_.count(execution) == 0;
    }
    ::close(socket);
    if (inputs && !expected) inputs->on_lost(sender);
}

Result<std::shared_ptr<DataSender>> DataSender::connect(const std::string& host, int port, const std::string& execution,
                                                        const std::string& own_name, const std::string& peer) {
    std::shared_ptr<DataSender> sender(new DataSender());
    sender->peer_ = peer;
    MEDIC_TRY(sender->socket_, connect_to(host, port));
    const std::string hello = execution + "\n" + own_name;
    const auto size = static_cast<std::uint32_t>(hello.size());
    if (!write_all(sender->socket_, &size, sizeof size) || !write_all(sender->socket_, hello.data(), hello.size()))
        return fail(ErrorCode::unavailable, "connect to task manager '{}': {}", peer, strerror(errno));
    sender->reader_ = std::thread([raw = sender.get()] { raw->read_credits(); });
    return sender;
}

DataSender::~DataSender() {
    if (socket_ < 0) return;
    if (!lost_) {
        const std::string bye = header(goodbye, 0);
        (void)::send(socket_, bye.data(), bye.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    ::shutdown(socket_, SHUT_RDWR);
    if (reader_.joinable()) reader_.join();
    ::close(socket_);
}

void DataSender::open_channel(ChannelId id, int credits) {
    const std::lock_guard lock(mutex_);
    credits_[id.packed()] = credits;
}

int DataSender::credits(ChannelId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = credits_.find(id.packed());
    return found == credits_.end() ? 0 : found->second;
}

void DataSender::read_credits() {
    std::uint64_t channel = 0;
    while (read_all(socket_, &channel, sizeof channel)) {
        {
            const std::lock_guard lock(mutex_);
            ++credits_[channel];
        }
        granted_.notify_all();
    }
    lost_ = true;
    granted_.notify_all();
}

bool DataSender::send(ChannelId id, const std::string& frame, const std::atomic<bool>& cancelled, WaitClock& wait) {
    {
        std::unique_lock lock(mutex_);
        int& credits = credits_[id.packed()];
        if (credits == 0) {
            const Waiting waiting(wait);
            while (credits == 0 && !lost_ && !cancelled.load(std::memory_order_relaxed))
                granted_.wait_for(lock, cancel_check);
        }
        if (cancelled.load(std::memory_order_relaxed)) return false;
        if (!lost_) --credits;
    }
    const std::string head = header(id.packed(), frame.size());
    const std::lock_guard lock(writing_);
    const bool sent = !lost_ && write_all(socket_, head.data(), head.size(), &cancelled) &&
                      write_all(socket_, frame.data(), frame.size(), &cancelled);
    if (sent) return true;
    if (cancelled.load(std::memory_order_relaxed)) {
        lost_ = true;  // Half a frame may be on its way: nothing may follow it.
        return false;
    }
    throw NamedException(
        "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException",
        "Lost connection to task manager '" + peer_ + "'. This indicates that the remote task manager was lost.");
}

}  // namespace medic::engine::flow
