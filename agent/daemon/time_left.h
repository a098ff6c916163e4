// What is left of an operation's time. Each of its calls gets no more than that, and none begins when it is over:
// whoever gave the operation has given up on it by then, and somebody else may act.
#pragma once

#include <functional>
#include <utility>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

class TimeLeft {
public:
    using Clock = std::function<Instant()>;

    TimeLeft(Instant until, Clock clock) : until_(until), clock_(std::move(clock)) {}

    // unavailable: it is over, and the call must not be made.
    [[nodiscard]] Result<Duration> for_next_call() const {
        const Instant now = clock_();
        if (now >= until_) return fail(ErrorCode::unavailable, "not sent: the operation's time is over");
        return until_ - now;
    }

private:
    Instant until_;
    Clock clock_;
};

}  // namespace medic
