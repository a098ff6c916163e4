// A reader of committed records, and a transaction that nobody ends before it.
#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_client.h"
#include "engine/drill/platform.h"
#include "engine/workload/open_transaction.h"

namespace medic::engine::drill {

Result<std::uint64_t> Platform::payments_read() {
    if (!ledger_) {
        MEDIC_TRY(ledger_, Ledger::open(bootstrap()));
    }
    return ledger_->read();
}

Status Platform::leave_payment_open(Duration age) const {
    KafkaClient client({.bootstrap = bootstrap()});
    MEDIC_TRY(const auto producer,
              workload::leave_transaction_open(client, {.topic = ledger_topic,
                                                        .value = "a payment that nobody commits",
                                                        .timestamp_ms = (read_clock().wall - age).unix_ms,
                                                        .transactional_id = "payments-replay"}));
    (void)producer;
    return {};
}

void Platform::close_ledger() { ledger_.reset(); }

}  // namespace medic::engine::drill
