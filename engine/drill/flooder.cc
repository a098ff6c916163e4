#include "engine/drill/flooder.h"

#include <fmt/ranges.h>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_client.h"

namespace medic::engine::drill {
namespace {

constexpr std::size_t record_bytes = 256;
constexpr int records_per_round = 8'000;
constexpr int batch_records = 2;  // Many requests for few bytes.

}  // namespace

Result<std::unique_ptr<Flooder>> Flooder::start(FlooderOptions options) {
    std::unique_ptr<Flooder> flooder(new Flooder(std::move(options)));
    MEDIC_CHECK(flooder->create_topic());
    const auto addresses = fmt::format("{}", fmt::join(flooder->options_.bootstrap, ","));
    const workload::DeliveryOptions careless{.client_id = flooder->options_.client_id,
                                             .acks = workload::DeliveryOptions::Acks::none,
                                             .linger_ms = 0,
                                             .batch_records_max = batch_records};
    for (int i = 0; i < flooder->options_.instances; ++i) {
        MEDIC_TRY(auto delivery, workload::KafkaDelivery::connect(addresses, careless));
        flooder->deliveries_.push_back(std::move(delivery));
    }
    for (const auto& delivery : flooder->deliveries_)
        flooder->threads_.emplace_back([raw = flooder.get(), to = delivery.get()] { raw->run(*to); });
    return flooder;
}

Flooder::~Flooder() {
    stopping_ = true;
    for (const auto& delivery : deliveries_) delivery->stop();
    for (std::thread& thread : threads_) thread.join();
}

Status Flooder::create_topic() const {
    KafkaClient client({.bootstrap = options_.bootstrap});
    wire::CreateTopicsRequest request;
    wire::CreateTopicsRequest::Topic topic{.name = options_.topic};
    for (std::int32_t partition = 0; partition < options_.partitions; ++partition)
        topic.assignments.push_back({partition, {options_.broker}});
    topic.configs = {{"segment.bytes", "8388608"}, {"retention.bytes", "16777216"}};
    request.topics = {topic};
    MEDIC_TRY(const auto response, client.call(KafkaTarget::controller(), request));
    for (const auto& result : response.topics)
        if (result.error != wire::KafkaError::topic_already_exists)
            MEDIC_CHECK(wire::check(result.error, "create " + options_.topic));
    return {};
}

void Flooder::run(workload::KafkaDelivery& delivery) const {
    std::vector<workload::OutgoingRecord> round;
    for (int i = 0; i < records_per_round; ++i)
        round.push_back({i % options_.partitions, "", std::string(record_bytes, 'x')});
    while (!stopping_ && delivery.deliver(options_.topic, round)) {
    }
}

}  // namespace medic::engine::drill
