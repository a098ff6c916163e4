// A producer replays an old payment in a transaction and is never heard of again; no coordinator knows of it. What is
// paid from then on is written and acknowledged, and the ledger, which reads committed records only, stands still.
#include "engine/drill/drill_case.h"

namespace medic::engine::drill::cases::hanging_transaction {
namespace {

// Kafka goes by a record's own time: it is older than a transaction may get (transaction.max.timeout.ms, 15 min).
constexpr Duration age{60 * 60'000};

Status inject(Platform& platform) {
    // They flow before the fault, in this arm, too.
    if (const auto flowing = platform.payments_read(); !flowing) return std::unexpected(flowing.error());
    return platform.leave_payment_open(age);
}

Status clear(Platform& platform) {
    platform.close_ledger();
    return {};
}

}  // namespace

DrillCase descriptor() {
    return {.name = "hanging-transaction",
            .injected_by = "a producer leaves a transaction open that no coordinator knows",
            .expected_side = "system",
            .expected_cause = "kafka.hanging-transaction",
            .expected_remedy = "kafka.abort-hanging-transaction",
            .inject = inject,
            .progress = [](Platform& platform) { return platform.payments_read(); },
            .check = check_job_records,
            .clear = clear,
            .patience = Duration{120'000},
            .note = "the policy names the topic: what is in such a transaction stays unread"};
}

}  // namespace medic::engine::drill::cases::hanging_transaction
