#include <sys/socket.h>
#include <unistd.h>

#include "engine/common/log.h"
#include "engine/flow/runtime/rpc_internal.h"
#include "engine/flow/runtime/socket.h"

namespace medic::engine::flow {
namespace {
constexpr std::uint32_t message_bytes_max = 64 << 20;
constexpr std::size_t queued_bytes_max = 64 << 20;
}  // namespace

RpcConnection::~RpcConnection() {
    stop();
    ::close(socket_);
}

void RpcConnection::start(OnMessage on_message, OnClosed on_closed) {
    writer_ = std::thread([this] { write_loop(); });
    reader_ = std::thread([this, on_message = std::move(on_message), on_closed = std::move(on_closed)] {
        read_loop(on_message, on_closed);
    });
}

void RpcConnection::send(const nlohmann::json& message) {
    std::string bytes = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    {
        const std::lock_guard lock(mutex_);
        if (closed_ || closing_) return;
        outgoing_bytes_ += bytes.size();
        outgoing_.push_back(std::move(bytes));
        if (outgoing_bytes_ <= queued_bytes_max) {
            changed_.notify_all();
            return;
        }
    }
    close();
}

void RpcConnection::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    changed_.notify_all();
    ::shutdown(socket_, SHUT_RDWR);
}

void RpcConnection::stop() {
    close();
    if (reader_.joinable()) reader_.join();
    if (writer_.joinable()) writer_.join();
}

void RpcConnection::close_after(const nlohmann::json& last) {
    send(last);
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
}

void RpcConnection::flush(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [this] { return closed_ || (outgoing_.empty() && !writing_); });
}

void RpcConnection::write_loop() {
    for (;;) {
        std::string bytes;
        {
            std::unique_lock lock(mutex_);
            writing_ = false;
            changed_.notify_all();
            changed_.wait(lock, [this] { return closed_ || closing_ || !outgoing_.empty(); });
            if (closed_) return;
            if (outgoing_.empty()) break;  // All is out, the last as well.
            bytes = std::move(outgoing_.front());
            outgoing_.pop_front();
            outgoing_bytes_ -= bytes.size();
            writing_ = true;
        }
        const auto size = static_cast<std::uint32_t>(bytes.size());
        if (!write_all(socket_, &size, sizeof size) || !write_all(socket_, bytes.data(), bytes.size())) break;
    }
    close();
}

void RpcConnection::read_loop(const OnMessage& on_message, const OnClosed& on_closed) {
    std::uint32_t size = 0;
    while (read_all(socket_, &size, sizeof size) && size <= message_bytes_max) {
        std::string bytes(size, '\0');
        if (!read_all(socket_, bytes.data(), size)) break;
        const auto message = nlohmann::json::parse(bytes, nullptr, false);
        if (message.is_discarded()) break;
        try {
            on_message(message);
        } catch (const nlohmann::json::exception& error) {
            log_error("rpc", "message of an unexpected shape, connection closed: {}", error.what());
            break;
        }
    }
    close();
    on_closed();
}

}  // namespace medic::engine::flow
