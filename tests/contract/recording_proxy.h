// Proxies that remember what passes: one before an HTTP server, one before a Kafka broker. Answers go back as they
// came, but where a broker says where the brokers are: there the proxies' ports are put in, so that clients stay in
// front of them. Loopback and plain text only; for contract tests.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/wire/frame.h"
#include "agent/wire/messages/cluster.h"
#include "agent/wire/messages/membership.h"
#include "agent/wire/messages/metadata.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/http_server.h"

namespace medic::contract {

// Notes in the order in which they came, from several threads.
class Record {
public:
    void note(std::string what) {
        const std::lock_guard guard(mutex_);
        notes_.push_back(std::move(what));
    }
    [[nodiscard]] std::vector<std::string> notes() const {
        const std::lock_guard guard(mutex_);
        return notes_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> notes_;
};

// Notes "GET /jobs/overview".
class HttpProxy {
public:
    HttpProxy(int upstream_port, Record& record) {
        HttpServerOptions options;
        options.handler_threads = 4;  // The handler waits for the other side.
        server_ = HttpServer::start(options, [upstream_port, &record](const HttpRequest& request) {
                      record.note(request.method + " " + request.target);
                      HttpCall call{.method = request.method,
                                    .url = "http://127.0.0.1:" + std::to_string(upstream_port) + request.target,
                                    .headers = {},
                                    .body = request.body};
                      HttpClient client;
                      const auto reply = client.perform(call);
                      if (!reply) return HttpResponse{.status = 502, .body = reply.error().message, .headers = {}};
                      return HttpResponse{.status = reply->status,
                                          .body = reply->body,
                                          .content_type = std::string(reply->header("content-type")),
                                          .headers = {}};
                  }).value();
    }
    [[nodiscard]] int port() const { return server_->port(); }

private:
    std::unique_ptr<HttpServer> server_;
};

// Notes "Metadata"; of a request that the codec does not speak, "key 71".
class KafkaProxy {
public:
    explicit KafkaProxy(Record& record) : record_(record) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("a proxy can't listen");
        port_ = ntohs(address.sin_port);
    }
    ~KafkaProxy() {
        ::shutdown(listener_, SHUT_RDWR);
        if (accepting_.joinable()) accepting_.join();
        {
            const std::lock_guard guard(mutex_);
            for (const int one : sockets_) ::shutdown(one, SHUT_RDWR);
        }
        for (std::thread& one : serving_) one.join();
        for (const int one : sockets_) ::close(one);
        ::close(listener_);
    }
    KafkaProxy(const KafkaProxy&) = delete;
    KafkaProxy& operator=(const KafkaProxy&) = delete;

    [[nodiscard]] int port() const { return port_; }
    // `ports`: the brokers' ports and those of their proxies.
    void start(int upstream_port, std::map<std::int32_t, std::int32_t> ports) {
        ports_ = std::move(ports);
        accepting_ = std::thread([this, upstream_port] {
            for (int client = -1; (client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
                join(client, upstream_port);
        });
    }

private:
    struct Pair {
        int client = -1, broker = -1;
        std::mutex mutex;
        std::map<std::int32_t, wire::RequestHeader> asked;  // By correlation id.
    };

    static sockaddr_in loopback(int port) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        return address;
    }

    void join(int client, int upstream_port) {
        const int broker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(upstream_port);
        const bool there = ::connect(broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        auto pair = std::make_shared<Pair>();
        pair->client = client;
        pair->broker = broker;
        const std::lock_guard guard(mutex_);
        sockets_.insert(sockets_.end(), {client, broker});
        if (!there) {
            ::shutdown(client, SHUT_RDWR);
            return;
        }
        serving_.emplace_back([this, pair] { forward(*pair, pair->client, pair->broker, true); });
        serving_.emplace_back([this, pair] { forward(*pair, pair->broker, pair->client, false); });
    }

    static bool read_all(int from, char* to, std::size_t size) {
        for (std::size_t done = 0; done < size;) {
            const ssize_t got = ::recv(from, to + done, size - done, 0);
            if (got <= 0) return false;
            done += static_cast<std::size_t>(got);
        }
        return true;
    }
    static bool write_all(int to, const std::string& bytes) {
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t sent = ::send(to, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
            if (sent <= 0) return false;
            done += static_cast<std::size_t>(sent);
        }
        return true;
    }

    // Frame by frame, until one of the sides has had enough.
    void forward(Pair& pair, int from, int to, bool requests) {
        for (;;) {
            std::string frame(wire::kSizePrefixBytes, '\0');
            if (!read_all(from, frame.data(), frame.size())) break;
            const auto size = wire::frame_size(frame);
            if (!size) break;
            frame.resize(frame.size() + *size);
            if (!read_all(from, frame.data() + wire::kSizePrefixBytes, *size)) break;
            if (requests)
                note(pair, frame);
            else
                frame = readdressed(pair, std::move(frame));
            if (!write_all(to, frame)) break;
        }
        ::shutdown(from, SHUT_RDWR);
        ::shutdown(to, SHUT_RDWR);
    }

    void note(Pair& pair, const std::string& frame) {
        const auto request = wire::decode_request_header(std::string_view(frame).substr(wire::kSizePrefixBytes));
        if (!request) {
            wire::Reader reader(std::string_view(frame).substr(wire::kSizePrefixBytes));
            record_.note("key " + std::to_string(reader.int16()));
            return;
        }
        record_.note(std::string(wire::to_string(request->header.api)));
        const std::lock_guard guard(pair.mutex);
        pair.asked[request->header.correlation_id] = request->header;
    }

    std::string readdressed(Pair& pair, std::string frame) const {
        wire::Reader reader(std::string_view(frame).substr(wire::kSizePrefixBytes));
        wire::RequestHeader asked;
        {
            const std::lock_guard guard(pair.mutex);
            auto found = pair.asked.extract(reader.int32());
            if (found.empty()) return frame;
            asked = found.mapped();
        }
        const auto each = [this](auto& list) {
            for (auto& one : list) one.port = here(one.port);
        };
        switch (asked.api) {
            case wire::ApiKey::metadata:
                return again<wire::MetadataResponse>(asked, frame, [&](auto& answer) { each(answer.brokers); });
            case wire::ApiKey::describe_cluster:
                return again<wire::DescribeClusterResponse>(asked, frame, [&](auto& answer) { each(answer.brokers); });
            case wire::ApiKey::find_coordinator:
                return again<wire::FindCoordinatorResponse>(asked, frame, [&](auto& answer) {
                    answer.port = here(answer.port);
                    each(answer.coordinators);
                });
            default: return frame;
        }
    }

    template <class Response, class Change>
    static std::string again(const wire::RequestHeader& asked, const std::string& frame, Change change) {
        const auto body = wire::decode_response_header(std::string_view(frame).substr(wire::kSizePrefixBytes),
                                                       asked.api, asked.version, asked.correlation_id);
        if (!body) return frame;
        auto answer = wire::decode<Response>(*body, asked.version);
        if (!answer) return frame;
        change(*answer);
        const auto encoded = wire::encode_response(asked.version, asked.correlation_id, *answer);
        return encoded ? *encoded : frame;
    }

    [[nodiscard]] std::int32_t here(std::int32_t port) const {
        const auto found = ports_.find(port);
        return found == ports_.end() ? port : found->second;
    }

    Record& record_;
    int listener_ = -1, port_ = 0;
    std::map<std::int32_t, std::int32_t> ports_;
    std::thread accepting_;
    std::mutex mutex_;  // Of the two below; they grow only while `accepting_` runs.
    std::vector<int> sockets_;
    std::vector<std::thread> serving_;
};

}  // namespace medic::contract
