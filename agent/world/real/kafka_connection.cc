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

#include "agent/wire/messages/api_versions.h"

namespace medic {
namespace {

using namespace wire;

constexpr std::string_view kSoftwareName = "streammedic";
constexpr std::string_view kSoftwareVersion = "0.1";

std::string system_error(int code) { return std::generic_category().message(code); }

int milliseconds_left(KafkaDeadline deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT32_MAX));
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

Status KafkaConnection::open(const KafkaEndpoint& endpoint, const std::string& client_id, KafkaDeadline deadline) {
    close();
    peer_ = to_string(endpoint);
    Status status = connect_to(endpoint, deadline);
    if (status) status = negotiate(client_id, deadline);
    if (!status) close();
    return status;
}

void KafkaConnection::close() {
    const std::lock_guard lock(closing_);
    const int socket = socket_.exchange(-1);
    if (socket >= 0) ::close(socket);
    versions_.clear();
}

void KafkaConnection::interrupt() {
    const std::lock_guard lock(closing_);
    if (const int socket = socket_.load(); socket >= 0) ::shutdown(socket, SHUT_RDWR);
}

bool KafkaConnection::is_usable() const {
    if (socket_ < 0) return false;
    // Nothing is outstanding between requests: anything readable is the peer's goodbye.
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
    std::string last = "no address";
    for (const addrinfo* address = found; address; address = address->ai_next) {
        close();
        socket_ = ::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket_ < 0) return fail(ErrorCode::unavailable, "broker {}: no socket: {}", peer_, system_error(errno));
        int error = ::connect(socket_, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            MEDIC_CHECK(wait_for(POLLOUT, deadline));
            socklen_t size = sizeof error;
            if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
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

Status KafkaConnection::negotiate(const std::string& client_id, KafkaDeadline deadline) {
    // v3 names our software in the broker's metrics; a broker that doesn't know it says so in a v0 answer (KIP-511).
    for (const std::int16_t version : {std::int16_t{3}, std::int16_t{0}}) {
        const std::int32_t id = next_correlation_id();
        MEDIC_TRY(const Bytes frame,
                  encode_request({.api = {}, .version = version, .correlation_id = id, .client_id = client_id},
                                 ApiVersionsRequest{std::string(kSoftwareName), std::string(kSoftwareVersion)}));
        bool sent = false;
        MEDIC_TRY(const Bytes answer, exchange(frame, deadline, sent));
        MEDIC_TRY(const BytesView body, decode_response_header(answer, ApiKey::api_versions, version, id));
        Reader reader(body);
        if (static_cast<KafkaError>(reader.int16()) == KafkaError::unsupported_version && version > 0) continue;
        MEDIC_TRY(const auto response, decode<ApiVersionsResponse>(body, version));
        MEDIC_CHECK(check(response.error, "ApiVersions of broker " + peer_));
        for (const auto& api : response.apis) versions_[api.api_key] = {api.version_min, api.version_max};
        return {};
    }
    return fail(ErrorCode::invalid, "broker {} supports no version of ApiVersions that we know", peer_);
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
    while (!frame.empty()) {
        const ssize_t count = ::send(socket_, frame.data(), frame.size(), MSG_NOSIGNAL);
        if (count > 0) {
            sent = true;
            frame.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            if (Status status = wait_for(POLLOUT, deadline); !status) {
                close();
                return status;
            }
        } else if (errno != EINTR) {
            const int error = errno;
            close();
            return fail(ErrorCode::unavailable, "broker {}: connection lost: {}", peer_, system_error(error));
        }
    }
    return {};
}

Status KafkaConnection::receive(char* into, std::size_t size, KafkaDeadline deadline) {
    while (size > 0) {
        const ssize_t count = ::recv(socket_, into, size, 0);
        if (count > 0) {
            into += count;
            size -= static_cast<std::size_t>(count);
        } else if (count == 0) {
            return fail(ErrorCode::unavailable, "broker {}: closed the connection", peer_);
        } else if (errno == EAGAIN) {
            MEDIC_CHECK(wait_for(POLLIN, deadline));
        } else if (errno != EINTR) {
            return fail(ErrorCode::unavailable, "broker {}: connection lost: {}", peer_, system_error(errno));
        }
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
            status = wrap(size.error(), "broker " + peer_);
        }
    }
    if (!status) {
        close();
        return std::unexpected(status.error());
    }
    return answer;
}

}  // namespace medic
