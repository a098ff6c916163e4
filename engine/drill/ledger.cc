#include "engine/drill/ledger.h"

#include <fmt/ranges.h>

#include <chrono>

#include "agent/wire/messages/topics.h"
#include "agent/world/real/kafka_client.h"

namespace medic::engine::drill {
namespace {

constexpr auto between_payments = std::chrono::milliseconds(20);
constexpr Duration slice{100};
constexpr auto first_payment_within = std::chrono::seconds(30);
constexpr auto poll_interval = std::chrono::milliseconds(50);

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::vector<std::string>& bootstrap, LedgerOptions options) {
    std::unique_ptr<Ledger> ledger(new Ledger(std::move(options)));
    const auto& [topic, replicas, acks] = ledger->options_;
    const auto addresses = fmt::format("{}", fmt::join(bootstrap, ","));
    MEDIC_TRY(ledger->delivery_, workload::KafkaDelivery::connect(addresses, {.client_id = topic, .acks = acks}));
    if (replicas.empty())
        MEDIC_CHECK(ledger->delivery_->create_topic({.name = topic, .partitions = 1, .configs = {}}));
    else
        MEDIC_CHECK(ledger->create_topic(bootstrap));
    MEDIC_TRY(ledger->reading_, workload::KafkaReading::begin(addresses, {.topic = topic}));
    ledger->writer_ = std::thread([raw = ledger.get()] { raw->write(); });
    ledger->reader_ = std::thread([raw = ledger.get()] { raw->follow(); });
    const auto deadline = std::chrono::steady_clock::now() + first_payment_within;
    while (ledger->read_ == 0) {
        if (std::chrono::steady_clock::now() > deadline)
            return fail(ErrorCode::unavailable, "no payment was read within {} s", first_payment_within.count());
        std::this_thread::sleep_for(poll_interval);
    }
    return ledger;
}

Status Ledger::create_topic(const std::vector<std::string>& bootstrap) const {
    KafkaClient client({.bootstrap = bootstrap});
    wire::CreateTopicsRequest request;
    request.topics = {{.name = options_.topic}};
    request.topics.front().assignments.push_back({0, options_.replicas});
    MEDIC_TRY(const auto response, client.call(KafkaTarget::controller(), request));
    for (const auto& result : response.topics)
        if (result.error != wire::KafkaError::topic_already_exists)
            MEDIC_CHECK(wire::check(result.error, "create " + options_.topic, result.error_message.value_or("")));
    return {};
}

Ledger::~Ledger() {
    stopping_ = true;
    if (delivery_) delivery_->stop();
    if (writer_.joinable()) writer_.join();
    if (reader_.joinable()) reader_.join();
}

void Ledger::write() {
    // One that librdkafka gives up (its leader was lost with it) is the application's loss; it goes on.
    while (!stopping_) {
        (void)delivery_->deliver(options_.topic, {{0, "", "payment"}});
        std::this_thread::sleep_for(between_payments);
    }
}

void Ledger::follow() {
    while (!stopping_) read_ += reading_->take(slice).size();
}

}  // namespace medic::engine::drill
