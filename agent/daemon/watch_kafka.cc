// Looks at Kafka clusters: each on a thread of its own that may wait, so that none can hold up another.
#include "agent/daemon/kafka_reader.h"
#include "agent/daemon/watch_internal.h"
#include "agent/world/real/clock.h"

namespace medic::watch {
namespace {

// A broker that has not answered by then counts as silent in this look.
constexpr Duration kafka_timeout{2'000};

class Kafka : public Watched {
public:
    Kafka(const Watcher::Parts& parts, KafkaCollectorOptions options, std::shared_ptr<KafkaClient> client)
        : Watched(parts),
          collector_(std::move(options)),
          client_(std::move(client)),
          reader_(make_kafka_reader(client_, kafka_timeout)),
          thread_("kafka", 1) {}

    bool look(FetchRequest::Standing, Done done) override {
        return thread_.post([this, done = std::move(done)] {
            const Now now = read_clock();
            reader_->begin();
            auto observation = collector_.look(*reader_, now.wall);
            if (client_->stopped()) return;  // We broke this look off ourselves: it says nothing about Kafka.
            const auto outcome = observation.outcome == ScrapeOutcome::failed ? LookSchedule::Outcome::failed
                                                                              : LookSchedule::Outcome::answered;
            parts_.ingest.post_waiting(
                [this, done, end = LookEnd{now.monotonic, outcome}, observation = std::move(observation)]() mutable {
                    parts_.knowledge.apply(std::move(observation));
                    parts_.reactor.post([done, end] { done(end); });
                });
        });
    }

    void stop() override {
        client_->stop();
        thread_.stop();
    }

private:
    KafkaCollector collector_;
    std::shared_ptr<KafkaClient> client_;
    std::unique_ptr<TimedKafkaReader> reader_;
    Worker thread_;
};

}  // namespace

PlannedKafka kafka_target(const Watcher::Parts& parts, const ClusterConfig& cluster) {
    const std::string name = cluster.name + "/kafka";
    const Duration interval = parts.config.intervals.kafka;
    auto client = std::make_shared<KafkaClient>(KafkaClientOptions{.bootstrap = cluster.kafka.bootstrap,
                                                                   .client_id = "streammedic",
                                                                   .security = cluster.kafka.security,
                                                                   .cluster_id = cluster.kafka.cluster_id,
                                                                   .check_cluster = true,
                                                                   .request_timeout = kafka_timeout});
    parts.knowledge.expect(name, cluster.name, interval);
    return {{{.name = name, .kind = "kafka", .interval = interval},
             std::make_unique<Kafka>(parts, KafkaCollectorOptions{.cluster = cluster.name, .target = name}, client)},
            client};
}

}  // namespace medic::watch
