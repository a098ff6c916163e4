#include "agent/cli/outside_real.h"

#include <algorithm>
#include <atomic>
#include <ctime>

#include "agent/cli/version_internal.h"
#include "agent/daemon/kafka_reader.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_client.h"

namespace medic::cli {
namespace {

using discovery::Get;
using discovery::Got;

constexpr std::size_t side_by_side = 8;  // What we may cost the watched at a time, all of them together.
constexpr Duration kafka_timeout{5'000};

// "Sat, 28 Nov 2026 04:08:14 GMT" (RFC 9110's preferred form).
std::optional<WallTime> http_date(std::string_view text) {
    std::tm parts{};
    const std::string copy(text);
    const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (end == nullptr) return std::nullopt;
    return WallTime{static_cast<std::int64_t>(timegm(&parts)) * 1000};
}

class RealOutside : public discovery::Outside {
public:
    Now now() override { return read_clock(); }

    std::vector<Got> get(const std::vector<Get>& requests) override {
        std::vector<Got> answers(requests.size());
        std::atomic<std::size_t> next = 0;
        const auto run = [&] {
            HttpClient client;
            for (std::size_t i = next++; i < requests.size(); i = next++) answers[i] = one(client, requests[i]);
        };
        KafkaClient::run_all(std::vector<std::function<void()>>(std::min(side_by_side, requests.size()), run));
        return answers;
    }

    KafkaReader& kafka(const ClusterConfig& cluster) override { return *of(cluster).reader; }

    Result<KafkaReader::ByBroker<wire::ApiVersionsResponse>> kafka_versions(const ClusterConfig& cluster) override {
        return of(cluster).client->call_every_broker(wire::ApiVersionsRequest{"streammedic", version_text()},
                                                     kafka_timeout);
    }

private:
    struct Kafka {
        std::shared_ptr<KafkaClient> client;
        std::unique_ptr<KafkaReader> reader;
    };

    static Got one(HttpClient& client, const Get& request) {
        HttpCall call{.url = request.url};
        call.timeout = request.timeout;
        call.connect_timeout = std::min(call.connect_timeout, request.timeout);
        call.body_bytes_max = request.body_bytes_max;
        // Connect forwards some questions to its leader with a redirect.
        call.redirects = HttpCall::Redirects::follow;
        Got got;
        const Instant began = read_clock().monotonic;
        auto reply = client.perform(call);
        const Now done = read_clock();
        got.took = done.monotonic - began;
        got.at = done.wall;
        if (!reply) {
            got.answer = std::unexpected(reply.error());
            return got;
        }
        got.server_time = http_date(reply->header("date"));
        got.answer = HttpAnswer{reply->status, std::string(reply->header("content-type")), std::move(reply->body)};
        return got;
    }

    Kafka& of(const ClusterConfig& cluster) {
        Kafka& kafka = kafka_[cluster.name];
        if (!kafka.client) {
            kafka.client = std::make_shared<KafkaClient>(KafkaClientOptions{.bootstrap = cluster.kafka.bootstrap,
                                                                            .client_id = "streammedic",
                                                                            .security = cluster.kafka.security,
                                                                            .cluster_id = cluster.kafka.cluster_id,
                                                                            .check_cluster = true,
                                                                            .request_timeout = kafka_timeout});
            kafka.reader = make_kafka_reader(kafka.client, kafka_timeout);
        }
        return kafka;
    }

    std::map<std::string, Kafka> kafka_;
};

}  // namespace

std::unique_ptr<discovery::Outside> make_outside() { return std::make_unique<RealOutside>(); }

}  // namespace medic::cli
