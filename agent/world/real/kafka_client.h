// KafkaClient: a blocking Kafka client on our own wire codec. For the embedded engine's processes, the agent's own
// Kafka thread and the command line; never for a thread that must not wait (reactor, core tick).
//
// Any number of threads may call: each broker has its own connection and lock, so that a dead or frozen broker holds up
// only the calls that go to it. A broker that failed is left alone for a moment (50 ms doubling to 1 s, Kafka's
// reconnect.backoff.ms and reconnect.backoff.max.ms; up to 10 s when it refuses us, so that a wrong password locks
// nobody out) and calls to it fail at once meanwhile. A broker that turns out to belong to another cluster is never
// asked anything else.
//
// Errors of a call: unavailable — nothing was done, or it was only a read; outcome_unknown — a request that changes
// something left and no answer came; invalid — no common version, or a broken answer. Error codes inside an answer are
// the caller's: wire::check(answer.error, "…") maps them.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/wire/frame.h"
#include "agent/wire/messages/fetch.h"
#include "agent/wire/messages/metadata.h"
#include "agent/world/real/kafka_connection.h"

namespace medic {

struct KafkaClientOptions {
    std::vector<std::string> bootstrap;  // "host:port"; one that answers is enough.
    std::string client_id = "streammedic";
    KafkaSecurity security;              // Read at every connection: rotated files and passwords are found.
    std::string cluster_id;              // The id that is expected; "" = the first that answers decides.
    bool check_cluster = false;          // Whether every new connection is asked for its cluster's id.
    Duration connect_timeout{2'000};     // TCP, TLS, ApiVersions and login together.
    Duration request_timeout{10'000};    // Of one call, unless it says otherwise.
    Duration metadata_max_age{300'000};  // Kafka's default: metadata.max.age.ms = 5 min
};

// Whom to ask.
struct KafkaTarget {
    enum class Kind : std::uint8_t { any, controller, broker, group };
    Kind kind = Kind::any;
    std::int32_t broker_id = -1;
    std::string group_id;

    static KafkaTarget any() { return {}; }
    static KafkaTarget controller() { return {Kind::controller, -1, {}}; }
    static KafkaTarget broker(std::int32_t id) { return {Kind::broker, id, {}}; }
    static KafkaTarget coordinator(std::string group) { return {Kind::group, -1, std::move(group)}; }
};

// The cluster as the last metadata answer had it.
struct KafkaBrokers {
    std::map<std::int32_t, KafkaEndpoint> brokers;
    std::map<std::int32_t, std::string> racks;  // Brokers that name one.
    std::int32_t controller_id = -1;
    std::string cluster_id;
};

class KafkaClient {
public:
    // Connects to nobody yet; a malformed bootstrap address shows in the first call.
    explicit KafkaClient(KafkaClientOptions options);
    KafkaClient(const KafkaClient&) = delete;
    KafkaClient& operator=(const KafkaClient&) = delete;
    ~KafkaClient();

    // One request, one answer. Fetch must go through fetch(): its records are views into the answer's frame.
    template <class Request>
        requires(!std::same_as<Request, wire::FetchRequest>)
    [[nodiscard]] Result<typename Request::Response> call(const KafkaTarget& target, const Request& request,
                                                          std::optional<Duration> timeout = {}) {
        MEDIC_TRY(const Answer answer, exchange(target, Request::api, encoder_of(request), timeout));
        return wire::decode<typename Request::Response>(answer.body(), answer.version);
    }

    // The same request to every broker of the cluster at once; the slowest broker decides how long it takes, and none
    // decides over another's answer.
    template <class Request>
    [[nodiscard]] Result<std::map<std::int32_t, Result<typename Request::Response>>> call_every_broker(
        const Request& request, std::optional<Duration> timeout = {}) {
        return ask_every_broker<Request>([&request](std::int32_t) { return request; }, timeout);
    }
    // The same with a request of its own for each.
    template <class Request>
    [[nodiscard]] Result<std::map<std::int32_t, Result<typename Request::Response>>> ask_every_broker(
        const std::function<Request(std::int32_t)>& request_for, std::optional<Duration> timeout = {}) {
        MEDIC_TRY(const KafkaBrokers cluster, brokers());
        std::map<std::int32_t, Result<typename Request::Response>> answers;
        std::vector<std::function<void()>> calls;
        for (const auto& [id, endpoint] : cluster.brokers) {
            auto& answer = answers.emplace(id, typename Request::Response{}).first->second;
            calls.emplace_back([this, id, &answer, &request_for, timeout] {
                answer = call(KafkaTarget::broker(id), request_for(id), timeout);
            });
        }
        run_all(calls);
        return answers;
    }

    // Records in the answer are views into `frame`.
    [[nodiscard]] Result<wire::FetchResponse> fetch(std::int32_t broker_id, const wire::FetchRequest& request,
                                                    wire::Bytes& frame, std::optional<Duration> timeout = {});

    // The version of `api` that would be spoken with that broker; connects where needed. invalid: it offers none.
    [[nodiscard]] Result<std::int16_t> version_at(std::int32_t broker_id, wire::ApiKey api,
                                                  std::optional<Duration> timeout = {});

    // Brokers, controller and cluster id; cached up to metadata_max_age.
    [[nodiscard]] Result<KafkaBrokers> brokers();

    // Asks now; also renews what brokers() gives. Null topics: all. Never creates a topic. unavailable also where no
    // broker that answers knows of any.
    [[nodiscard]] Result<wire::MetadataResponse> metadata(const std::optional<std::vector<std::string>>& topics,
                                                          std::optional<Duration> timeout = {});

    // What another client of the same cluster was told: brokers() and the addresses are as after asking oneself.
    void learn(const wire::MetadataResponse& metadata);

    // After NOT_CONTROLLER, NOT_COORDINATOR or a leader's death: the next call looks anew.
    void forget_metadata();

    // Makes blocked calls of other threads return (unavailable or outcome_unknown), and every later one fail.
    void stop();
    [[nodiscard]] bool stopped() const;

    // Runs the calls side by side and waits for all of them.
    static void run_all(const std::vector<std::function<void()>>& calls);

private:
    struct Answer {
        wire::Bytes frame;
        std::size_t body_at = 0;  // Not a view: a short frame's bytes move with it.
        std::int16_t version = 0;

        [[nodiscard]] wire::BytesView body() const { return wire::BytesView(frame).substr(body_at); }
    };
    using Encode = std::function<Result<wire::Bytes>(const wire::RequestHeader&)>;

    template <class Request>
    static Encode encoder_of(const Request& request) {
        return [&request](const wire::RequestHeader& header) { return wire::encode_request(header, request); };
    }
    [[nodiscard]] Result<Answer> exchange(const KafkaTarget& target, wire::ApiKey api, const Encode& encode,
                                          std::optional<Duration> timeout);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace medic
