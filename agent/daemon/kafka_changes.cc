#include "agent/daemon/kafka_changes.h"

namespace medic {
namespace {

constexpr std::size_t waiting_max = 256;

}  // namespace

KafkaChanges::KafkaChanges(Change change, TimeLeft::Clock clock)
    : change_(std::move(change)), clock_(std::move(clock)), worker_("kafka-changes", waiting_max) {}

void KafkaChanges::send(const Operation& operation, const Done& done) {
    const TimeLeft time(clock_() + operation.timeout, clock_);
    const bool taken = worker_.post([this, operation, time, done] {
        if (time.for_next_call()) return done(change_(operation, time));
        done(fail(ErrorCode::not_ready, "not sent: it waited too long for other changes of cluster {}",
                  operation.cluster));
    });
    if (!taken) done(fail(ErrorCode::unavailable, "too many Kafka changes are waiting"));
}

void KafkaChanges::stop() { worker_.stop(); }

}  // namespace medic
