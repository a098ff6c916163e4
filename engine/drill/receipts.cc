#include "engine/drill/receipts.h"

#include <algorithm>
#include <chrono>

namespace medic::engine::drill {
namespace {

constexpr const char* topic = "receipts";
constexpr auto between_receipts = std::chrono::milliseconds(20);
constexpr Duration batch{200};
constexpr auto first_commit_within = std::chrono::seconds(60);
constexpr auto poll_interval = std::chrono::milliseconds(50);
// As a liveness probe would: librdkafka 2.0 may wait for ever for an answer that its former coordinator owes it.
constexpr auto started_anew_after = std::chrono::seconds(30);

}  // namespace

Result<std::unique_ptr<Receipts>> Receipts::open(const std::string& bootstrap) {
    std::unique_ptr<Receipts> receipts(new Receipts);
    receipts->bootstrap_ = bootstrap;
    MEDIC_TRY(receipts->delivery_, workload::KafkaDelivery::connect(bootstrap, {.client_id = topic}));
    MEDIC_CHECK(receipts->delivery_->create_topic({.name = topic, .partitions = 1, .configs = {}}));
    for (std::size_t i = 0; i < receipts_groups.size(); ++i) {
        MEDIC_TRY(receipts->readings_[i],
                  workload::KafkaGroupReading::join(bootstrap, {.topic = topic, .group = receipts_groups[i]}));
        receipts->readers_[i] = std::thread([raw = receipts.get(), i] { raw->follow(i); });
    }
    receipts->writer_ = std::thread([raw = receipts.get()] { raw->write(); });
    const auto deadline = std::chrono::steady_clock::now() + first_commit_within;
    const auto waits = [](const std::atomic<std::uint64_t>& count) { return count == 0; };
    while (std::ranges::any_of(receipts->committed_, waits)) {
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::unavailable, "an application has committed nothing within {} s",
                        first_commit_within.count());
        std::this_thread::sleep_for(poll_interval);
    }
    return receipts;
}

Receipts::~Receipts() {
    stopping_ = true;
    if (delivery_) delivery_->stop();
    if (writer_.joinable()) writer_.join();
    for (std::thread& reader : readers_)
        if (reader.joinable()) reader.join();
}

void Receipts::write() {
    while (!stopping_ && delivery_->deliver(topic, {{0, "", "receipt"}})) std::this_thread::sleep_for(between_receipts);
}

void Receipts::follow(std::size_t application) {
    auto last = std::chrono::steady_clock::now();
    while (!stopping_) {
        const std::uint64_t more = readings_[application]->take(batch);
        committed_[application] += more;
        const auto now = std::chrono::steady_clock::now();
        if (more > 0) last = now;
        if (now - last < started_anew_after) continue;
        last = now;
        auto fresh =
            workload::KafkaGroupReading::join(bootstrap_, {.topic = topic, .group = receipts_groups[application]});
        if (fresh) readings_[application] = *std::move(fresh);
    }
}

}  // namespace medic::engine::drill
