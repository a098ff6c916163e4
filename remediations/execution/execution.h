// The only road from a decision to the outside. A Permit becomes an Operation; the outbox holds it until the journal
// has the intent.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/world/operation.h"
#include "remediations/guards/guards.h"

namespace medic {

// Consumes the permit: one permit, one operation.
[[nodiscard]] Operation to_operation(Permit permit);

// "" while a decision may still be carried out; else why not. Journals hang: a disk that stalls for minutes holds back
// what was decided on facts of before, and what the loop has given up and decided anew by then (its time-out has
// passed). What waited longer than `leave_within` is refused.
constexpr Duration leave_within{10'000};
[[nodiscard]] std::string too_late(const Operation& operation, Duration since_decided);

// Owned by the thread that talks to the journal. Usage, in this order:
//   sequence = journal.append(effects.journal); outbox.hold(sequence, effects.operations); ack = journal.flush();
//   for (op : outbox.release(ack.sequence, ack.durable, door)) world.send(op); and outbox.take_refused() go back to
//   the loop.
class Outbox {
public:
    void hold(std::uint64_t sequence, std::vector<Operation> operations);

    // Looks once more, just before an operation leaves: a person may have paused since the decision, another agent may
    // have taken over. "" lets it pass; else why it may not.
    using Door = std::function<std::string(const Operation&)>;
    // What may leave now: every operation whose intent is durable. When the journal failed, or the door is shut, the
    // operations are refused instead.
    [[nodiscard]] std::vector<Operation> release(std::uint64_t acked_sequence, bool durable, const Door& door);
    // Replies for operations that did not and will not leave (ErrorCode::not_ready).
    [[nodiscard]] std::vector<OperationReply> take_refused();
    [[nodiscard]] std::size_t held() const { return held_.size(); }

private:
    std::deque<std::pair<std::uint64_t, Operation>> held_;
    std::vector<OperationReply> refused_;
};

}  // namespace medic
