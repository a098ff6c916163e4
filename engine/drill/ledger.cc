#include "engine/drill/ledger.h"

#include <chrono>

namespace medic::engine::drill {
namespace {

constexpr auto between_payments = std::chrono::milliseconds(20);
constexpr Duration slice{100};
constexpr auto first_payment_within = std::chrono::seconds(30);
constexpr auto poll_interval = std::chrono::milliseconds(50);

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& bootstrap) {
    std::unique_ptr<Ledger> ledger(new Ledger);
    MEDIC_TRY(ledger->delivery_, workload::KafkaDelivery::connect(bootstrap, {.client_id = "payments"}));
    MEDIC_CHECK(ledger->delivery_->create_topic({.name = ledger_topic, .partitions = 1, .configs = {}}));
    MEDIC_TRY(ledger->reading_, workload::KafkaReading::begin(bootstrap, {.topic = ledger_topic}));
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

Ledger::~Ledger() {
    stopping_ = true;
    if (delivery_) delivery_->stop();
    if (writer_.joinable()) writer_.join();
    if (reader_.joinable()) reader_.join();
}

void Ledger::write() {
    while (!stopping_ && delivery_->deliver(ledger_topic, {{0, "", "payment"}}))
        std::this_thread::sleep_for(between_payments);
}

void Ledger::follow() {
    while (!stopping_) read_ += reading_->take(slice).size();
}

}  // namespace medic::engine::drill
