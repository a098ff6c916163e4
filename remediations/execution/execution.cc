#include "remediations/execution/execution.h"

#include <algorithm>

#include <fmt/format.h>

namespace medic {

Operation to_operation(Permit permit) {
    const Step& step = permit.step();
    return {.key = permit.key(),
            .cluster = permit.cluster(),
            .body = step.operation,
            .timeout = step.timeout,
            .idempotent = step.idempotent};
}

std::string too_late(const Operation& operation, Duration since_decided) {
    if (since_decided <= std::min(leave_within, operation.timeout)) return "";
    return fmt::format("the journal took {:.1f} s; what was decided then may not hold any more",
                       std::chrono::duration<double>(since_decided).count());
}

void Outbox::hold(std::uint64_t sequence, std::vector<Operation> operations) {
    for (auto& operation : operations) held_.emplace_back(sequence, std::move(operation));
}

std::vector<Operation> Outbox::release(std::uint64_t acked_sequence, bool durable, const Door& door) {
    std::vector<Operation> ready;
    while (!held_.empty() && held_.front().first <= acked_sequence) {
        Operation operation = std::move(held_.front().second);
        held_.pop_front();
        const std::string why = durable ? door(operation) : "the journal could not make the intent durable";
        if (why.empty()) {
            ready.push_back(std::move(operation));
        } else {
            refused_.push_back({operation.key, fail(ErrorCode::not_ready, "not sent: {}", why)});
        }
    }
    return ready;
}

std::vector<OperationReply> Outbox::take_refused() { return std::exchange(refused_, {}); }

}  // namespace medic
