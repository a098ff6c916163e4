// The paths that records take through the platform, counted at both ends by readers of their own: what a user would
// see.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "engine/lab/plan.h"
#include "tests/live/report/ledger.h"

namespace medic::live {

enum class FlowName : std::uint8_t {
    totals,     // orders → the job, exactly once → order-totals, read committed
    audit,      // inventory → audit-sink → its file, at least once
    inventory,  // the file source's file → inventory → inventory-sink → its file, at least once
};
[[nodiscard]] std::string to_string(FlowName name);

class Flow {
public:
    virtual ~Flow() = default;
    // Records that have come out so far.
    [[nodiscard]] std::uint64_t count() const { return ledger_.seen_count(); }
    // A moment, for check().
    [[nodiscard]] std::size_t mark() const { return ledger_.sent_count(); }
    // Records that went in after `from` and until now; waits up to `patience` for what is on its way.
    [[nodiscard]] RecordCheck check(std::size_t from, Duration patience) const;

protected:
    Ledger ledger_;
};

// Counts from now on, in a thread of its own.
[[nodiscard]] Result<std::unique_ptr<Flow>> start_flow(FlowName name, const engine::lab::LabPlan& plan);

}  // namespace medic::live
