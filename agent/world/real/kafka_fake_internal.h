// Test support: Kafka brokers small enough to be told exactly how to misbehave. They share one topic "t", whose
// partition p is led by broker p % brokers, and speak our own codec; the embedded platform has the real thing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "agent/wire/frame.h"
#include "agent/wire/records.h"
#include "agent/world/real/sasl_fake_internal.h"
#include "agent/world/real/tls_fake_internal.h"

namespace medic {

class FakeKafka {
public:
    explicit FakeKafka(int brokers, int partitions = 2);
    ~FakeKafka();

    [[nodiscard]] std::string address(int broker) const;
    [[nodiscard]] std::vector<std::string> bootstrap() const;
    void stop(int broker);   // Closes its connections and refuses new ones.
    void start(int broker);  // On the same port.
    void move(int broker);   // Stops it and starts it on another port.

    // What becomes of a request, decided before it is handled. Called by several threads.
    enum class Fate : std::uint8_t {
        answer,
        swallow,  // Handled, then the connection is closed without an answer.
        hang,     // Neither handled nor answered until release().
        refuse,   // Produce, Fetch and ListOffsets: NOT_LEADER_OR_FOLLOWER for every partition.
    };
    std::function<Fate(int broker, const wire::RequestHeader&)> on_request;
    void wait_until_hanging();  // Until some request hangs.
    void release();

    // Overrides what ApiVersions says of one API; set before the first connection.
    std::map<wire::ApiKey, std::pair<std::int16_t, std::int16_t>> versions;
    bool knows_api_versions_v3 = true;
    std::string cluster_id = "fake";
    // Brokers that still start: their metadata names no broker. Set before the first connection.
    std::set<int> starting;

    struct Listener {
        std::shared_ptr<SSL_CTX> tls;      // Null: plain text.
        std::optional<FakeLogins> logins;  // A login is asked for.
    };
    // For connections that are made from now on; those that are open read what there was.
    void change_listener(const std::function<void(Listener&)>& change) {
        const std::lock_guard lock(mutex_);
        change(listener_);
    }
    void use_tls(std::shared_ptr<SSL_CTX> context) {
        change_listener([&](Listener& listener) { listener.tls = std::move(context); });
    }

    [[nodiscard]] int requests(wire::ApiKey api) const;
    [[nodiscard]] wire::Bytes log(int partition) const;
    void append(int partition, wire::Bytes batches, int records);  // As a leader would; assigns offsets.
    void cut_log(int partition, std::int64_t start_offset);
    std::vector<std::pair<std::int64_t, std::int64_t>>
        aborted_transactions;  // Producer id, first offset: in every Fetch answer.

private:
    struct Broker;
    struct Log {
        wire::Bytes bytes;
        std::int64_t start = 0, end = 0;
        std::map<std::int64_t, std::int32_t> last_sequence;  // Per producer id: base sequence of the last batch.
    };

    void accept_connections(Broker& broker);
    void serve(Broker& broker, int socket);
    wire::Bytes sasl(const wire::RequestView& request, FakeSaslServer& server);
    wire::Bytes handle(int broker, const wire::RequestView& request, Fate fate);
    wire::Bytes api_versions(const wire::RequestView& request) const;
    wire::Bytes metadata(int asked_broker, const wire::RequestView& request) const;
    wire::Bytes produce(const wire::RequestView& request, Fate fate);
    wire::Bytes fetch(const wire::RequestView& request, Fate fate);
    wire::Bytes list_offsets(const wire::RequestView& request, Fate fate) const;
    wire::Bytes offsets(const wire::RequestView& request);

    mutable std::mutex mutex_;
    Listener listener_;
    std::condition_variable changed_;
    bool released_ = false;
    int hanging_ = 0;
    std::vector<Log> logs_;
    std::map<std::int32_t, std::int64_t> committed_;
    std::map<wire::ApiKey, int> seen_;
    std::vector<std::unique_ptr<Broker>> brokers_;
};

}  // namespace medic
