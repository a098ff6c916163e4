#include "agent/cli/outside_real.h"

#include <algorithm>
#include <ctime>
#include <latch>

#include "agent/daemon/kafka_reader.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/worker.h"

namespace medic::cli {
namespace {

using discovery::Get;
using discovery::Got;

constexpr std::size_t side_by_side = 8;        // What we may cost the watched at a time, all of them together.
constexpr std::size_t requests_max = 100'000;  // More than a look asks for at once: here all wait for their turn.
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
    RealOutside(HttpAccessTable access, OutsideTimes times)
        : times_(times),
          fetcher_(reactor_, {.in_flight_max = side_by_side,
                              .queue_max = requests_max,
                              .connect_timeout = times.connect,
                              .access = std::move(access)}) {
        (void)thread_.post([this] { reactor_.run(); });
    }
    ~RealOutside() override {
        reactor_.stop();
        thread_.stop();
    }
    RealOutside(const RealOutside&) = delete;
    RealOutside& operator=(const RealOutside&) = delete;

    Now now() override { return read_clock(); }

    std::vector<Got> get(const std::vector<Get>& requests) override {
        std::vector<Got> answers(requests.size());
        std::latch all(static_cast<std::ptrdiff_t>(requests.size()));
        reactor_.post([&] {
            for (std::size_t i = 0; i < requests.size(); ++i)
                fetcher_.fetch({.url = requests[i].url,
                                .cluster = requests[i].cluster,
                                .timeout = std::max(requests[i].timeout, times_.request_min),
                                .body_bytes_max = requests[i].body_bytes_max},
                               [&all, &got = answers[i], began = read_clock().monotonic](Result<FetchReply> reply) {
                                   got = one(std::move(reply), began);
                                   all.count_down();
                               });
        });
        all.wait();
        return answers;
    }

    KafkaReader& kafka(const ClusterConfig& cluster) override { return *of(cluster).reader; }

    Result<KafkaReader::ByBroker<wire::ApiVersionsResponse>> kafka_versions(const ClusterConfig& cluster) override {
        return of(cluster).client->call_every_broker(
            wire::ApiVersionsRequest{std::string(wire::client_software), std::string(wire::client_software_release)},
            kafka_timeout);
    }

private:
    struct Kafka {
        std::shared_ptr<KafkaClient> client;
        std::unique_ptr<KafkaReader> reader;
    };

    static Got one(Result<FetchReply> reply, Instant began) {
        const Now done = read_clock();
        Got got;
        got.at = done.wall;
        got.took = reply ? reply->took : done.monotonic - began;
        if (!reply) {
            got.answer = std::unexpected(reply.error());
            return got;
        }
        got.server_time = http_date(reply->date);
        got.answer = HttpAnswer{reply->status, std::move(reply->content_type), std::move(reply->body)};
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

    const OutsideTimes times_;
    Reactor reactor_;
    HttpFetcher fetcher_;
    Worker thread_{"outside", 1};  // Runs the reactor; ends before the fetcher goes.
    std::map<std::string, Kafka> kafka_;
};

}  // namespace

std::unique_ptr<discovery::Outside> make_outside(HttpAccessTable access, OutsideTimes times) {
    return std::make_unique<RealOutside>(std::move(access), times);
}

}  // namespace medic::cli
