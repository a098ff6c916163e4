#include "engine/drill/shipper.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_client.h"

namespace medic::engine::drill {
namespace {

constexpr std::size_t remembered = 5;
constexpr auto nap = std::chrono::milliseconds(50);

}  // namespace

Result<std::unique_ptr<Shipper>> Shipper::start(ShipperOptions options) {
    std::unique_ptr<Shipper> shipper(new Shipper(std::move(options)));
    MEDIC_CHECK(shipper->create_topic());
    const auto addresses = fmt::format("{}", fmt::join(shipper->options_.bootstrap, ","));
    const workload::DeliveryOptions large{.client_id = "shipper",
                                          .acks = workload::DeliveryOptions::Acks::leader,
                                          .message_bytes_max = 2 * shipper->options_.record_bytes};
    for (Lane& lane : shipper->lanes_) {
        MEDIC_TRY(lane.delivery, workload::KafkaDelivery::connect(addresses, large));
    }
    for (std::size_t partition = 0; partition < shipper->lanes_.size(); ++partition)
        shipper->threads_.emplace_back([raw = shipper.get(), partition] { raw->run(partition); });
    return shipper;
}

Shipper::~Shipper() {
    stopping_ = true;
    for (const Lane& lane : lanes_)
        if (lane.delivery) lane.delivery->stop();
    for (std::thread& thread : threads_) thread.join();
}

Status Shipper::create_topic() const {
    KafkaClient client({.bootstrap = options_.bootstrap});
    wire::CreateTopicsRequest request;
    wire::CreateTopicsRequest::Topic topic{.name = options_.topic};
    for (std::size_t partition = 0; partition < options_.replicas.size(); ++partition)
        topic.assignments.push_back({static_cast<std::int32_t>(partition), options_.replicas[partition]});
    topic.configs = {{"max.message.bytes", std::to_string(2 * options_.record_bytes)},
                     {"segment.bytes", "8388608"},
                     {"retention.bytes", "16777216"}};
    request.topics = {topic};
    MEDIC_TRY(const auto response, client.call(KafkaTarget::controller(), request));
    for (const auto& result : response.topics)
        if (result.error != wire::KafkaError::topic_already_exists)
            MEDIC_CHECK(wire::check(result.error, "create " + options_.topic, result.error_message.value_or("")));
    return {};
}

void Shipper::run(std::size_t partition) {
    const std::vector<workload::OutgoingRecord> one{
        {static_cast<int>(partition), "", std::string(static_cast<std::size_t>(options_.record_bytes), 'x')}};
    while (!stopping_) {
        const Instant begun = read_clock().monotonic;
        const bool delivered = lanes_[partition].delivery->deliver(options_.topic, one).has_value();
        const Instant ended = read_clock().monotonic;
        if (delivered) {
            const std::lock_guard lock(mutex_);
            auto& took = lanes_[partition].took;
            took.push_back(std::chrono::duration_cast<Duration>(ended - begun));
            if (took.size() > remembered) took.pop_front();
        }
        while (!stopping_ && read_clock().monotonic < begun + options_.every) std::this_thread::sleep_for(nap);
    }
}

Result<Duration> Shipper::slowest() const {
    const std::lock_guard lock(mutex_);
    Duration slowest{0};
    for (const Lane& lane : lanes_) {
        if (lane.took.size() < remembered) return fail(ErrorCode::not_ready, "too few shipments have arrived yet");
        std::vector<Duration> took(lane.took.begin(), lane.took.end());
        std::ranges::nth_element(took, took.begin() + remembered / 2);
        slowest = std::max(slowest, took[remembered / 2]);
    }
    return slowest;
}

}  // namespace medic::engine::drill
