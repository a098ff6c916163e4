#include "agent/world/real/kafka_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace medic {
namespace {

using namespace wire;

std::string system_error(int code) { return std::generic_category().message(code); }

int milliseconds_left(KafkaDeadline deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT32_MAX));
}

constexpr std::size_t kTlsBytesAtOnce = 16 * 1024;  // One TLS record.

// What stands behind an address that does not answer as a Kafka broker does, told from its first bytes.
std::unexpected<Error> not_kafka(BytesView prefix, const std::string& peer, const Error& otherwise) {
    if (prefix.starts_with("HTTP"))
        return fail(ErrorCode::invalid, "broker {}: it answers in HTTP: expected a Kafka listener", peer);
    if (prefix.starts_with(BytesView("\x15\x03", 2)))  // A TLS alert, of TLS 1.x.
        return fail(ErrorCode::invalid, "broker {}: its listener wants TLS: add `tls:` to the cluster's `kafka:`",
                    peer);
    return wrap(otherwise, "broker " + peer);
}

struct FreeAddresses {
    void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

}  // namespace

Result<KafkaEndpoint> parse_endpoint(std::string_view text) {
    KafkaEndpoint endpoint;
    const std::size_t colon = text.rfind(':');
    std::string_view host = text.substr(0, colon), port = colon == text.npos ? "" : text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (host.empty() || error != std::errc() || end != port.data() + port.size() || endpoint.port < 1 ||
        endpoint.port > 65'535)
        return fail(ErrorCode::invalid, "broker address \"{}\": expected host:port", text);
    endpoint.host = host;
    return endpoint;
}

std::string to_string(const KafkaEndpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
                   : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

Status KafkaConnection::open(const KafkaEndpoint& endpoint, const KafkaConnectionOptions& options,
                             KafkaDeadline deadline) {
    close();
    peer_ = to_string(endpoint);
    options_ = &options;
    stage_ = Stage::connecting;
    Status status = connect_to(endpoint, deadline);
    if (status && options.security.tls) status = begin_tls(endpoint.host, deadline);
    if (status) status = negotiate(deadline);
    if (status && options.security.sasl) status = log_in(deadline);
    if (!status) close();
    stage_ = Stage::unproven;
    return status;
}

void KafkaConnection::close() {
    const std::lock_guard lock(closing_);
    const int socket = socket_.exchange(-1);
    if (socket >= 0) ::close(socket);
    tls_.reset();
    versions_.clear();
    log_in_again_at_.reset();
}

void KafkaConnection::interrupt() {
    const std::lock_guard lock(closing_);
    if (const int socket = socket_.load(); socket >= 0) ::shutdown(socket, SHUT_RDWR);
}

bool KafkaConnection::is_usable() const {
    if (socket_ < 0) return false;
    // Nothing is outstanding between requests: anything readable is the peer's goodbye. (TLS 1.3 sends its tickets
    // right after the handshake; they are read with the first answer.)
    pollfd watched{socket_, POLLIN, 0};
    return ::poll(&watched, 1, 0) == 0;
}

Status KafkaConnection::connect_to(const KafkaEndpoint& endpoint, KafkaDeadline deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int lookup = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
    if (lookup != 0) return fail(ErrorCode::unavailable, "broker {}: {}", peer_, gai_strerror(lookup));
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
    int addresses_left = 0;
    for (const addrinfo* address = found; address; address = address->ai_next) ++addresses_left;
    std::string last = "no address";
    for (const addrinfo* address = found; address; address = address->ai_next, --addresses_left) {
        close();
        socket_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket_ < 0) return fail(ErrorCode::unavailable, "broker {}: no socket: {}", peer_, system_error(errno));
        int error = ::connect(socket_, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            // Its share of the time: an address where nobody answers must not take that of the others.
            const auto now = std::chrono::steady_clock::now();
            error = ETIMEDOUT;
            socklen_t size = sizeof error;
            if (wait_for(POLLOUT, now + (deadline - now) / addresses_left) &&
                getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
                error = errno;
        }
        if (error == 0) {
            const int on = 1;
            setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return {};
        }
        last = system_error(error);
    }
    return fail(ErrorCode::unavailable, "broker {}: cannot connect: {}", peer_, last);
}

Status KafkaConnection::begin_tls(const std::string& host, KafkaDeadline deadline) {
    auto session = TlsSession::begin(*options_->security.tls, host);
    if (!session) return wrap(session.error(), "broker " + peer_);
    for (;;) {
        const auto done = (*session)->handshake();
        // Whatever it says must go out, an alert too: the other side's log then tells the same story.
        bool sent = false;
        const Status status = send_plain((*session)->take(), deadline, sent);
        if (!done) return wrap(done.error(), "broker " + peer_);
        MEDIC_CHECK(status);
        if (*done) break;
        char buffer[kTlsBytesAtOnce];
        MEDIC_TRY(const std::size_t count, receive_plain(buffer, sizeof buffer, deadline));
        (*session)->feed({buffer, count});
    }
    tls_ = *std::move(session);
    return {};
}

Result<std::int16_t> KafkaConnection::version(ApiKey api, std::int16_t version_max) const {
    const ApiInfo& ours = api_info(api);
    const auto theirs = versions_.find(static_cast<std::int16_t>(api));
    if (theirs == versions_.end()) return fail(ErrorCode::invalid, "broker {} does not offer {}", peer_, ours.name);
    const std::int16_t version = std::min({ours.version_max, theirs->second.second, version_max});
    if (version < std::max(ours.version_min, theirs->second.first))
        return fail(ErrorCode::invalid, "broker {} speaks {} {}–{}, we speak {}–{}", peer_, ours.name,
                    theirs->second.first, theirs->second.second, ours.version_min,
                    std::min(ours.version_max, version_max));
    return version;
}

Status KafkaConnection::wait_for(short events, KafkaDeadline deadline) const {
    for (;;) {
        pollfd watched{socket_, events, 0};
        const int ready = ::poll(&watched, 1, milliseconds_left(deadline));
        if (ready > 0) return {};
        if (ready == 0) return fail(ErrorCode::unavailable, "broker {}: no answer in time", peer_);
        if (errno != EINTR) return fail(ErrorCode::unavailable, "broker {}: {}", peer_, system_error(errno));
    }
}

Status KafkaConnection::send(BytesView frame, KafkaDeadline deadline, bool& sent) {
    sent = false;
    Status status;
    if (!tls_) {
        status = send_plain(frame, deadline, sent);
    } else if (status = tls_->write(frame); !status) {
        status = wrap(status.error(), "broker " + peer_);
    } else if (status = send_plain(tls_->take(), deadline, sent); !status) {
        status = parting_words(std::move(status));
    }
    if (!status) close();
    return status;
}

Status KafkaConnection::parting_words(Status otherwise) {
    char buffer[kTlsBytesAtOnce], plain[kTlsBytesAtOnce];
    const ssize_t count = ::recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count <= 0) return otherwise;
    tls_->feed({buffer, static_cast<std::size_t>(count)});
    const auto last = tls_->read(plain, sizeof plain);
    return last ? std::move(otherwise) : Status(wrap(last.error(), "broker " + peer_));
}

Status KafkaConnection::send_plain(BytesView bytes, KafkaDeadline deadline, bool& sent) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count > 0) {
            sent = true;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            MEDIC_CHECK(wait_for(POLLOUT, deadline));
        } else if (errno != EINTR) {
            return fail(ErrorCode::unavailable, "broker {}: connection lost: {}", peer_, system_error(errno));
        }
    }
    return {};
}

Result<std::size_t> KafkaConnection::receive_plain(char* into, std::size_t size, KafkaDeadline deadline) {
    for (;;) {
        const ssize_t count = ::recv(socket_, into, size, 0);
        if (count > 0) return static_cast<std::size_t>(count);
        if (count == 0 || errno == ECONNRESET)
            return fail(ErrorCode::unavailable, "broker {}: closed the connection{}", peer_, closed_hint());
        if (errno == EAGAIN) {
            MEDIC_CHECK(wait_for(POLLIN, deadline));
        } else if (errno != EINTR) {
            return fail(ErrorCode::unavailable, "broker {}: connection lost: {}", peer_, system_error(errno));
        }
    }
}

Result<std::size_t> KafkaConnection::receive_some(char* into, std::size_t size, KafkaDeadline deadline) {
    if (!tls_) return receive_plain(into, size, deadline);
    for (;;) {
        const auto count = tls_->read(into, size);
        if (!count) return wrap(count.error(), "broker " + peer_);
        if (*count > 0) return *count;
        if (tls_->ended())
            return fail(ErrorCode::unavailable, "broker {}: closed the connection{}", peer_, closed_hint());
        char buffer[kTlsBytesAtOnce];
        MEDIC_TRY(const std::size_t fed, receive_plain(buffer, sizeof buffer, deadline));
        tls_->feed({buffer, fed});
    }
}

Status KafkaConnection::receive(char* into, std::size_t size, KafkaDeadline deadline) {
    while (size > 0) {
        MEDIC_TRY(const std::size_t count, receive_some(into, size, deadline));
        into += count;
        size -= count;
    }
    return {};
}

Result<Bytes> KafkaConnection::exchange(BytesView frame, KafkaDeadline deadline, bool& sent) {
    MEDIC_CHECK(send(frame, deadline, sent));
    char prefix[kSizePrefixBytes];
    Bytes answer;
    Status status = receive(prefix, sizeof prefix, deadline);
    if (status) {
        const auto size = frame_size(BytesView(prefix, sizeof prefix));
        if (size) {
            answer.resize(*size);
            status = receive(answer.data(), answer.size(), deadline);
        } else {
            status = not_kafka(BytesView(prefix, sizeof prefix), peer_, size.error());
        }
    }
    if (!status) {
        close();
        return std::unexpected(status.error());
    }
    if (stage_ == Stage::unproven) stage_ = Stage::proven;
    return answer;
}

}  // namespace medic
